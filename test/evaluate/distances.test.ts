/** Distances between sets of features, against closed forms. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/data/philox.js";
import { cholesky, frechetDistance, type Gaussian, gaussianOf } from "../../src/evaluate/frechet.js";
import { kernelDistance } from "../../src/evaluate/kernel-distance.js";
import { symmetricEigenvalues } from "../../src/evaluate/symmetric-eigenvalues.js";

/** Normal features [rows, size], dimension d with mean `mean[d]` and deviation `deviation[d]`. */
function normal(rows: number, seed: number, mean: readonly number[], deviation: readonly number[]): Float32Array {
  const random = new RandomStream(seed);
  return Float32Array.from({ length: rows * mean.length }, (_, i) => mean[i % mean.length] + deviation[i % mean.length] * random.normal());
}

const flat = (matrix: Matrix): Float64Array => Float64Array.from(matrix.to1DArray());

const gaussian = (mean: readonly number[], covariance: number[][]): Gaussian => ({
  mean: Float64Array.from(mean),
  covariance: flat(new Matrix(covariance)),
});

/** A random orthogonal matrix: Gram-Schmidt on normal columns. */
function rotation(size: number, seed: number): Matrix {
  const random = new RandomStream(seed);
  const columns: number[][] = [];
  while (columns.length < size) {
    let column = Array.from({ length: size }, () => random.normal());
    for (const other of columns) {
      const dot = column.reduce((sum, value, i) => sum + value * other[i], 0);
      column = column.map((value, i) => value - dot * other[i]);
    }
    const length = Math.hypot(...column);
    columns.push(column.map((value) => value / length));
  }
  return new Matrix(columns).transpose();
}

const turned = (q: Matrix, diagonal: readonly number[]): Matrix => q.mmul(Matrix.diag([...diagonal])).mmul(q.transpose());

describe("mean and covariance", () => {
  it("are those of the rows, unbiased", () => {
    const { mean, covariance } = gaussianOf(Float32Array.of(1, 10, 2, 20, 6, 0), 2);
    expect([...mean]).toEqual([3, 10]);
    const expected = [7, -20, -20, 100];
    covariance.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 10));
    expect(() => gaussianOf(Float32Array.of(1, 2), 2)).toThrow("two rows");
  });
});

describe("the eigenvalues of a symmetric matrix", () => {
  const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);

  it("are those it was made of", () => {
    for (const values of [[3], [1, 1], [-2, 5, 0], [0, 0, 1e-6, 0.01, 0.5, 1, 4, 9, 400]]) {
      const found = sorted(symmetricEigenvalues(flat(turned(rotation(values.length, 1), values)), values.length));
      sorted(values).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 9));
    }
  });

  it("are those another program finds, and the matrix stays as it was", () => {
    const random = new RandomStream(2);
    for (const size of [2, 7, 40]) {
      const half = Matrix.zeros(size, size);
      for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) half.set(i, j, random.chance(0.3) ? 0 : random.normal());
      const matrix = Matrix.add(half, half.transpose());
      const values = flat(matrix);
      const found = sorted(symmetricEigenvalues(values, size));
      const expected = sorted(new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues);
      expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 9));
      expect(values).toEqual(flat(matrix));
    }
    expect([...symmetricEigenvalues(Float64Array.of(2, 0, 0, 0, 3, 0, 0, 0, 0), 3)]).toEqual([2, 3, 0]);
    expect(() => symmetricEigenvalues(Float64Array.of(NaN, 1, 1, 1), 2)).toThrow("not finite");
  });
});

describe("the triangle of a covariance", () => {
  it("gives it back, also where it is singular", () => {
    for (const values of [
      [1, 2, 3, 4],
      [0, 0, 2, 5],
      [0, 0, 0, 0],
    ]) {
      const covariance = turned(rotation(4, 3), values);
      const lower = new Matrix([...Array(4).keys()].map((i) => [...cholesky(flat(covariance), 4).subarray(4 * i, 4 * i + 4)]));
      expect(Matrix.sub(lower.mmul(lower.transpose()), covariance).norm()).toBeLessThan(1e-6);
      expect(lower.get(0, 3)).toBe(0);
    }
  });
});

describe("the Fréchet distance", () => {
  it("of equal Gaussians is 0", () => {
    const features = normal(200, 3, [1, 2, 3], [1, 2, 0]);
    expect(frechetDistance(gaussianOf(features, 3), gaussianOf(features, 3))).toBeCloseTo(0, 6);
  });

  it("is |shift|² for a shift and Σ (s − t)² for other deviations along common axes", () => {
    const q = rotation(4, 5);
    const [s, t] = [
      [1, 2, 0.5, 3],
      [1.5, 1, 0.5, 0],
    ];
    const a = { mean: Float64Array.of(1, 1, 1, 1), covariance: flat(turned(q, s.map((x) => x * x))) }; // prettier-ignore
    const b = { mean: Float64Array.of(1, 3, 0, 1), covariance: flat(turned(q, t.map((x) => x * x))) }; // prettier-ignore
    const expected = 4 + 1 + s.reduce((sum, x, i) => sum + (x - t[i]) ** 2, 0);
    expect(frechetDistance(a, b)).toBeCloseTo(expected, 8);
    expect(frechetDistance(b, a)).toBeCloseTo(expected, 8);
  });

  it("agrees with the closed form in two dimensions where the axes differ", () => {
    // tr (AB)^½ = sqrt(tr AB + 2 sqrt(det AB)) for 2 × 2 matrices.
    const a = gaussian([0, 0], [[2, 0.6], [0.6, 1]]); // prettier-ignore
    const b = gaussian([0, 0], [[1, -0.5], [-0.5, 3]]); // prettier-ignore
    const ab = new Matrix([[2, 0.6], [0.6, 1]]).mmul(new Matrix([[1, -0.5], [-0.5, 3]])); // prettier-ignore
    const determinant = ab.get(0, 0) * ab.get(1, 1) - ab.get(0, 1) * ab.get(1, 0);
    const expected = 3 + 4 - 2 * Math.sqrt(ab.trace() + 2 * Math.sqrt(determinant));
    expect(frechetDistance(a, b)).toBeCloseTo(expected, 10);
  });

  it("of samples comes near that of their distributions", () => {
    const a = gaussianOf(normal(20_000, 7, [0, 0], [1, 1]), 2);
    const b = gaussianOf(normal(20_000, 8, [3, 0], [1, 2]), 2);
    expect(frechetDistance(a, b)).toBeGreaterThan(9.7);
    expect(frechetDistance(a, b)).toBeLessThan(10.3);
  });
});

describe("the kernel distance", () => {
  it("is what the formula says for a few rows", () => {
    // size 1: k(x, y) = (xy + 1)³; within a: k(1, 2) = 27; within b: k(0, −1) = 1; across: k(1,0)=1, k(1,−1)=0, k(2,0)=1, k(2,−1)=−1.
    expect(kernelDistance(Float32Array.of(1, 2), Float32Array.of(0, -1), 1, new RandomStream(1))).toBeCloseTo(27 + 1 - 2 * (1 / 4), 10);
    // size 2: x·y is divided by it.
    const value = kernelDistance(Float32Array.of(2, 0, 2, 2), Float32Array.of(0, 0, 0, 0), 2, new RandomStream(1));
    expect(value).toBeCloseTo((4 / 2 + 1) ** 3 + 1 - 2, 10);
  });

  it("is unbiased: 0 on average between sets of one distribution, however few they are", () => {
    const values = Array.from({ length: 300 }, (_, i) =>
      kernelDistance(normal(10, 2 * i, [0, 1], [1, 1]), normal(10, 2 * i + 1, [0, 1], [1, 1]), 2, new RandomStream(i)),
    );
    const mean = values.reduce((a, b) => a + b) / values.length;
    const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / values.length;
    expect(Math.abs(mean)).toBeLessThan(3 * error);
    expect(Math.min(...values)).toBeLessThan(0);
  });

  it("averages over subsets of large sets, and comes to the same", () => {
    const [a, b] = [normal(400, 1, [0, 0], [1, 1]), normal(400, 2, [1, 0], [1, 1])];
    const whole = kernelDistance(a, b, 2, new RandomStream(1));
    const parts = kernelDistance(a, b, 2, new RandomStream(1), { subsetSize: 100, subsets: 40 });
    expect(whole).toBeGreaterThan(1);
    expect(Math.abs(parts / whole - 1)).toBeLessThan(0.2);
    expect(kernelDistance(a, b, 2, new RandomStream(9), { subsetSize: 100, subsets: 1 })).not.toBe(parts);
  });
});
