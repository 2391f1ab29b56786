/**
 * The style encoder S (Reed et al. 2016, section 4.4): it finds the noise vector from which the generator drew an image, that is, all of
 * the image that its text does not say. The paper calls it a convolutional network and no more; this one is the discriminator's:
 *
 *   trunk   as the discriminator's        8n×4×4
 *   style   flatten, Linear               Z       zero at first: what S says is what it has learnt, and nothing of its random start
 */
import { reshape } from "../tensor/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import { ImageTrunk, type ImageTrunkOptions } from "./image-trunk.js";
import type { Initializers } from "./initializers.js";
import { Linear, type Mode, Network } from "./layers.js";

/** Sizes of a style encoder. */
export interface StyleEncoderOptions extends ImageTrunkOptions {
  /** Length Z of the noise vector. */
  readonly noiseSize: number;
}

/** S: images to the noise they may have been drawn from (Reed et al. 2016, section 4.4). */
export class StyleEncoder extends Network {
  readonly #trunk: ImageTrunk;
  readonly #style: Linear;

  constructor(
    readonly options: StyleEncoderOptions,
    initial: Initializers,
  ) {
    super("style", { ...initial, linear: () => (values) => values.fill(0) });
    this.#trunk = new ImageTrunk(this, options);
    this.#style = new Linear(this, "style", this.#trunk.channels * 4 * 4, options.noiseSize);
  }

  /** Images [N, 3, S, S] in [−1, 1] → styles [N, noiseSize]. */
  call(images: Tensor, mode: Mode): Tensor {
    const features = this.#trunk.call(images, mode);
    return this.#style.call(reshape(features, [images.shape[0]!, -1]));
  }
}
