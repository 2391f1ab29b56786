/**
 * The image side of the joint embedding: a small convolutional network of our own, trained together with the text encoder (the paper
 * uses features of a network pre-trained on ImageNet, which are not to be had here).
 *
 *   conv k4 s2 p1, BN, ReLU    width, 2·width, 4·width, 8·width channels; 64 → 32 → 16 → 8 → 4
 *   mean over positions        8·width features
 *   project                    Linear → embedding
 */
import { relu } from "../tensor/elementwise.js";
import { mean } from "../tensor/reduce.js";
import type { Tensor } from "../tensor/tensor.js";
import { upsamplings } from "./generator.js";
import { boundedUniform, heUniform, type RandomSource } from "./initializers.js";
import { BatchNorm, Conv, Linear, type Mode, Network } from "./layers.js";

export interface ImageEncoderOptions {
  readonly imageSize: number;
  readonly width: number;
  readonly embedding: number;
}

export class ImageEncoder extends Network {
  readonly #convolutions: readonly Conv[];
  readonly #norms: readonly BatchNorm[];
  readonly #project: Linear;

  constructor(
    readonly options: ImageEncoderOptions,
    random: RandomSource,
  ) {
    super("image", {
      convolution: (values, shape) => heUniform(random, shape[1]! * shape[2]! * shape[3]!)(values, shape),
      normScale: (values) => values.fill(1),
      linear: (inputs) => boundedUniform(random, 1 / Math.sqrt(inputs)),
    });
    const { imageSize, width, embedding } = options;
    const channels = Array.from({ length: upsamplings(imageSize) }, (_, i) => width * 2 ** i);
    this.#convolutions = channels.map((c, i) => new Conv(this, `conv${i + 1}`, channels[i - 1] ?? 3, c, 4, { stride: 2, padding: 1 }));
    this.#norms = channels.map((c, i) => new BatchNorm(this, `norm${i + 1}`, c));
    this.#project = new Linear(this, "project", channels.at(-1)!, embedding);
  }

  /** Images [N, 3, S, S] in [−1, 1] → features [N, 8·width] (for S = 64). */
  features(images: Tensor, mode: Mode): Tensor {
    const h = this.#convolutions.reduce((x, convolution, i) => relu(this.#norms[i]!.call(convolution.call(x), mode)), images);
    return mean(h, [2, 3]);
  }

  /** Features → [N, embedding]. */
  outputs(features: Tensor): Tensor {
    return this.#project.call(features);
  }

  /** → [N, embedding]. */
  call(images: Tensor, mode: Mode): Tensor {
    return this.outputs(this.features(images, mode));
  }
}
