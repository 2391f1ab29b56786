/**
 * Reads a generator's noise from the mean colour of its images' border, whatever their texts say (the code reader of Chen et al. 2016,
 * "InfoGAN", with so little to look at that nothing can be hidden from the eye):
 *
 *   colour   mean of each channel over the border, an eighth of the side wide, + N(0, .2²)     3
 *   hidden   Linear 3→128, LeakyReLU .2                                                        128
 *   noise    Linear 128→Z                                                                      Z
 *
 * A generator that lets all of its noise be read hides it in traces that nobody sees. Of these nothing is left in a mean, and what is fainter
 * than the random numbers added to it is lost in them: what the reader can tell is the tint of the background, which texts
 * leave open. The middle of the image is theirs: where the mean is of all of it, the noise tints the petals too.
 */
import { sum } from "../tensor/broadcast.js";
import { add, leakyRelu, mul, sub } from "../tensor/elementwise.js";
import { slice } from "../tensor/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Initializers } from "./initializers.js";
import { Linear, Network } from "./layers.js";

const HIDDEN = 128;
/** Deviation of what is added to a mean colour, whose channels lie in [−1, 1]. */
const HAZE = 0.2;

export class NoiseReader extends Network {
  readonly #hidden: Linear;
  readonly #noise: Linear;

  constructor(noiseSize: number, initial: Initializers) {
    super("reader", initial);
    this.#hidden = new Linear(this, "hidden", 3, HIDDEN);
    this.#noise = new Linear(this, "noise", HIDDEN, noiseSize);
  }

  /**
   * @param images [N, 3, S, S] in [−1, 1]
   * @param haze Random numbers [N, 3], N(0, 1).
   * @returns What can be told of the noise, [N, Z].
   */
  call(images: Tensor, haze: Tensor): Tensor {
    const seen = add(borderMean(images), mul(haze, HAZE));
    return this.#noise.call(leakyRelu(this.#hidden.call(seen)));
  }
}

/** How wide an image's border is, by which its background is told: an eighth of its side. */
export const borderWidth = (side: number): number => Math.max(1, Math.floor(side / 8));

/** Mean colour of the images' border as a tensor: [N, 3, S, S] → [N, 3]. */
function borderMean(images: Tensor): Tensor {
  const side = images.shape[3]!;
  const width = borderWidth(side);
  const inside = slice(slice(images, 2, width, side - width), 3, width, side - width);
  return mul(sub(sum(images, [2, 3]), sum(inside, [2, 3])), 1 / (side ** 2 - (side - 2 * width) ** 2));
}
