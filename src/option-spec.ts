/**
 * Options as data: a table of them is at once what the command line parses, what `--help` prints, and what `config.json` is checked
 * against. Knows neither Node nor the DOM.
 */
import { UserError } from "./errors.js";

interface Common {
  /** One line for `--help`, without a full stop. */
  readonly description: string;
  /** What `--help` shows as the default where the value follows from something else, e.g. "from the preset". */
  readonly defaultText?: string;
}

export interface FlagSpec extends Common {
  readonly type: "flag";
  readonly default?: boolean;
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

/** `learningRate` -> `learning-rate`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z0-9]+/g, (part, at: number) => (at > 0 ? `-${part}` : part).toLowerCase());
}

/** What is wrong with `value` for this option, as the end of a sentence ("must be ..."), or undefined where it fits. */
export function problemWith(spec: OptionSpec, value: unknown): string | undefined {
  switch (spec.type) {
    case "flag":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "integer":
    case "number": {
      const range = rangeOf(spec);
      const kind = spec.type === "integer" ? "a whole number" : "a number";
      const fits =
        typeof value === "number" &&
        (spec.type === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
        value >= (spec.min ?? -Infinity) &&
        value <= (spec.max ?? Infinity);
      return fits ? undefined : `must be ${kind}${range}`;
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

function rangeOf(spec: NumberSpec): string {
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
