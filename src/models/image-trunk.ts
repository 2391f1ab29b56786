/**
 * The image's side of the discriminator, which the style encoder shares (Reed et al. 2016, sections 4.1 and 4.4). For 64×64 images and
 * width n = 64:
 *
 *   conv1   k4 s2 p1   LeakyReLU .2                 n×32×32
 *   conv2   k4 s2 p1   BN, LeakyReLU                2n×16×16
 *   conv3   k4 s2 p1   BN, LeakyReLU (a)            4n×8×8
 *   conv4   k4 s2 p1   BN                           8n×4×4     + residual bottleneck, LeakyReLU
 *
 * (a) missing in the authors' code for birds and flowers, present in that for COCO; restored here unless asked otherwise.
 */
import { leakyRelu } from "../tensor/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { upsamplings } from "./generator.js";
import { BatchNorm, Conv, type Mode, type Network, type See } from "./layers.js";
import { ResidualBottleneck } from "./residual.js";

/** Sizes and choices of the discriminator's image side. */
export interface ImageTrunkOptions {
  readonly imageSize: number;
  /** n above ("ndf"); a multiple of 4. */
  readonly width: number;
  readonly residual: boolean;
  /** (a) "keep" it missing, as the authors' code, or "restore" it. */
  readonly missingLeakyRelu: "keep" | "restore";
}

/** Images to features of 4×4: what discriminator and style encoder have in common. */
export class ImageTrunk {
  /** 8n for 64×64 images. */
  readonly channels: number;
  readonly #convolutions: readonly Conv[];
  readonly #norms: readonly (BatchNorm | undefined)[];
  readonly #residual: ResidualBottleneck | undefined;

  /** Adds the trunk's variables to the network. */
  constructor(
    network: Network,
    readonly options: ImageTrunkOptions,
  ) {
    const { imageSize, width, residual } = options;
    const channels = Array.from({ length: upsamplings(imageSize) }, (_, level) => width * 2 ** level);
    this.channels = channels.at(-1)!;
    this.#convolutions = channels.map((c, i) => new Conv(network, `conv${i + 1}`, channels[i - 1] ?? 3, c, 4, { stride: 2, padding: 1 }));
    this.#norms = channels.map((c, i) => (i === 0 ? undefined : new BatchNorm(network, `norm${i + 1}`, c)));
    this.#residual = residual ? new ResidualBottleneck(network, "residual", this.channels, leakyRelu) : undefined;
  }

  /**
   * [N, 3, S, S] → [N, 8n, 4, 4]; or [P, N, ...] of P passes at once.
   * @param see Shown what each layer gives, after its activation; the last one's residual block goes before it.
   */
  call(images: Tensor, mode: Mode, see?: See): Tensor {
    const levels = this.#convolutions.length;
    let h = images;
    this.#convolutions.forEach((convolution, i) => {
      h = convolution.call(h);
      h = this.#norms[i]?.call(h, mode) ?? h;
      const missing = i === levels - 2 && i > 0 && this.options.missingLeakyRelu === "keep";
      if (i < levels - 1 && !missing) h = leakyRelu(h);
      if (i === levels - 1) h = this.#residual?.call(h, mode) ?? leakyRelu(h);
      see?.(`conv${i + 1}`, h);
    });
    return h;
  }
}
