/** The learning rate of a GAN, which both networks have, from its first step to its last. */
import type { TrainOptions } from "./options.js";

/**
 * `learningRate`, multiplied by `lrDecay` every `lrDecayEvery` epochs, an epoch being images / batch steps (section 5; the schedule is the authors' code's);
 * and over the last `lrFall` of the steps by what is left of them, so that what is learnt settles (as Zhu et al. 2017 do, section 4).
 * @param step From 1 on. @param images Of the training split.
 */
export function learningRate(
  options: Pick<TrainOptions, "learningRate" | "lrDecay" | "lrDecayEvery" | "lrFall" | "steps" | "batch">,
  step: number,
  images: number,
): number {
  const epoch = Math.floor((step - 1) / Math.ceil(images / options.batch)) + 1;
  const falling = options.lrFall * options.steps;
  const fall = falling > 0 ? Math.min(1, (options.steps - step + 1) / falling) : 1;
  return options.learningRate * options.lrDecay ** Math.floor(epoch / options.lrDecayEvery) * fall;
}
