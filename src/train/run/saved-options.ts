/** Options that a folder remembers in its config.json: writing them, reading them back, and going on with them. */
import { UserError } from "../../errors.js";
import { flagName, keysOf, nearest, type OptionsOf, type OptionTable, valueWord } from "../../option-spec.js";

/** The same options with their paths as the runtime resolves them: a path may have been typed in another form. */
export type PathResolver = <Options extends object>(options: Options) => Options;

/**
 * The options of something that goes on: those it was begun with, save the few that may change; not yet checked.
 * @throws UserError when `given` holds another value for an option that may not.
 */
export function resumed<Options extends object>(
  what: string,
  saved: Options,
  given: { readonly [K in keyof Options]?: Options[K] | undefined },
  changeable: readonly (keyof Options)[],
  resolvePaths: PathResolver = (options) => options,
): Options {
  // Older folders hold paths as they were typed.
  const absolute = resolvePaths(saved);
  for (const key of Object.keys(given) as (keyof Options & string)[]) {
    if (given[key] === undefined || given[key] === saved[key] || given[key] === absolute[key] || changeable.includes(key)) continue;
    throw new UserError(
      `--${flagName(key)} ${valueWord(given[key])}: the ${what} was begun with ${valueWord(saved[key] ?? "none")}, and a resumed ${what} goes on ` +
        `as it began; leave the option out, or start a new ${what}`,
    );
  }
  return { ...saved, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** Options as config.json holds them. */
export function toJson(table: OptionTable, options: object): Record<string, unknown> {
  const word = (key: string, value: unknown): boolean => {
    const spec = table[key];
    return spec?.type === "flag" && spec.saved === "on|off" && typeof value === "boolean";
  };
  const written = Object.entries(options).filter(([key, value]) => value !== null || !table[key]?.writtenIfSet);
  return Object.fromEntries(written.map(([key, value]: [string, unknown]) => [key, word(key, value) ? valueWord(value) : value]));
}

/** Values as `toJson` wrote them: what is on or off may be spelt by words or by true and false, whichever it is. */
export function readSwitches<Json extends object>(table: OptionTable, json: Json): Json {
  const read = (key: string, value: unknown): unknown =>
    table[key]?.type === "flag" && (value === "on" || value === "off") ? value === "on" : value;
  return Object.fromEntries(Object.entries(json).map(([key, value]: [string, unknown]) => [key, read(key, value)])) as Json;
}

/**
 * Parsed JSON as an object with the table's keys; values are not yet checked.
 * @param later Values of options that older folders do not have.
 * @throws UserError when an option is missing or unknown.
 */
export function fromJson<T extends OptionTable>(
  table: T,
  json: unknown,
  where: string,
  what: string,
  later: Partial<OptionsOf<T>> = {},
): OptionsOf<T> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new UserError(`${where} does not hold a ${what}'s options`);
  const keys = keysOf(table);
  for (const key of Object.keys(json)) {
    if ((keys as string[]).includes(key)) continue;
    const meant = nearest(key, keys);
    throw new UserError(`${where}: unknown option "${key}"${meant ? `; did you mean "${meant}"?` : ""}`);
  }
  // In the file's own order: what goes on writes it anew, with the same bytes.
  const unset = Object.fromEntries(keys.filter((key) => table[key]!.writtenIfSet && !(key in json)).map((key) => [key, null]));
  const options = {
    ...readSwitches(table, json),
    ...unset,
    ...Object.fromEntries(Object.entries(later).filter(([key]) => !(key in json))),
  };
  const missing = keys.find((key) => !(key in options));
  if (missing) throw new UserError(`${where}: the option "${missing}" is missing`);
  return options as OptionsOf<T>;
}
