/**
 * Fréchet distance between two sets of feature vectors, each taken for a Gaussian (Heusel et al. 2017, equation 6):
 *
 *   d² = |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½),   tr (Σ₁Σ₂)^½ = tr (Σ₁^½ Σ₂ Σ₁^½)^½
 *
 * The form on the right takes roots of symmetric matrices only, so eigenvalues stay real. What is reported as "FID" is d², as everywhere.
 */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Mean and covariance of feature vectors. */
export interface Gaussian {
  readonly mean: Float64Array;
  readonly covariance: Matrix;
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
  const covariance = Matrix.zeros(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      covariance.set(i, j, sums[i * size + j]);
      covariance.set(j, i, sums[i * size + j]);
    }
  }
  return { mean, covariance };
}

/** The positive semi-definite square root of a symmetric matrix; eigenvalues that rounding made negative count as 0. */
export function squareRoot(symmetric: Matrix): Matrix {
  const { eigenvectorMatrix: vectors, realEigenvalues: values } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const scaled = vectors.clone().mulRowVector(values.map((value) => Math.sqrt(Math.max(0, value))));
  return scaled.mmul(vectors.transpose());
}

/** The squared Fréchet distance ("FID"); never negative. */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const root = squareRoot(a.covariance);
  const product = root.mmul(b.covariance).mmul(root);
  // Rounding leaves it not quite symmetric.
  const { realEigenvalues } = new EigenvalueDecomposition(Matrix.add(product, product.transpose()).mul(0.5), { assumeSymmetric: true });
  const cross = realEigenvalues.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  const shift = a.mean.reduce((sum, value, d) => sum + (value - b.mean[d]) ** 2, 0);
  return Math.max(0, shift + a.covariance.trace() + b.covariance.trace() - 2 * cross);
}
