/** Matrices and features for tests of distances. */
import { Matrix } from "ml-matrix";
import { RandomStream } from "../../src/random/philox.js";

/** Normal features [rows, size], dimension d with mean `mean[d]` and deviation `deviation[d]`. */
export function normal(rows: number, seed: number, mean: readonly number[], deviation: readonly number[]): Float32Array {
  const random = new RandomStream(seed);
  return Float32Array.from(
    { length: rows * mean.length },
    (_, i) => mean[i % mean.length]! + deviation[i % mean.length]! * random.normal(),
  );
}

export const flat = (matrix: Matrix): Float64Array => Float64Array.from(matrix.to1DArray());

/** A random orthogonal matrix: Gram-Schmidt on normal columns. */
export function rotation(size: number, seed: number): Matrix {
  const random = new RandomStream(seed);
  const columns: number[][] = [];
  while (columns.length < size) {
    let column = Array.from({ length: size }, () => random.normal());
    for (const other of columns) {
      const dot = column.reduce((sum, value, i) => sum + value * other[i]!, 0);
      column = column.map((value, i) => value - dot * other[i]!);
    }
    const length = Math.hypot(...column);
    columns.push(column.map((value) => value / length));
  }
  return new Matrix(columns).transpose();
}
