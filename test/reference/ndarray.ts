/**
 * Arrays of float64 for the reference: a shape and its values, row-major. The reference says what every operation means, as plainly as
 * it can be said (nested loops, no fast path), and imports nothing of the engine.
 */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function ndarray(shape: readonly number[], data: ArrayLike<number>): NdArray {
  if (data.length !== sizeOf(shape)) throw new Error(`${data.length} values for shape ${shape.join("x")}`);
  return { shape, data: Float64Array.from(data) };
}

export const zeros = (shape: readonly number[]): NdArray => ({ shape, data: new Float64Array(sizeOf(shape)) });

/** All indices of a shape, in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  for (let flat = 0; flat < sizeOf(shape); flat++) {
    const index: number[] = [];
    let rest = flat;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    yield index;
  }
}

/** Place of an index in row-major order. */
export function flatten(shape: readonly number[], index: readonly number[]): number {
  let flat = 0;
  for (let d = 0; d < shape.length; d++) flat = flat * shape[d]! + index[d]!;
  return flat;
}

export const at = (x: NdArray, ...index: number[]): number => x.data[flatten(x.shape, index)]!;

/** The array whose element at each index is `f(index)`. */
export function build(shape: readonly number[], f: (index: number[]) => number): NdArray {
  const result = zeros(shape);
  let flat = 0;
  for (const index of indices(shape)) result.data[flat++] = f(index);
  return result;
}
