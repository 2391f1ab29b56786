/**
 * The generator (Reed et al. 2016, section 4.1, in the form of the authors' code). For 64×64 images and width n = 128:
 *
 *   text    Linear 1024→128, LeakyReLU .2
 *   join    [z, text]                               228×1×1
 *   deconv1 k4 s1      BN                           8n×4×4     + residual bottleneck, ReLU
 *   deconv2 k4 s2 p1   BN                           4n×8×8     + residual bottleneck, ReLU
 *   deconv3 k4 s2 p1   BN, ReLU                     2n×16×16
 *   deconv4 k4 s2 p1   BN, ReLU                     n×32×32
 *   deconv5 k4 s2 p1   tanh                         3×64×64
 *
 * Other image sizes have as many stride-2 layers as they need, widths halving towards n before the last. Without the residual blocks
 * (the paper's figure 2) a ReLU follows the first two batch norms. The last of the stride-2 layers may be of another form, which leaves no
 * weave of period two (upsampling.ts).
 */
import { UserError } from "../errors.js";
import { leakyRelu, relu, tanh } from "../tensor/elementwise.js";
import { concat, reshape } from "../tensor/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Initializers } from "./initializers.js";
import { BatchNorm, Deconv, Linear, type Mode, Network, type See } from "./layers.js";
import { ResidualBottleneck } from "./residual.js";
import { type Upsampling, upsamplingLayer, type UpsamplingLayer } from "./upsampling.js";

/** Sizes of a generator. */
export interface GeneratorOptions {
  /** Side of the images: 4 times a power of two, at least 8. */
  readonly imageSize: number;
  /** n above ("ngf"); a multiple of 4. */
  readonly width: number;
  readonly noiseSize: number;
  /** Length of the text embedding. */
  readonly textSize: number;
  /** Length it is projected to ("nt"). */
  readonly textProjection: number;
  readonly residual: boolean;
  /** Form of the last `smoothLayers` stride-2 layers; without it "transposed", as in the paper: models of older files do not say. */
  readonly upsampling?: Upsampling | undefined;
  /** How many that are, all where there are fewer; 2 without it. The layers before them are transposed. */
  readonly smoothLayers?: number | undefined;
}

/** Stride-2 layers that are smooth where smooth ones are asked for: by eye and by measure the best (docs/guide/train.md). */
export const SMOOTH_LAYERS = 2;

/** Number of stride-2 layers between 4×4 and the image. */
export function upsamplings(imageSize: number): number {
  const count = Math.log2(imageSize / 4);
  if (!Number.isInteger(count) || count < 1) throw new UserError(`image size ${imageSize}: must be 8, 16, 32, 64, 128 ...`);
  return count;
}

/** G: noise and texts to images (Reed et al. 2016, section 4.1). */
export class Generator extends Network {
  readonly #text: Linear;
  readonly #deconvolutions: readonly Pick<UpsamplingLayer, "call">[];
  readonly #norms: readonly BatchNorm[];
  readonly #residuals: readonly ResidualBottleneck[];

  constructor(
    readonly options: GeneratorOptions,
    initial: Initializers,
  ) {
    super("generator", initial);
    const { imageSize, width, noiseSize, textSize, textProjection, residual } = options;
    const { upsampling = "transposed", smoothLayers = SMOOTH_LAYERS } = options;
    const levels = upsamplings(imageSize);
    const channels = Array.from({ length: levels }, (_, level) => width * 2 ** (levels - 1 - level));
    this.#text = new Linear(this, "text", textSize, textProjection);
    const deconvolutions: Pick<UpsamplingLayer, "call">[] = [new Deconv(this, "deconv1", noiseSize + textProjection, channels[0]!, 4)];
    const norms: BatchNorm[] = [];
    const residuals: ResidualBottleneck[] = [];
    channels.forEach((c, level) => {
      norms.push(new BatchNorm(this, `norm${level + 1}`, c));
      if (residual && level < 2) residuals.push(new ResidualBottleneck(this, `residual${level + 1}`, c, relu));
      const form = level < levels - smoothLayers ? "transposed" : upsampling;
      deconvolutions.push(upsamplingLayer(form, this, `deconv${level + 2}`, c, channels[level + 1] ?? 3));
    });
    this.#deconvolutions = deconvolutions;
    this.#norms = norms;
    this.#residuals = residuals;
  }

  /**
   * @param noise [N, noiseSize]
   * @param text [N, textSize]
   * @param see Shown what each layer but the last gives, [N, C, H, W] after its activation.
   * @returns Images [N, 3, S, S] in (−1, 1).
   */
  call(noise: Tensor, text: Tensor, mode: Mode, see?: See): Tensor {
    const projected = leakyRelu(this.#text.call(text));
    const joined = concat([noise, projected], 1);
    let h = this.#deconvolutions[0]!.call(reshape(joined, [...joined.shape, 1, 1]));
    this.#norms.forEach((norm, level) => {
      h = norm.call(h, mode);
      h = this.#residuals[level]?.call(h, mode) ?? relu(h);
      see?.(`deconv${level + 1}`, h);
      h = this.#deconvolutions[level + 1]!.call(h);
    });
    return tanh(h);
  }
}
