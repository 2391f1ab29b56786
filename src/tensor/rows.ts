/** Running a program of fixed batch over any number of rows. */
import type { Program } from "./program.js";
import type { Tensor } from "./tensor.js";

/**
 * @param batch Rows of the program's inputs and of its result; the last run is filled up with zeros.
 * @param inputs By name, [rows, ...] each, row-major.
 * @param rows How many there are.
 * @returns The rows of `result`, one after the other.
 */
export async function overRows(
  program: Program<{ result: Tensor }>,
  batch: number,
  inputs: Readonly<Record<string, Float32Array>>,
  rows: number,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (let start = 0; start < rows; start += batch) {
    const count = Math.min(batch, rows - start);
    const part = Object.entries(inputs).map(([name, values]) => {
      const each = values.length / rows;
      const filled = new Float32Array(batch * each);
      filled.set(values.subarray(start * each, (start + count) * each));
      return [name, filled] as const;
    });
    const { result } = await program.run(Object.fromEntries(part));
    parts.push(result.subarray(0, (result.length / batch) * count));
  }
  return joined(parts);
}

/** Arrays one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, { length }) => n + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
