/**
 * The discriminator (Reed et al. 2016, section 4.1, in the form of the authors' code). For 64×64 images and width n = 64:
 *
 *   trunk   four convolutions (image-trunk.ts)      8n×4×4
 *   text    Linear 1024→128, BN (a), LeakyReLU      128, repeated over 4×4
 *   join    [image, text], conv 1×1, BN, LeakyReLU  8n×4×4     [image, text, deviation] (b)
 *   score   conv 4×4                                1 logit
 *
 * (a) present in the authors' code for birds and flowers, absent in that for COCO.
 * (b) ours, an option: one more channel, which says how much the images differ (minibatchDeviation, below). Batch norm takes out of it what
 * is the same in all rows, so that it says something only where several kinds of pairs are judged as one batch.
 */
import { add, leakyRelu, sqrt, square, sub } from "../tensor/elementwise.js";
import { broadcastTo } from "../tensor/broadcast.js";
import { concat, reshape, slice } from "../tensor/layout.js";
import { mean } from "../tensor/reduce.js";
import type { Tensor } from "../tensor/tensor.js";
import { ImageTrunk, type ImageTrunkOptions } from "./image-trunk.js";
import type { Initializers } from "./initializers.js";
import { BatchNorm, Conv, Linear, type Mode, Network, type See } from "./layers.js";

/** Sizes and choices of a discriminator. */
export interface DiscriminatorOptions extends ImageTrunkOptions {
  readonly textSize: number;
  readonly textProjection: number;
  /** (a) */
  readonly textBatchNorm: boolean;
  /** (b) */
  readonly minibatchDeviation: boolean;
}

/** D: images and texts to logits, high for a real image that fits its text (Reed et al. 2016, section 4.1). */
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
    const { textSize, textProjection, textBatchNorm, minibatchDeviation } = options;
    this.#trunk = new ImageTrunk(this, options);
    const { channels } = this.#trunk;
    this.#text = new Linear(this, "text", textSize, textProjection);
    this.#textNorm = textBatchNorm ? new BatchNorm(this, "text_norm", textProjection) : undefined;
    this.#join = new Conv(this, "join", channels + textProjection + (minibatchDeviation ? 1 : 0), channels, 1);
    this.#joinNorm = new BatchNorm(this, "join_norm", channels);
    this.#score = new Conv(this, "score", channels, 1, 4);
  }

  /**
   * @param images [N, 3, S, S] in [−1, 1]
   * @param text [N, textSize]
   * @param kinds How many of the N rows, one kind after the other, are of one kind: those whose deviation is taken together.
   * @returns Logits [N] of "real, and matching the text".
   */
  call(images: Tensor, text: Tensor, mode: Mode, kinds?: readonly number[]): Tensor {
    return this.judge(this.look(images, mode), this.read(text, mode), mode, kinds);
  }

  /** The image's trunk: [N, 3, S, S] → [N, 8n, 4, 4]; as `read` and `judge` also for P passes at once, [P, N, ...]. */
  look(images: Tensor, mode: Mode, see?: See): Tensor {
    return this.#trunk.call(images, mode, see);
  }

  /** The text's branch: [N, textSize] → [N, textProjection]. */
  read(text: Tensor, mode: Mode): Tensor {
    const t = this.#text.call(text);
    return leakyRelu(this.#textNorm?.call(t, mode) ?? t);
  }

  /**
   * @param image [N, 8n, 4, 4] from `look`
   * @param text [N, textProjection] from `read`; one without passes serves all of the image's.
   * @param kinds As in `call`.
   * @returns Logits [N]
   */
  judge(image: Tensor, text: Tensor, mode: Mode, kinds: readonly number[] = [image.shape.at(-4)!]): Tensor {
    const rows = image.shape.slice(0, -3);
    const [height, width] = image.shape.slice(-2) as [number, number];
    const tiled = broadcastTo(reshape(text, [...text.shape, 1, 1]), [...rows, text.shape.at(-1)!, height, width]);
    const deviation = this.options.minibatchDeviation ? [minibatchDeviation(image, kinds)] : [];
    const joined = this.#join.call(concat([image, tiled, ...deviation], -3));
    return reshape(this.#score.call(leakyRelu(this.#joinNorm.call(joined, mode))), rows);
  }
}

/** Under the root: its derivative stays finite where all images of a batch are alike. */
const EPSILON = 1e-8;

/**
 * How much the images of a batch differ, as a channel that is the same everywhere (Karras et al. 2018, section 3): the standard deviation
 * of each feature at each place over the images, and of all of them the mean. It lets D see that a generator pays no heed to its noise.
 * @param x [N, C, H, W]
 * @param kinds Rows of x, one kind after the other, each measured by itself.
 * @returns [N, 1, H, W]
 */
function minibatchDeviation(x: Tensor, kinds: readonly number[]): Tensor {
  let at = 0;
  const channels = kinds.map((rows) => {
    const kind = slice(x, 0, at, (at += rows));
    const centred = sub(kind, mean(kind, [0], { keepDims: true }));
    const deviation = sqrt(add(mean(square(centred), [0]), EPSILON));
    return broadcastTo(mean(deviation), [rows, 1, ...x.shape.slice(2)]);
  });
  return concat(channels, 0);
}
