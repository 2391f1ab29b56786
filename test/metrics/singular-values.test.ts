/** Singular values, against those a matrix was made of and those another program finds. */
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { singularValues } from "../../src/metrics/singular-values.js";
import { RandomStream } from "../../src/random/philox.js";
import { flat, rotation } from "./matrices.js";

describe("the singular values of a matrix", () => {
  const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);

  it("are those it was made of", () => {
    for (const values of [[3], [1, 1], [2, 5, 0], [0, 0, 1e-6, 0.01, 0.5, 1, 4, 9, 400]]) {
      const [left, right] = [rotation(values.length, 1), rotation(values.length, 2)];
      const found = sorted(singularValues(flat(left.mmul(Matrix.diag(values)).mmul(right)), values.length));
      sorted(values).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 9));
    }
  });

  it("are those another program finds, and the matrix stays as it was", () => {
    const random = new RandomStream(2);
    for (const size of [2, 7, 40]) {
      const matrix = Matrix.zeros(size, size);
      for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) matrix.set(i, j, random.chance(0.3) ? 0 : random.normal());
      const values = flat(matrix);
      const found = sorted(singularValues(values, size));
      const expected = sorted(new SingularValueDecomposition(matrix).diagonal);
      expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 9));
      expect(values).toEqual(flat(matrix));
    }
  });

  it("are numbers at every scale, and an error where a value is none", () => {
    expect(sorted(singularValues(Float64Array.of(2, 0, 0, 0, -3, 0, 0, 0, 0), 3)).map((value) => Math.round(1e12 * value) / 1e12)).toEqual([
      0, 2, 3,
    ]);
    expect([...singularValues(new Float64Array(9), 3)]).toEqual([0, 0, 0]);
    for (const scale of [1e-300, 1e300]) {
      // [[1, 2], [3, 4]] has σ² = 15 ± √221.
      const found = sorted(
        singularValues(
          Float64Array.of(1, 2, 3, 4).map((value) => value * scale),
          2,
        ),
      );
      [15 - Math.sqrt(221), 15 + Math.sqrt(221)].forEach((square, i) => expect(found[i]! / scale).toBeCloseTo(Math.sqrt(square), 9));
    }
    for (const bad of [NaN, Infinity]) expect(() => singularValues(Float64Array.of(bad, 1, 1, 1), 2)).toThrow("not finite");
  });
});
