/**
 * Kernel distance between two sets of feature vectors ("KID", Bińkowski et al. 2018, section 4): the unbiased estimate of the squared maximum
 * mean discrepancy under the polynomial kernel k(x, y) = (x·y / d + 1)³. Unlike the Fréchet distance it does not grow with few samples.
 */
import type { RandomStream } from "../random/philox.js";
import { requireFinite } from "./finite.js";

export interface KernelDistanceOptions {
  /** Rows of each set that one estimate takes (the published protocol's 1,000). */
  readonly subsetSize?: number;
  /** Estimates that are averaged where a set has more rows than that. */
  readonly subsets?: number;
}

/**
 * May be slightly negative where the sets are alike: it is unbiased.
 * @param a [N, size]
 * @param b [M, size]
 * @param random Chooses the subsets.
 * @throws RangeError for fewer than two rows in a set; NonFiniteError
 */
export function kernelDistance(
  a: Float32Array,
  b: Float32Array,
  size: number,
  random: RandomStream,
  { subsetSize = 1000, subsets = 20 }: KernelDistanceOptions = {},
): number {
  const [n, m] = [a.length / size, b.length / size];
  if (n < 2 || m < 2) throw new RangeError(`a kernel distance needs two rows in each set, not ${n} and ${m}`);
  for (const features of [a, b]) requireFinite(features, "the features of a set of images");
  const draw = (rows: number) =>
    random.shuffle(
      Array.from({ length: rows }, (_, i) => i),
      Math.min(rows, subsetSize),
    );
  const count = n > subsetSize || m > subsetSize ? subsets : 1;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += estimate(a, draw(n).slice(0, subsetSize), b, draw(m).slice(0, subsetSize), size);
  return sum / count;
}

/** Σ_{i≠j} k(xᵢ, xⱼ) / n(n−1) + the same of y − 2 Σ k(xᵢ, yⱼ) / nm */
function estimate(a: Float32Array, rowsA: readonly number[], b: Float32Array, rowsB: readonly number[], size: number): number {
  const kernel = (x: Float32Array, i: number, y: Float32Array, j: number): number => {
    let dot = 0;
    for (let d = 0; d < size; d++) dot += x[i * size + d]! * y[j * size + d]!;
    return (dot / size + 1) ** 3;
  };
  const within = (x: Float32Array, rows: readonly number[]): number => {
    let sum = 0;
    for (let i = 1; i < rows.length; i++) for (let j = 0; j < i; j++) sum += kernel(x, rows[i]!, x, rows[j]!);
    return (2 * sum) / (rows.length * (rows.length - 1));
  };
  let across = 0;
  for (const i of rowsA) for (const j of rowsB) across += kernel(a, i, b, j);
  return within(a, rowsA) + within(b, rowsB) - (2 * across) / (rowsA.length * rowsB.length);
}
