/** Embedding images with the image side of a joint embedding, whole and as they are: what validation and evaluation compare texts with. */
import { centreViews, fillImages } from "../../data/batch.js";
import type { Dataset } from "../../data/dataset.js";
import { UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { ImageEncoder } from "../../models/image-encoder.js";
import { compile } from "../../tensor/compile.js";
import type { Program } from "../../tensor/program.js";
import { alone, type Sharing } from "../../tensor/sharing.js";
import { input, type Tensor } from "../../tensor/tensor.js";
import { fillFeatures, type ImageFeatures } from "./image-features.js";
import type { ImageSide } from "./encoder-file.js";

/** Images a run of the program. */
const BATCH = 64;

export class ImageEmbedder {
  private constructor(
    readonly dataset: Dataset,
    readonly program: Program<{ embedding: Tensor }>,
    readonly size: number,
    readonly fill: (images: readonly number[]) => Float32Array,
    /** Who does which of the runs. */
    readonly share: Sharing,
  ) {}

  /**
   * @param features Where the image side takes given features.
   * @throws UserError when the image side wants other images, or features that are not given.
   */
  static async create(
    device: Device,
    dataset: Dataset,
    image: ImageSide,
    features?: ImageFeatures,
    share: Sharing = alone,
  ): Promise<ImageEmbedder> {
    const { embedding } = image.options;
    if (image instanceof ImageEncoder) {
      const { imageSize } = image.options;
      if (imageSize !== dataset.size)
        throw new UserError(`the text encoder's image network takes images of ${imageSize} pixels, not of ${dataset.size}`);
      const program = await compile(device, () => ({
        embedding: image.call(input("images", [BATCH, 3, imageSize, imageSize]), "evaluate"),
      }));
      const fill = (images: readonly number[]) => fillImages(dataset, images, centreViews(dataset, images));
      return new ImageEmbedder(dataset, program, embedding, fill, share);
    }
    const { features: length } = image.options;
    if (features?.size !== length) {
      const given = features ? `those of ${features.file} have ${features.size}` : "give them with --image-features FILE";
      throw new UserError(`the text encoder was trained with image features of ${length} values; ${given}`);
    }
    const program = await compile(device, () => ({ embedding: image.call(input("images", [BATCH, length])) }));
    return new ImageEmbedder(dataset, program, embedding, (images) => fillFeatures(features, images), share);
  }

  /** Raw embeddings [images, size]. @param onProgress Called with the number of images done. */
  async embed(images: readonly number[], onProgress?: (done: number) => void): Promise<Float32Array> {
    const result = new Float32Array(images.length * this.size);
    const parts = await this.share("images embedded", Math.ceil(images.length / BATCH), async (i) => {
      const part = images.slice(i * BATCH, (i + 1) * BATCH);
      // A last batch that is not full is filled up with its first image.
      const rows = Array.from({ length: BATCH }, (_, i) => part[i] ?? part[0]!);
      const { embedding } = await this.program.run({ images: this.fill(rows) });
      onProgress?.(i * BATCH + part.length);
      return embedding.subarray(0, part.length * this.size);
    });
    parts.forEach((part, i) => result.set(part, i * BATCH * this.size));
    return result;
  }

  destroy(): void {
    this.program.destroy();
  }
}
