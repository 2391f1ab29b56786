/**
 * The discriminator (Reed et al. 2016, section 4.1, in the form of the authors' code). For 64×64 images and width n = 64:
 *
 *   conv1   k4 s2 p1   LeakyReLU .2                 n×32×32
 *   conv2   k4 s2 p1   BN, LeakyReLU                2n×16×16
 *   conv3   k4 s2 p1   BN, LeakyReLU (a)            4n×8×8
 *   conv4   k4 s2 p1   BN                           8n×4×4     + residual bottleneck, LeakyReLU
 *   text    Linear 1024→128, BN (b), LeakyReLU      128, repeated over 4×4
 *   join    [image, text], conv 1×1, BN, LeakyReLU  8n×4×4
 *   score   conv 4×4                                1 logit
 *
 * (a) missing in the authors' code for birds and flowers, present in that for COCO; restored here unless asked otherwise.
 * (b) present in the authors' code for birds and flowers, absent in that for COCO.
 */
import { leakyRelu } from "../tensor/elementwise.js";
import { broadcastTo } from "../tensor/broadcast.js";
import { concat, reshape } from "../tensor/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import { upsamplings } from "./generator.js";
import type { Initializers } from "./initializers.js";
import { BatchNorm, Conv, Linear, type Mode, Network } from "./layers.js";
import { ResidualBottleneck } from "./residual.js";

export interface DiscriminatorOptions {
  readonly imageSize: number;
  /** n above ("ndf"); a multiple of 4. */
  readonly width: number;
  readonly textSize: number;
  readonly textProjection: number;
  readonly residual: boolean;
  /** (a) "keep" it missing, as the authors' code, or "restore" it. */
  readonly missingLeakyRelu: "keep" | "restore";
  /** (b) */
  readonly textBatchNorm: boolean;
}

export class Discriminator extends Network {
  readonly #convolutions: readonly Conv[];
  readonly #norms: readonly (BatchNorm | undefined)[];
  readonly #residual: ResidualBottleneck | undefined;
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
    const { imageSize, width, textSize, textProjection, residual, textBatchNorm } = options;
    const levels = upsamplings(imageSize);
    const channels = Array.from({ length: levels }, (_, level) => width * 2 ** level);
    const last = channels.at(-1)!;
    this.#convolutions = channels.map((c, i) => new Conv(this, `conv${i + 1}`, channels[i - 1] ?? 3, c, 4, { stride: 2, padding: 1 }));
    this.#norms = channels.map((c, i) => (i === 0 ? undefined : new BatchNorm(this, `norm${i + 1}`, c)));
    this.#residual = residual ? new ResidualBottleneck(this, "residual", last, leakyRelu) : undefined;
    this.#text = new Linear(this, "text", textSize, textProjection);
    this.#textNorm = textBatchNorm ? new BatchNorm(this, "text_norm", textProjection) : undefined;
    this.#join = new Conv(this, "join", last + textProjection, last, 1);
    this.#joinNorm = new BatchNorm(this, "join_norm", last);
    this.#score = new Conv(this, "score", last, 1, 4);
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
    const levels = this.#convolutions.length;
    let h = images;
    this.#convolutions.forEach((convolution, i) => {
      h = convolution.call(h);
      h = this.#norms[i]?.call(h, mode) ?? h;
      const missing = i === levels - 2 && i > 0 && this.options.missingLeakyRelu === "keep";
      if (i < levels - 1 && !missing) h = leakyRelu(h);
    });
    return this.#residual?.call(h, mode) ?? leakyRelu(h);
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
