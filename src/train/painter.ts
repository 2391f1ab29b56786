/** Drawing with a generator in evaluation mode: a compiled program of fixed batch, for any number of images. */
import type { Device } from "../gpu/device.js";
import type { Generator } from "../models/generator.js";
import { compile } from "../tensor/compile.js";
import type { Program } from "../tensor/program.js";
import { input, type Tensor } from "../tensor/tensor.js";
import { overRows } from "./rows.js";

export class Painter {
  private constructor(
    readonly generator: Generator,
    readonly program: Program<{ result: Tensor }>,
    readonly batch: number,
  ) {}

  /** @param batch Images a run of the program. */
  static async create(device: Device, generator: Generator, batch = 16): Promise<Painter> {
    const { noiseSize, textSize } = generator.options;
    const program = await compile(device, () => ({
      result: generator.call(input("noise", [batch, noiseSize]), input("text", [batch, textSize]), "evaluate"),
    }));
    return new Painter(generator, program, batch);
  }

  /**
   * @param noise [N, noiseSize]
   * @param text [N, textSize], normalised embeddings
   * @returns Images [N, 3, S, S] in (−1, 1).
   */
  paint(noise: Float32Array, text: Float32Array): Promise<Float32Array> {
    return overRows(this.program, this.batch, { noise, text }, noise.length / this.generator.options.noiseSize);
  }

  destroy(): void {
    this.program.destroy();
  }
}

/** Every row once for every column: the text of row r beside the noise of column c. [rows, a] and [columns, b] → [rows·columns, ·]. */
export function outer(
  texts: Float32Array,
  textSize: number,
  noises: Float32Array,
  noiseSize: number,
): { text: Float32Array; noise: Float32Array } {
  const [rows, columns] = [texts.length / textSize, noises.length / noiseSize];
  const text = new Float32Array(rows * columns * textSize);
  const noise = new Float32Array(rows * columns * noiseSize);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const i = r * columns + c;
      text.set(texts.subarray(r * textSize, (r + 1) * textSize), i * textSize);
      noise.set(noises.subarray(c * noiseSize, (c + 1) * noiseSize), i * noiseSize);
    }
  }
  return { text, noise };
}
