/** Reading styles from images with a trained style encoder: a compiled program of fixed batch, for any number of images. */
import type { Device } from "../gpu/device.js";
import type { StyleEncoder } from "../models/style-encoder.js";
import { compile } from "../tensor/compile.js";
import type { Program } from "../tensor/program.js";
import { input, type Tensor } from "../tensor/tensor.js";
import { overRows } from "./rows.js";

export class StyleReader {
  private constructor(
    readonly style: StyleEncoder,
    readonly program: Program<{ result: Tensor }>,
    readonly batch: number,
  ) {}

  /** @param batch Images a run of the program. */
  static async create(device: Device, style: StyleEncoder, batch = 16): Promise<StyleReader> {
    const { imageSize } = style.options;
    const program = await compile(device, () => ({ result: style.call(input("images", [batch, 3, imageSize, imageSize]), "evaluate") }));
    return new StyleReader(style, program, batch);
  }

  /** Images [N, 3, S, S] in [−1, 1] → styles [N, noiseSize]. */
  read(images: Float32Array): Promise<Float32Array> {
    return overRows(this.program, this.batch, { images }, images.length / (3 * this.style.options.imageSize ** 2));
  }

  destroy(): void {
    this.program.destroy();
  }
}
