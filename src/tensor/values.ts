/** Values as users give them, in JavaScript too, turned into what a device takes; what is no number is refused, never guessed. */
import { describe } from "../arguments.js";
import { UserError } from "../errors.js";

/** Type of a tensor's elements: numbers, or whole numbers such as indices. */
export type DType = "f32" | "u32";

/** The array of a type's values. */
export type Values<D extends DType> = [D] extends ["u32"] ? Uint32Array : Float32Array;

/**
 * What was given, if it is an array of numbers; its elements are looked at by `toArray`.
 * @param what Names it in errors: "run: input x[2]".
 */
export function requireNumbers(what: string, values: unknown): ArrayLike<number> {
  const length = typeof values === "object" && values !== null ? (values as { length?: unknown }).length : undefined;
  if (typeof length !== "number") throw new UserError(`${what} wants an array of numbers, not ${describe(values)}`);
  return values as ArrayLike<number>;
}

/**
 * The numbers as an array of the type, in memory that a device may read: a Float32Array or Uint32Array as it is, unless other threads
 * may write to it or its owner may shrink it.
 * @throws UserError for what is no number, and for u32 what is no whole number from 0 to 2^32 − 1.
 */
export function toArray(what: string, values: ArrayLike<number>, dtype: DType): Float32Array | Uint32Array {
  const kind = dtype === "f32" ? Float32Array : Uint32Array;
  if (values instanceof kind) return ownMemory(values) ? values : kind.from(values);
  const typed = ArrayBuffer.isView(values) && typeof values[0] !== "bigint";
  const whole = dtype === "u32" && !(values instanceof Uint8Array || values instanceof Uint16Array);
  if (!typed || whole) {
    for (let i = 0; i < values.length; i++) {
      const value: unknown = values[i];
      if (typeof value !== "number") throw new UserError(`${what} wants numbers; value ${i} is ${describe(value)}`);
      if (whole && !(Number.isInteger(value) && value >= 0 && value < 2 ** 32))
        throw new UserError(`${what} wants whole numbers from 0 to 4294967295 (u32); value ${i} is ${value}`);
    }
  }
  return kind.from(values);
}

function ownMemory({ buffer }: Float32Array | Uint32Array): boolean {
  const { resizable } = buffer as ArrayBufferLike & { readonly resizable?: boolean };
  return Object.prototype.toString.call(buffer) === "[object ArrayBuffer]" && resizable !== true;
}
