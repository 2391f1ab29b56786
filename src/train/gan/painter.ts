/** Drawing with a generator in evaluation mode: a compiled program of fixed batch, for any number of images. */
import type { Device } from "../../gpu/device.js";
import type { Generator } from "../../models/generator.js";
import { RowProgram } from "../../tensor/rows.js";
import type { Sharing } from "../../tensor/sharing.js";
import { input } from "../../tensor/tensor.js";

export class Painter {
  private constructor(
    readonly generator: Generator,
    readonly program: RowProgram,
  ) {}

  /** @param batch Images a run of the program. */
  static async create(device: Device, generator: Generator, batch = 16): Promise<Painter> {
    const { noiseSize, textSize } = generator.options;
    const draw = () => generator.call(input("noise", [batch, noiseSize]), input("text", [batch, textSize]), "evaluate");
    return new Painter(generator, await RowProgram.compile(device, batch, draw));
  }

  /**
   * @param noise [N, noiseSize]
   * @param text [N, textSize], normalised embeddings
   * @param share Who does which of the program's runs.
   * @returns Images [N, 3, S, S] in (−1, 1).
   */
  paint(noise: Float32Array, text: Float32Array, share?: Sharing): Promise<Float32Array> {
    return this.program.run({ noise, text }, noise.length / this.generator.options.noiseSize, share);
  }

  destroy(): void {
    this.program.destroy();
  }
}

/** Every row once for every column, row by row: [R, a] and [C, b] → [R·C, a] and [R·C, b]. */
export function outer(
  rows: Float32Array,
  rowSize: number,
  columns: Float32Array,
  columnSize: number,
): { rows: Float32Array; columns: Float32Array } {
  const [r, c] = [rows.length / rowSize, columns.length / columnSize];
  const all = { rows: new Float32Array(r * c * rowSize), columns: new Float32Array(r * c * columnSize) };
  for (let i = 0; i < r * c; i++) {
    const [row, column] = [Math.floor(i / c), i % c];
    all.rows.set(rows.subarray(row * rowSize, (row + 1) * rowSize), i * rowSize);
    all.columns.set(columns.subarray(column * columnSize, (column + 1) * columnSize), i * columnSize);
  }
  return all;
}
