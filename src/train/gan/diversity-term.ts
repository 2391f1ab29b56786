/**
 * An optional term of L_G that makes two noises draw two images of one text (Yang et al. 2019, "Diversity-Sensitive Conditional Generative
 * Adversarial Networks", equations 2 and 3):
 *
 *   λ·E max(0, τ − r)        r = ‖G(z₁, h) − G(z₂, h)‖ / ‖z₁ − z₂‖
 *
 * Norms are mean absolute values, of an image's elements in [−1, 1] and of the noise's. With z from N(0, 1), r is about the deviation of an
 * element within a text. Pairs that differ by τ are let alone: how an image may vary is the discriminator's to say.
 */
import { abs, div, maximum, sub } from "../../tensor/elementwise.js";
import { reshape, slice } from "../../tensor/layout.js";
import { mean } from "../../tensor/reduce.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { GeneratorTerm } from "./generator-term.js";

/** τ: what photographs of one caption differ by (flowers: .43). */
export const DIVERSITY_BOUND = 0.4;

/** @param weight λ */
export function diversityTerm(weight: number): GeneratorTerm {
  return {
    weight,
    wantsTwins: true,
    build({ z, images, twins, apart }) {
      const distance = (x: Tensor): Tensor => {
        const rows = reshape(x, [x.shape[0]!, -1]);
        return mean(abs(sub(slice(rows, 0, 0, twins), slice(rows, 0, apart, apart + twins))), [1]);
      };
      const ratio = div(distance(images), distance(z));
      return { loss: mean(maximum(sub(DIVERSITY_BOUND, ratio), 0)), metrics: { diversity: mean(ratio) } };
    },
  };
}
