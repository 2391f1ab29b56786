/**
 * Checks of what a user passes: TypeScript sees no ranges and, in plain JavaScript, no names. Errors name the operation that the user
 * called, not one that it is made of.
 */
import { UserError } from "./errors.js";

let outermost: string | undefined;

/** The operation that an error is to name: `operation` itself, or the composite one that it is a part of. */
export const called = (operation: string): string => outermost ?? operation;

/** Builds an operation that is made of others: their errors name it, unless it is itself a part of another. */
export function within<Result>(operation: string, build: () => Result): Result {
  if (outermost !== undefined) return build();
  outermost = operation;
  try {
    return build();
  } finally {
    outermost = undefined;
  }
}

/** A function whose parts' errors name it (`within`). It has the very type of the one that is given, whose parameters' names its pages show. */
export const composite = <Build extends (...given: never[]) => unknown>(operation: string, build: Build): Build =>
  ((...given) => within(operation, () => build(...given))) as Build;

/** A value in words: `undefined`, `"same"`, `[1, 2]`, `a Map`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value.length > 24 ? `${value.slice(0, 24)}…` : value);
  if (Array.isArray(value)) return `[${value.slice(0, 4).map(describe).join(", ")}${value.length > 4 ? ", …" : ""}]`;
  if (typeof value !== "object") return `a ${typeof value}`;
  const { name = "" } = (value.constructor as { readonly name?: string } | undefined) ?? {};
  return name === "" || name === "Object" ? "an object" : `a ${name}`;
}

/** @throws UserError for options that are no object, or hold a name that is not one of `known`. */
export function requireOptions(operation: string, options: unknown, known: readonly string[]): void {
  const list = known.join(", ");
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new UserError(`${called(operation)}: options are given by name (${list}), not as ${describe(options)}`);
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined) throw new UserError(`${called(operation)} has no option "${stranger}" (it has ${list})`);
}

export interface NumberRange {
  readonly whole?: boolean;
  readonly least?: number;
  readonly most?: number;
  /** The range ends before it. */
  readonly below?: number;
}

/** @throws UserError for what is no finite number in the range. */
export function requireNumber(operation: string, name: string, value: unknown, range: NumberRange = {}): void {
  const { whole = false, least = -Infinity, most = Infinity, below = Infinity } = range;
  const fits =
    typeof value === "number" && Number.isFinite(value) && (!whole || Number.isInteger(value)) && value >= least && value <= most;
  if (fits && value < below) return;
  const limits = [
    ...(least > -Infinity ? [`at least ${least}`] : []),
    ...(most < Infinity ? [`at most ${most}`] : []),
    ...(below < Infinity ? [`below ${below}`] : []),
  ];
  const kind = whole ? "a whole number" : "a finite number";
  throw new UserError(
    `${called(operation)}: ${name} must be ${kind}${limits.length > 0 ? ` of ${limits.join(" and ")}` : ""}, not ${describe(value)}`,
  );
}

/** @throws UserError for what is none of the choices. */
export function requireChoice(operation: string, name: string, value: unknown, choices: readonly unknown[]): void {
  if (!choices.includes(value))
    throw new UserError(`${called(operation)}: ${name} must be ${choices.map(describe).join(" or ")}, not ${describe(value)}`);
}
