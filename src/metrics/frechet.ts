/**
 * Fréchet distance between two sets of feature vectors, each taken for a Gaussian (Heusel et al. 2017, equation 6):
 *
 *   d² = |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½)
 *
 * With Σ₁ = L₁L₁ᵀ and Σ₂ = L₂L₂ᵀ, Σ₁Σ₂ has the eigenvalues of L₁ᵀL₂L₂ᵀL₁, so the trace of its root is the sum of the singular values of L₁ᵀL₂: no
 * root of a matrix is formed, no eigenvectors, and no rounding is magnified by a root. What is reported as "FID" is d², as everywhere.
 */
import { requireFinite } from "./finite.js";
import { singularValues } from "./singular-values.js";

/** Mean and covariance of feature vectors. */
export interface Gaussian {
  readonly mean: Float64Array;
  /** [size, size] */
  readonly covariance: Float64Array;
}

/**
 * Mean and unbiased covariance (N − 1) of features.
 * @param features [N, size]
 * @throws RangeError for fewer than two rows; NonFiniteError
 */
export function gaussianOf(features: Float32Array, size: number): Gaussian {
  const rows = features.length / size;
  if (rows < 2) throw new RangeError(`a covariance needs two rows of ${size} features, not ${rows}`);
  requireFinite(features, "the features of a set of images");
  const mean = new Float64Array(size);
  for (let row = 0; row < rows; row++) for (let d = 0; d < size; d++) mean[d]! += features[row * size + d]! / rows;
  const sums = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (let row = 0; row < rows; row++) {
    for (let d = 0; d < size; d++) centred[d] = features[row * size + d]! - mean[d]!;
    for (let i = 0; i < size; i++) {
      const factor = centred[i]! / (rows - 1);
      for (let j = 0; j <= i; j++) sums[i * size + j]! += factor * centred[j]!;
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) sums[j * size + i] = sums[i * size + j]!;
  return { mean, covariance: sums };
}

/**
 * The lower triangle L of Σ = LLᵀ. Where Σ is singular, as with fewer samples than dimensions, the columns that would say nothing are 0.
 * @param covariance [size, size], positive semi-definite
 */
export function cholesky(covariance: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  // What rounding leaves of a pivot that should be 0.
  const least = 1e-13 * covariance.reduce((most, value, at) => (at % (size + 1) === 0 ? Math.max(most, value) : most), 0);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = covariance[i * size + j]!;
      for (let k = 0, a = i * size, b = j * size; k < j; k++, a++, b++) rest -= lower[a]! * lower[b]!;
      if (i === j) lower[i * size + i] = rest > least ? Math.sqrt(rest) : 0;
      else lower[i * size + j] = lower[j * size + j]! > 0 ? rest / lower[j * size + j]! : 0;
    }
  }
  return lower;
}

/** AᵀB of two lower triangles. */
function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  // By adding multiples of rows.
  for (let k = 0; k < size; k++) {
    for (let i = 0; i <= k; i++) {
      const factor = a[k * size + i]!;
      if (factor !== 0) for (let j = 0; j <= k; j++) result[i * size + j]! += factor * b[k * size + j]!;
    }
  }
  return result;
}

/** The squared Fréchet distance ("FID"); never negative. @throws NonFiniteError */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const size = a.mean.length;
  for (const { mean, covariance } of [a, b])
    for (const values of [mean, covariance]) requireFinite(values, "a set of images' mean or covariance");
  const cross = singularValues(product(cholesky(a.covariance, size), cholesky(b.covariance, size), size), size);
  let distance = -2 * cross.reduce((sum, value) => sum + value, 0);
  for (let d = 0; d < size; d++) distance += (a.mean[d]! - b.mean[d]!) ** 2 + a.covariance[d * size + d]! + b.covariance[d * size + d]!;
  return Math.max(0, distance);
}
