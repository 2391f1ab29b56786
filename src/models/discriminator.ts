/**
 * The discriminator (Reed et al. 2016, section 4.1, in the form of the authors' code). For 64×64 images and width n = 64:
 *
 *   trunk   four convolutions (image-trunk.ts)      8n×4×4
 *   text    Linear 1024→128, BN (a), LeakyReLU      128, repeated over 4×4
 *   join    [image, text], conv 1×1, BN, LeakyReLU  8n×4×4
 *   score   conv 4×4                                1 logit
 *
 * (a) present in the authors' code for birds and flowers, absent in that for COCO.
 */
import { leakyRelu } from "../tensor/elementwise.js";
import { broadcastTo } from "../tensor/broadcast.js";
import { concat, reshape } from "../tensor/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import { ImageTrunk, type ImageTrunkOptions } from "./image-trunk.js";
import type { Initializers } from "./initializers.js";
import { BatchNorm, Conv, Linear, type Mode, Network } from "./layers.js";

export interface DiscriminatorOptions extends ImageTrunkOptions {
  readonly textSize: number;
  readonly textProjection: number;
  /** (a) */
  readonly textBatchNorm: boolean;
}

export class Discriminator extends Network {
  readonly #trunk: ImageTrunk;
  readonly #text: Linear;
  readonly #textNorm: BatchNorm | undefined;
  readonly #join: Conv;
  readonly #joinNorm: BatchNorm;
  readonly #score: Conv;

  constructor(
    readonly options: DiscriminatorOptions,
    initial: Initializers,
  ) {
    super("discriminator", initial);
    const { textSize, textProjection, textBatchNorm } = options;
    this.#trunk = new ImageTrunk(this, options);
    const { channels } = this.#trunk;
    this.#text = new Linear(this, "text", textSize, textProjection);
    this.#textNorm = textBatchNorm ? new BatchNorm(this, "text_norm", textProjection) : undefined;
    this.#join = new Conv(this, "join", channels + textProjection, channels, 1);
    this.#joinNorm = new BatchNorm(this, "join_norm", channels);
    this.#score = new Conv(this, "score", channels, 1, 4);
  }

  /**
   * @param images [N, 3, S, S] in [−1, 1]
   * @param text [N, textSize]
   * @returns Logits [N] of "real, and matching the text".
   */
  call(images: Tensor, text: Tensor, mode: Mode): Tensor {
    return this.judge(this.look(images, mode), this.read(text, mode), mode);
  }

  /** The image's trunk: [N, 3, S, S] → [N, 8n, 4, 4]; as `read` and `judge` also for P passes at once, [P, N, ...]. */
  look(images: Tensor, mode: Mode): Tensor {
    return this.#trunk.call(images, mode);
  }

  /** The text's branch: [N, textSize] → [N, textProjection]. */
  read(text: Tensor, mode: Mode): Tensor {
    const t = this.#text.call(text);
    return leakyRelu(this.#textNorm?.call(t, mode) ?? t);
  }

  /**
   * @param image [N, 8n, 4, 4] from `look`
   * @param text [N, textProjection] from `read`; one without passes serves all of the image's.
   * @returns Logits [N]
   */
  judge(image: Tensor, text: Tensor, mode: Mode): Tensor {
    const rows = image.shape.slice(0, -3);
    const [height, width] = image.shape.slice(-2) as [number, number];
    const tiled = broadcastTo(reshape(text, [...text.shape, 1, 1]), [...rows, text.shape.at(-1)!, height, width]);
    const joined = this.#join.call(concat([image, tiled], -3));
    return reshape(this.#score.call(leakyRelu(this.#joinNorm.call(joined, mode))), rows);
  }
}
