/**
 * An optional term of L_G that makes the noise tell in an image (after the code reader of Chen et al. 2016, "InfoGAN"):
 *
 *   λ·E ‖z − Q(G(z, h′))‖²
 *
 * Q reads the noise from the mean colour of an image's border (models/noise-reader.ts) and takes its own Adam step on the same loss.
 * Without it a small G lets its noise decide one bit of the background, and leaves the rest to the text, which should not.
 */
import type { NoiseReader } from "../../models/noise-reader.js";
import { sum } from "../../tensor/broadcast.js";
import { mul, square, sub } from "../../tensor/elementwise.js";
import type { Adam } from "../../tensor/optimizers.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { GeneratorTerm } from "./generator-term.js";

export function noiseTerm(reader: NoiseReader, adam: Adam, weight: number): GeneratorTerm {
  return {
    weight,
    adam,
    build({ z, images }, inputs) {
      const rows = z.shape[0]!;
      const squared = (x: Tensor) => mul(sum(square(x)), 1 / rows);
      const loss = squared(sub(z, reader.call(images, inputs.normal("haze", [rows, 3]))));
      // How many of the noise's Z directions are read.
      return { loss, metrics: { noiseRead: sub(squared(z), loss) } };
    },
  };
}
