/**
 * The image side of the joint embedding. The paper takes fixed features of a network pre-trained on ImageNet as they are: who has such
 * features brings them, and `FeatureEncoder` stands for them. Else a small convolutional network of our own is trained together with the
 * text encoder:
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

/** Sizes of an image encoder. */
export interface ImageEncoderOptions {
  readonly imageSize: number;
  readonly width: number;
  readonly embedding: number;
}

/** Images to embeddings, or to the logits of a classifier: the joint embedding's image side where no features are given. */
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

  /**
   * → [N, embedding].
   * @param dropout Applied to the features in training.
   */
  call(images: Tensor, mode: Mode, dropout: (x: Tensor) => Tensor = (x) => x): Tensor {
    return this.outputs(dropout(this.features(images, mode)));
  }
}

/** Sizes of a projection of given features. */
export interface FeatureEncoderOptions {
  /** Length of an image's feature vector. */
  readonly features: number;
  readonly embedding: number;
}

/** Given features [N, features]: themselves where the embedding is as long (as in the paper), else their linear projection. */
export class FeatureEncoder extends Network {
  readonly #project: Linear | undefined;

  constructor(
    readonly options: FeatureEncoderOptions,
    random: RandomSource,
  ) {
    const linear = (inputs: number) => boundedUniform(random, 1 / Math.sqrt(inputs));
    super("image", { linear, convolution: linear(1), normScale: (values) => values.fill(1) });
    const { features, embedding } = options;
    if (features !== embedding) this.#project = new Linear(this, "project", features, embedding);
  }

  /** → [N, embedding]. */
  call(features: Tensor): Tensor {
    return this.#project ? this.#project.call(features) : features;
  }
}
