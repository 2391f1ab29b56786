/** Fréchet distances between sets of features, against closed forms. */
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { cholesky, frechetDistance, type Gaussian, gaussianOf } from "../../src/metrics/frechet.js";
import { flat, normal, rotation } from "./matrices.js";

const gaussian = (mean: readonly number[], covariance: number[][]): Gaussian => ({
  mean: Float64Array.from(mean),
  covariance: flat(new Matrix(covariance)),
});

const turned = (q: Matrix, diagonal: readonly number[]): Matrix => q.mmul(Matrix.diag([...diagonal])).mmul(q.transpose());

describe("mean and covariance", () => {
  it("are those of the rows, unbiased", () => {
    const { mean, covariance } = gaussianOf(Float32Array.of(1, 10, 2, 20, 6, 0), 2);
    expect([...mean]).toEqual([3, 10]);
    const expected = [7, -20, -20, 100];
    covariance.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 10));
    expect(() => gaussianOf(Float32Array.of(1, 2), 2)).toThrow("two rows");
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
    const expected = 4 + 1 + s.reduce((sum, x, i) => sum + (x - t[i]!) ** 2, 0);
    expect(frechetDistance(a, b)).toBeCloseTo(expected, 8);
    expect(frechetDistance(b, a)).toBeCloseTo(expected, 8);
  });

  /** Features whose deviations go from 10^low to 10^high, in no order. */
  const spanning = (rows: number, size: number, seed: number, low: number, high: number) =>
    normal(rows, seed, new Array<number>(size).fill(0), [...Array(size).keys()].map((d) => 10 ** (low + ((high - low) * ((d * 37) % size)) / (size - 1)))); // prettier-ignore

  it("of any finite features is a number, the same both ways, and the one that another program finds", () => {
    const [rows, size] = [96, 64];
    for (const [low, high] of [
      [0, 1],
      [0, 6],
      [-6, 0],
      [-3, 9],
      [-30, 6],
      [-38, 38],
      [30, 37],
    ]) {
      // prettier-ignore
      for (let seed = 0; seed < 6; seed += 2) {
        const sets = [0, 1].map((more) => spanning(rows, size, seed + more, low!, high!));
        const [a, b] = sets.map((features) => gaussianOf(features, size)) as [Gaussian, Gaussian];
        const found = frechetDistance(a, b);
        // With Σ = XᵀX / (N − 1), (Σ₁Σ₂)^½ has the trace that X₁X₂ᵀ has for the sum of its singular values, over N − 1.
        const centred = sets.map((features, set) => {
          const scale = 10 ** high!;
          const { mean } = set === 0 ? a : b;
          return new Matrix([...Array(rows).keys()].map((row) => [...mean].map((m, d) => (features[row * size + d]! - m) / scale)));
        });
        const { diagonal } = new SingularValueDecomposition(centred[0]!.mmul(centred[1]!.transpose()));
        let expected = (-2 * diagonal.reduce((sum, value) => sum + value, 0)) / (rows - 1);
        for (let d = 0; d < size; d++) expected += ((a.mean[d]! - b.mean[d]!) ** 2 + a.covariance[d * size + d]! + b.covariance[d * size + d]!) / 10 ** (2 * high!);
        expect(found / 10 ** (2 * high!) / expected).toBeCloseTo(1, 8);
        expect(frechetDistance(b, a) / found).toBeCloseTo(1, 10);
      }
    }
  });

  it("of nearly collapsed sets is small, and of sets that are one point |shift|²", () => {
    const point = (values: readonly number[]) => normal(50, 1, values, [0, 0, 0]);
    expect(frechetDistance(gaussianOf(point([1, 2, 3]), 3), gaussianOf(point([1, 2, 5]), 3))).toBeCloseTo(4, 10);
    const features = normal(50, 3, [1, 2, 3], [1e-6, 1e-9, 1]);
    const moved = features.map((value, i) => (i % 3 === 0 ? value + 1e-5 : value));
    expect(frechetDistance(gaussianOf(features, 3), gaussianOf(moved, 3))).toBeLessThan(1e-9);
    // Fewer rows than features: the covariance is singular, and what rounding makes of its zeros must not be magnified.
    const few = spanning(10, 64, 5, 0, 0);
    expect(frechetDistance(gaussianOf(few, 64), gaussianOf(few, 64))).toBeLessThan(1e-9);
  });

  it("of what is not finite is an error", () => {
    const sound = normal(5, 1, [0, 0], [1, 1]);
    for (const bad of [NaN, Infinity]) {
      expect(() => gaussianOf(sound.with(3, bad), 2)).toThrow(/features of a set of images: value 4 of 10 is (NaN|Infinity)/);
      const { mean, covariance } = gaussianOf(sound, 2);
      expect(() => frechetDistance({ mean: mean.with(0, bad), covariance }, { mean, covariance })).toThrow("nothing can be measured");
      expect(() => frechetDistance({ mean, covariance }, { mean, covariance: covariance.with(3, bad) })).toThrow("nothing can be measured");
    }
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
