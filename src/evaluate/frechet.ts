/**
 * Fréchet distance between two sets of feature vectors, each taken for a Gaussian (Heusel et al. 2017, equation 6):
 *
 *   d² = |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½)
 *
 * With Σ₁ = LLᵀ, Σ₁Σ₂ has the eigenvalues of the symmetric LᵀΣ₂L, so the trace of its root is the sum of their roots: no root of a matrix is
 * formed, and no eigenvectors. What is reported as "FID" is d², as everywhere.
 */
import { symmetricEigenvalues } from "./symmetric-eigenvalues.js";

/** Mean and covariance of feature vectors. */
export interface Gaussian {
  readonly mean: Float64Array;
  /** [size, size] */
  readonly covariance: Float64Array;
}

/**
 * Mean and unbiased covariance (N − 1) of features.
 * @param features [N, size]
 * @throws RangeError for fewer than two rows
 */
export function gaussianOf(features: Float32Array, size: number): Gaussian {
  const rows = features.length / size;
  if (rows < 2) throw new RangeError(`a covariance needs two rows of ${size} features, not ${rows}`);
  const mean = new Float64Array(size);
  for (let row = 0; row < rows; row++) for (let d = 0; d < size; d++) mean[d] += features[row * size + d] / rows;
  const sums = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (let row = 0; row < rows; row++) {
    for (let d = 0; d < size; d++) centred[d] = features[row * size + d] - mean[d];
    for (let i = 0; i < size; i++) {
      const factor = centred[i] / (rows - 1);
      for (let j = 0; j <= i; j++) sums[i * size + j] += factor * centred[j];
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) sums[j * size + i] = sums[i * size + j];
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
      let rest = covariance[i * size + j];
      for (let k = 0, a = i * size, b = j * size; k < j; k++, a++, b++) rest -= lower[a] * lower[b];
      if (i === j) lower[i * size + i] = rest > least ? Math.sqrt(rest) : 0;
      else lower[i * size + j] = lower[j * size + j] > 0 ? rest / lower[j * size + j] : 0;
    }
  }
  return lower;
}

/** LᵀSL of a lower triangle and a symmetric matrix. */
function congruent(lower: Float64Array, symmetric: Float64Array, size: number): Float64Array {
  const [half, result] = [new Float64Array(size * size), new Float64Array(size * size)];
  // half = SL, then LᵀHalf, by adding multiples of rows.
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = symmetric[i * size + k];
      if (factor !== 0) for (let j = 0; j <= k; j++) half[i * size + j] += factor * lower[k * size + j];
    }
  }
  for (let k = 0; k < size; k++) {
    for (let i = 0; i <= k; i++) {
      const factor = lower[k * size + i];
      if (factor !== 0) for (let j = 0; j < size; j++) result[i * size + j] += factor * half[k * size + j];
    }
  }
  return result;
}

/** The squared Fréchet distance ("FID"); never negative. */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const size = a.mean.length;
  const eigenvalues = symmetricEigenvalues(congruent(cholesky(a.covariance, size), b.covariance, size), size);
  const cross = eigenvalues.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  let distance = -2 * cross;
  for (let d = 0; d < size; d++) distance += (a.mean[d] - b.mean[d]) ** 2 + a.covariance[d * size + d] + b.covariance[d * size + d];
  return Math.max(0, distance);
}
