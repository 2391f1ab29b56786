/**
 * Options as data: a table of them is at once what the command line parses, what `--help` and the reference page print, what `config.json`
 * is checked against, and the type of their values. Knows neither Node nor the DOM.
 */
import { UserError } from "./errors.js";

interface Common {
  /** One line for `--help`, without a full stop. */
  readonly description: string;
  /** What `--help` shows as the default where the value follows from something else, e.g. "from the preset". */
  readonly defaultText?: string;
  /** What else decides it where it is not given: "recipe paper: off". */
  readonly elsewhere?: string;
  /** Heading under which `--help` lists the option. */
  readonly group?: string;
  /** Who says so, and where: "section 4.3, equation 5" is the paper's. */
  readonly source?: string;
  /**
   * A run may keep null for it: "always" where its absence leaves the matter to another rule, "unused" where it is so because it has no
   * meaning beside the run's other options.
   */
  readonly nullable?: "always" | "unused";
  /** True for an option that came later: where it is null it is not written, so that runs and models without it keep their bytes. */
  readonly writtenIfSet?: true;
}

/** On or off: a boolean in code, `--name` or `--no-name` on the command line, where `--name on` and `--name off` are read too. */
export interface FlagSpec extends Common {
  readonly type: "flag";
  readonly default?: boolean;
  /** How config.json spells it where not by true and false: some were words before they were flags, and older versions read their runs. */
  readonly saved?: "on|off";
}

export interface NumberSpec extends Common {
  /** "integer" takes safe integers only; "number" any finite number. */
  readonly type: "integer" | "number";
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}

export interface ChoiceSpec extends Common {
  readonly type: "choice";
  readonly choices: readonly string[];
  readonly default?: string;
}

export interface TextSpec extends Common {
  readonly type: "text";
  /** What stands in `--help` for the value: "DIR", "FILE". */
  readonly placeholder: string;
  readonly default?: string;
}

/** May be given several times; the values are kept in order. */
export interface TextListSpec extends Common {
  readonly type: "texts";
  readonly placeholder: string;
}

export type OptionSpec = FlagSpec | NumberSpec | ChoiceSpec | TextSpec | TextListSpec;

/** Options by their name in code: `learningRate` is `--learning-rate` on the command line. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

export type OptionValue = boolean | number | string | readonly string[];

/** The type of an option's value. */
export type ValueOf<S extends OptionSpec> = S extends { type: "flag" }
  ? boolean
  : S extends { type: "integer" | "number" }
    ? number
    : S extends { type: "choice"; choices: readonly (infer C)[] }
      ? C
      : S extends { type: "texts" }
        ? readonly string[]
        : string;

/** What was given on a command line; absent where nothing was. */
export type Given<T extends OptionTable> = { readonly [K in keyof T]?: ValueOf<T[K]> };

/** Given values, and the table's defaults for the rest; absent only where the table has none. */
export type Values<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends { default: OptionValue } ? ValueOf<T[K]> : ValueOf<T[K]> | undefined;
};

/** All options with their values, as a run keeps them: plain JSON. */
export type OptionsOf<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends { nullable: string } ? ValueOf<T[K]> | null : ValueOf<T[K]>;
};

/** The names in a table. */
export const keysOf = <T extends OptionTable>(table: T): (keyof T & string)[] => Object.keys(table);

/** `learningRate` -> `learning-rate`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z0-9]+/g, (part, at: number) => (at > 0 ? `-${part}` : part).toLowerCase());
}

/** What is wrong with `value` for this option, as the end of a sentence ("must be ..."), or undefined where it fits. */
function problemWith(spec: OptionSpec, value: unknown): string | undefined {
  switch (spec.type) {
    case "flag":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "integer":
    case "number": {
      const kind = spec.type === "integer" ? "a whole number" : "a number";
      const fits =
        typeof value === "number" &&
        (spec.type === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
        value >= (spec.min ?? -Infinity) &&
        value <= (spec.max ?? Infinity);
      return fits ? undefined : `must be ${kind}${rangeText(spec)}`;
    }
    case "choice":
      return spec.choices.includes(value as string) ? undefined : `must be one of ${spec.choices.join(", ")}`;
    case "text":
      return typeof value === "string" && value.trim() !== "" ? undefined : "must not be empty";
    case "texts":
      return Array.isArray(value) && value.every((item) => typeof item === "string" && item.trim() !== "")
        ? undefined
        : "must not be empty";
  }
}

/** The numbers that an option takes: " from 2 to 8"; nothing where it takes any, or none. */
export function rangeText(spec: OptionSpec): string {
  if (spec.type !== "integer" && spec.type !== "number") return "";
  if (spec.min !== undefined && spec.max !== undefined) return ` from ${spec.min} to ${spec.max}`;
  if (spec.min !== undefined) return ` of at least ${spec.min}`;
  if (spec.max !== undefined) return ` of at most ${spec.max}`;
  return "";
}

/**
 * Checks a value that came from somewhere (`where`: "--batch", "batch in config.json").
 * @throws UserError naming the option, the value and what it must be.
 */
export function checkOption(where: string, spec: OptionSpec, value: unknown): void {
  const problem = problemWith(spec, value);
  if (problem) throw new UserError(`${where} ${problem}, not ${shown(value)}`);
}

/**
 * Checks all options of a run.
 * @param name What an option is called in messages.
 * @param unused Those that have no meaning beside the others.
 * @throws UserError naming the option, the value and what it must be.
 */
export function checkOptions<T extends OptionTable>(
  table: T,
  options: OptionsOf<T>,
  name: (key: keyof T & string) => string,
  unused: readonly (keyof T)[] = [],
): void {
  for (const key of keysOf(table)) {
    const { nullable } = table[key]!;
    if (options[key] === null && (nullable === "always" || (nullable === "unused" && unused.includes(key)))) continue;
    checkOption(name(key), table[key]!, options[key]);
  }
}

/** A value as a word: "on" and "off" for what is switched. */
export const valueWord = (value: unknown): string => (typeof value === "boolean" ? (value ? "on" : "off") : String(value));

/** An option as it is typed: `--batch 8`, `--residual`, `--no-residual`. */
export function typedOption(key: string, value: unknown): string {
  if (typeof value === "boolean") return value ? `--${flagName(key)}` : `--no-${flagName(key)}`;
  return `--${flagName(key)} ${String(value)}`;
}

/** A value as a user would type it, not longer than a line: texts in quotes, so that an empty one shows; JSON would make null of Infinity. */
function shown(value: unknown): string {
  if (typeof value === "number" || value === undefined) return String(value);
  let text: string;
  try {
    text = Array.isArray(value) && value.length < 20 ? value.map(shown).join(", ") : String(JSON.stringify(value));
  } catch {
    // A file's lists may nest deeper than a call stack goes.
    text = "something else";
  }
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** The member of `known` that `word` is most likely a slip of the pen for, if any comes near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  // Up to a third of the letters may be wrong.
  let least = Math.floor(Math.max(word.length, 3) / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    const contained = word.length >= 3 && (candidate.startsWith(word) || (candidate.length >= 3 && word.startsWith(candidate)));
    if (distance < least || (contained && best === undefined)) {
      best = candidate;
      least = Math.min(least, distance);
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
