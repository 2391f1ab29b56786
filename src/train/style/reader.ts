/** Reading styles from images with a trained style encoder: a compiled program of fixed batch, for any number of images. */
import type { Device } from "../../gpu/device.js";
import type { StyleEncoder } from "../../models/style-encoder.js";
import { RowProgram } from "../../tensor/rows.js";
import type { Sharing } from "../../tensor/sharing.js";
import { input } from "../../tensor/tensor.js";

export class StyleReader {
  private constructor(
    readonly style: StyleEncoder,
    readonly program: RowProgram,
  ) {}

  /** @param batch Images a run of the program. */
  static async create(device: Device, style: StyleEncoder, batch = 16): Promise<StyleReader> {
    const { imageSize } = style.options;
    const read = () => style.call(input("images", [batch, 3, imageSize, imageSize]), "evaluate");
    return new StyleReader(style, await RowProgram.compile(device, batch, read));
  }

  /** Images [N, 3, S, S] in [−1, 1] → styles [N, noiseSize]. @param share Who does which of the program's runs. */
  read(images: Float32Array, share?: Sharing): Promise<Float32Array> {
    return this.program.run({ images }, images.length / (3 * this.style.options.imageSize ** 2), share);
  }

  destroy(): void {
    this.program.destroy();
  }
}

/**
 * Shortens the styles that are longer than `most` times √Z, about which the lengths of noise vectors crowd, to that. S finds longer ones in
 * real images, which differ from all that the generator draws; and what it draws from longer noise than it knows is no image.
 * @param styles [N, Z], changed in place. @returns them
 */
export function shorten(styles: Float32Array, size: number, most: number): Float32Array {
  for (let at = 0; at < styles.length; at += size) {
    const style = styles.subarray(at, at + size);
    const length = Math.sqrt(style.reduce((sum, v) => sum + v * v, 0) / size);
    if (length > most) style.forEach((v, d) => (style[d] = (v * most) / length));
  }
  return styles;
}
