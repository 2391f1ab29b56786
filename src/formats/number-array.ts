/** Typed arrays out of a file's bytes, and arrays of any element type as the 32-bit floats that networks take. */

/** An array of numbers as JavaScript has them. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Makers of the typed arrays by kind and bytes an element, as NumPy's type codes name them. */
export const NUMBER_ARRAYS = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  u1: Uint8Array,
  b1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
} as const;

export type NumberCode = keyof typeof NUMBER_ARRAYS;

/** Little-endian elements, copied: a file's values rarely lie aligned, and a view would keep the whole file in memory. */
export function numberArray(bytes: Uint8Array, code: NumberCode): NumberArray {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return new NUMBER_ARRAYS[code](copy.buffer);
}

/** The values as 32-bit floats; the same array where they are. */
export function toFloats(values: NumberArray): Float32Array {
  if (values instanceof Float32Array) return values;
  return values instanceof BigInt64Array || values instanceof BigUint64Array
    ? Float32Array.from(values, Number)
    : Float32Array.from(values);
}

/** Elements of a shape. Beyond 2^53 it is inexact, but then larger than any file too. */
export const elements = (shape: readonly number[]): number => (shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1));
