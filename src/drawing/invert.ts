/**
 * Inversion by optimisation: from S(x) on, the style z is moved so that G(z, t) becomes the image x. Finds what the style encoder missed;
 * takes as long as training a generator for as many steps on so many images.
 */
import { grad } from "../autograd/grad.js";
import type { Device } from "../gpu/device.js";
import type { Generator } from "../models/generator.js";
import { sum } from "../tensor/broadcast.js";
import { compile } from "../tensor/compile.js";
import { add, mul, square, sub } from "../tensor/elementwise.js";
import { Adam } from "../tensor/optimizers.js";
import { mean } from "../tensor/reduce.js";
import { input } from "../tensor/tensor.js";
import { Store } from "../tensor/variables.js";

/** How styles are moved. */
export interface InversionOptions {
  /** Adam's step size at the first step (default 0.1); falls to zero along a cosine. */
  readonly learningRate?: number;
  /**
   * Weight of ‖z‖² / Z (and, where the text is sought too, ‖t‖² / T) beside the mean squared error of the pixels (default 0.003): keeps
   * both about as long as the generator knows them.
   */
  readonly prior?: number;
  /** Told after each step, with the mean squared errors of the images' pixels before it. */
  readonly onStep?: (step: number, errors: Float32Array) => void;
  /** Aborted when no further step is to be made: what was found so far is the result. */
  readonly signal?: AbortSignal;
}

/** Styles found by optimisation, and how near they came. */
export interface Inversion {
  /** [N, noiseSize] */
  readonly styles: Float32Array;
  /** Mean squared error of each image's pixels, before the first step and after the last. */
  readonly before: Float32Array;
  readonly after: Float32Array;
}

/**
 * Refines styles of images.
 * @param images [N, 3, S, S] in [−1, 1]
 * @param start Styles to begin with, [N, noiseSize].
 * @param text Embeddings of what the images show, [N, textSize]; without, it is sought as well, beginning with the mean of all captions.
 * @param steps 0: nothing is moved, only the errors are measured.
 */
export async function refine(
  device: Device,
  generator: Generator,
  images: Float32Array,
  start: Float32Array,
  text: Float32Array | undefined,
  steps: number,
  { learningRate = 0.1, prior = 0.003, onStep, signal }: InversionOptions = {},
): Promise<Inversion> {
  const { noiseSize, textSize, imageSize } = generator.options;
  const n = start.length / noiseSize;
  const sought = new Store("inversion");
  const z = sought.variable("style", [n, noiseSize], (values) => values.set(start));
  const t = text ? undefined : sought.variable("text", [n, textSize]);
  const adam = new Adam(sought);
  const program = await compile(device, () => {
    const texts = t ?? input("text", [n, textSize]);
    const target = input("images", [n, 3, imageSize, imageSize]);
    const error = mean(square(sub(generator.call(z, texts, "evaluate"), target)), [1, 2, 3]);
    const far = [z, ...(t ? [t] : [])].map((v) => mul(mean(square(v), [1]), prior));
    // A sum over the images: each is moved as if it were alone.
    const loss = sum(far.reduce(add, error));
    const variables = sought.entries.map((e) => e.tensor);
    adam.step(grad(loss, variables), input("rate", [2]));
    return { error };
  });
  try {
    const rate = (step: number) => adam.rate(learningRate * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps)), step);
    const inputs = { images, ...(text && { text }) };
    let before: Float32Array | undefined;
    for (let step = 1; step <= steps && !signal?.aborted; step++) {
      const { error } = await program.run({ ...(step === 1 && inputs), rate: rate(step) });
      before ??= error;
      onStep?.(step, error);
    }
    // The error of the last step's result, with nothing moved.
    const { error: after } = await program.run({ ...inputs, rate: [0, 1] });
    return { styles: (await sought.read()).get("style")!, before: before ?? after, after };
  } finally {
    program.destroy();
  }
}
