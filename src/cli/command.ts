/** What a command of the command line is, and reading its options from the words a user typed. */
import { parseArgs } from "node:util";
import { commandLine, quoted, typed } from "../command-line.js";
import { UserError } from "../errors.js";
import {
  checkOption,
  flagName,
  type Given,
  nearest,
  type OptionSpec,
  type OptionTable,
  type OptionValue,
  type Values,
} from "../option-spec.js";
import type { Output } from "./progress.js";

/** What a command may use of the process around it. */
export interface Context {
  /** Aborted by the first Ctrl-C (or SIGTERM, SIGHUP) after `catchInterrupt` was called; the second ends the process. Without a notice nothing is said. */
  catchInterrupt(notice: string | undefined): AbortSignal;
  /** A line of result, on standard output. */
  print(line: string): void;
  readonly stderr: Output;
}

export interface Command<T extends OptionTable = OptionTable> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What else `--help` should say, in lines of at most 100 characters. */
  readonly details?: string;
  /** What must stand before the options, as help calls it: "import|export", "FILE". */
  readonly words?: readonly string[];
  readonly options: T;
  /** Words after `petalgrad `, each with what they do. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  /** @param words Those that were asked for, one for each of `words`. */
  run(given: Given<T>, context: Context, words: readonly string[]): Promise<void>;
}

/** Keeps the option types of a command that is written as a literal. */
export function defineCommand<const T extends OptionTable>(command: Command<T>): Command<T> {
  return command;
}

/** Fills in the table's defaults. */
export function withDefaults<T extends OptionTable>(table: T, given: Given<T>): Values<T> {
  const entries = Object.entries(table).map(([key, spec]) => [key, given[key] ?? ("default" in spec ? spec.default : undefined)]);
  return Object.fromEntries(entries) as Values<T>;
}

/**
 * The words that a command wants before its options, and the rest.
 * @throws UserError when one is missing, or is none of the choices where there are some
 */
export function takeWords(
  command: Pick<Command, "name" | "words">,
  typed: readonly string[],
): { words: string[]; rest: readonly string[] } {
  const wanted = command.words ?? [];
  const words = typed.slice(0, wanted.length);
  if (wanted.length > 0 && typed.some((word) => word === "--help" || word === "-h")) return { words: [], rest: ["--help"] };
  for (const [i, name] of wanted.entries()) {
    const word = words[i];
    const choices = name.includes("|") ? name.split("|") : undefined;
    if (word === undefined || word.startsWith("-"))
      throw new UserError(`${command.name} needs ${wanted.join(" ")}; see ${helpOf(command.name)}`);
    if (choices && !choices.includes(word)) {
      const meant = nearest(word, choices);
      throw new UserError(`${command.name} ${word}: it must be ${choices.join(" or ")}${meant ? `; did you mean ${meant}?` : ""}`);
    }
  }
  return { words, rest: typed.slice(wanted.length) };
}

/**
 * Reads `--name value`, `--name=value`; of what is on or off `--name` and `--no-name`, and also `--name on`, `--name off`. Nothing is filled
 * in.
 * @returns "help" when `--help` or `-h` stands among the words
 * @throws UserError for an unknown option (with the nearest known one), a missing, bad or second value, or a word that is no option
 */
export function parseOptions<T extends OptionTable>(command: Command<T>, words: readonly string[]): Given<T> | "help" {
  const byFlag = new Map(Object.keys(command.options).map((key) => [flagName(key), key]));
  const types = Object.fromEntries(
    [...byFlag].map(([flag, key]) => [flag, { type: isFlag(command.options[key]) ? "boolean" : "string" } as const]),
  );
  const switches = new Set([...byFlag].flatMap(([flag, key]) => (isFlag(command.options[key]) ? [`--${flag}`] : [])));
  const { tokens } = parseArgs({
    args: joinSwitches(words, switches),
    options: types,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  if (tokens.some((token) => token.kind === "option" && (token.name === "help" || token.name === "h"))) return "help";

  const given: Record<string, OptionValue> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional")
      throw new UserError(`unexpected "${token.value}"${npmHint(command.name)}; see ${helpOf(command.name)}`);
    const negated = token.name.startsWith("no-") && !byFlag.has(token.name);
    const key = byFlag.get(negated ? token.name.slice(3) : token.name);
    const spec = key === undefined ? undefined : command.options[key];
    if (key === undefined || !spec || (negated && spec.type !== "flag")) throw unknownOption(command, token.rawName, [...byFlag.keys()]);
    if (key in given && spec.type !== "texts") throw new UserError(`${token.rawName} is given twice`);
    if (spec.type === "flag") {
      const word = token.value;
      if (word !== undefined && (negated || (word !== "on" && word !== "off")))
        throw new UserError(`${token.rawName} takes no value; write --${flagName(key)} or --no-${flagName(key)}`);
      given[key] = word === undefined ? !negated : word === "on";
      continue;
    }
    // A value that looks like an option is a forgotten value, unless it is a negative number or was written with "=".
    const forgotten = token.value === undefined || (!token.inlineValue && /^--?[a-z]/i.test(token.value));
    if (forgotten) throw new UserError(`${token.rawName} needs a value, e.g. ${token.rawName} ${exampleValue(spec)}`);
    const value = convert(spec, token.value as string);
    if (spec.type === "texts") given[key] = [...((given[key] as string[] | undefined) ?? []), ...(value as string[])];
    else given[key] = value;
    checkOption(token.rawName, spec, given[key]);
  }
  refuseNpmOptions(command, byFlag);
  return given as Given<T>;
}

/** `--flag on` as `--flag=on`, so that the word is no stray one. */
function joinSwitches(words: readonly string[], flags: ReadonlySet<string>): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const before = joined.at(-1);
    if ((word === "on" || word === "off") && before !== undefined && flags.has(before)) joined[joined.length - 1] = `${before}=${word}`;
    else joined.push(word);
  }
  return joined;
}

function isFlag(spec: OptionSpec | undefined): boolean {
  return spec?.type === "flag";
}

function convert(spec: OptionSpec, text: string): OptionValue {
  if (spec.type === "texts") return [text];
  // Number("") is 0: an empty text is no number. What is none stays text, for the message.
  const isNumber = (spec.type === "integer" || spec.type === "number") && text.trim() !== "" && !Number.isNaN(Number(text));
  return isNumber ? Number(text) : text;
}

function exampleValue(spec: OptionSpec): string {
  switch (spec.type) {
    case "choice":
      return spec.choices[0] ?? "";
    case "integer":
    case "number":
      return String(spec.default ?? spec.min ?? 1);
    case "text":
    case "texts":
      return spec.placeholder;
    case "flag":
      return "";
  }
}

function unknownOption(command: { name: string }, rawName: string, flags: readonly string[]): UserError {
  const word = rawName.replace(/^-+/, "");
  const negation = word.startsWith("no-") ? nearest(word.slice(3), flags) : undefined;
  const meant = nearest(word, flags) ?? negation;
  return new UserError(`unknown option ${rawName}${meant ? `; did you mean --${meant}?` : ""} (${helpOf(command.name)} lists all)`);
}

const helpOf = (name: string): string => commandLine(name, "--help");

function npmHint(name: string): string {
  if (process.env.npm_lifecycle_event !== name) return "";
  return ` (npm keeps options to itself unless they follow --: ${typed(`${name} --option value`, true)})`;
}

/** `npm run train --steps 5` gives `--steps` to npm, which hands it on as a variable only. Say so rather than train something else. */
function refuseNpmOptions(command: { name: string }, byFlag: ReadonlyMap<string, string>): void {
  if (process.env.npm_lifecycle_event !== command.name) return;
  for (const flag of byFlag.keys()) {
    const value = process.env[`npm_config_${flag.replaceAll("-", "_")}`];
    if (value)
      throw new UserError(
        `npm took --${flag} for itself; write: ${typed(`${command.name} --${flag} ${value === "true" ? "..." : quoted(value)}`, true)}`,
      );
  }
}
