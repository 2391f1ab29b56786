/** Reductions over dimensions. */
import { build, flatten, indices, type NdArray, zeros } from "./ndarray.js";

/** Folds the elements that share the coordinates not in `dimensions`. */
function fold(
  x: NdArray,
  dimensions: readonly number[] | undefined,
  keepDims: boolean,
  start: number,
  f: (a: number, b: number) => number,
): NdArray {
  const gone = (dimensions ?? x.shape.map((_, d) => d)).map((d) => (d < 0 ? d + x.shape.length : d));
  const kept = x.shape.map((n, d) => (gone.includes(d) ? 1 : n));
  const result = zeros(kept);
  result.data.fill(start);
  let i = 0;
  for (const index of indices(x.shape)) {
    const to = flatten(
      kept,
      index.map((n, d) => (gone.includes(d) ? 0 : n)),
    );
    result.data[to] = f(result.data[to]!, x.data[i++]!);
  }
  return keepDims ? result : { shape: x.shape.filter((_, d) => !gone.includes(d)), data: result.data };
}

export const sum = (x: NdArray, dimensions?: readonly number[], keepDims = false): NdArray =>
  fold(x, dimensions, keepDims, 0, (a, b) => a + b);

export function mean(x: NdArray, dimensions?: readonly number[], keepDims = false): NdArray {
  const total = sum(x, dimensions, keepDims);
  const count = x.data.length / total.data.length;
  return { shape: total.shape, data: total.data.map((v) => v / count) };
}

export const max = (x: NdArray, dimensions?: readonly number[], keepDims = false): NdArray =>
  fold(x, dimensions, keepDims, -Infinity, (a, b) => Math.max(a, b));

/** log Σ exp over one dimension, which stays with size 1. */
export function logSumExp(x: NdArray, dimension: number): NdArray {
  const top = max(x, [dimension], true);
  return build(top.shape, (index) => {
    let total = 0;
    for (let j = 0; j < x.shape[dimension]!; j++) {
      const place = index.map((n, d) => (d === dimension ? j : n));
      total += Math.exp(x.data[flatten(x.shape, place)]! - top.data[flatten(top.shape, index)]!);
    }
    return Math.log(total) + top.data[flatten(top.shape, index)]!;
  });
}
