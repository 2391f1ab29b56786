/** A program of fixed batch, compiled once, for any number of rows. */
import type { Device } from "../gpu/device.js";
import { compile } from "./compile.js";
import type { Program } from "./program.js";
import { alone, type Sharing } from "./sharing.js";
import type { Tensor } from "./tensor.js";

export class RowProgram {
  private constructor(
    readonly program: Program<{ result: Tensor }>,
    readonly batch: number,
  ) {}

  /** @param build Gives the result, [batch, ...], of inputs of that many rows. */
  static async compile(device: Device, batch: number, build: (batch: number) => Tensor): Promise<RowProgram> {
    return new RowProgram(await compile(device, () => ({ result: build(batch) })), batch);
  }

  /**
   * @param inputs By name, [rows, ...] each, row-major. The last run is filled up with zeros.
   * @param rows How many there are.
   * @param share Who does which of the program's runs.
   * @returns The rows of the result, one after the other.
   */
  async run(inputs: Readonly<Record<string, Float32Array>>, rows: number, share: Sharing = alone): Promise<Float32Array> {
    const { program, batch } = this;
    const parts = await share("rows of a program", Math.ceil(rows / batch), async (run) => {
      const start = run * batch;
      const count = Math.min(batch, rows - start);
      const part = Object.entries(inputs).map(([name, values]) => {
        const each = values.length / rows;
        const filled = new Float32Array(batch * each);
        filled.set(values.subarray(start * each, (start + count) * each));
        return [name, filled] as const;
      });
      const { result } = await program.run(Object.fromEntries(part));
      return result.subarray(0, (result.length / batch) * count);
    });
    return joined(parts);
  }

  destroy(): void {
    this.program.destroy();
  }
}

/** Arrays one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, { length }) => n + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
