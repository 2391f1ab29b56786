/** Matrix products. */
import { at, build, type NdArray } from "./ndarray.js";

/** a [M, K] or [B, M, K] by b [K, N] or [B, K, N]. */
export function matmul(a: NdArray, b: NdArray): NdArray {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  const batch = a.shape.length === 3 ? a.shape[0]! : b.shape.length === 3 ? b.shape[0]! : undefined;
  const element = (z: number, i: number, j: number): number => {
    let total = 0;
    for (let q = 0; q < k; q++) {
      const x = a.shape.length === 3 ? at(a, z, i, q) : at(a, i, q);
      const y = b.shape.length === 3 ? at(b, z, q, j) : at(b, q, j);
      total += x * y;
    }
    return total;
  };
  return batch === undefined ? build([m, n], ([i, j]) => element(0, i!, j!)) : build([batch, m, n], ([z, i, j]) => element(z!, i!, j!));
}

/** x [N, in] by weight [out, in], as y = x·weightᵀ. */
export function linear(x: NdArray, weight: NdArray): NdArray {
  return build([x.shape[0]!, weight.shape[0]!], ([i, j]) => {
    let total = 0;
    for (let q = 0; q < x.shape[1]!; q++) total += at(x, i!, q) * at(weight, j!, q);
    return total;
  });
}
