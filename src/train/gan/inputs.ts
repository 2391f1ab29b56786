/**
 * Where an iteration's images and random numbers come from: from bytes and a key in training, as values in tests against other
 * implementations.
 */
import { pixels, pixelWords } from "../../tensor/pixels.js";
import { keyInput, randomNormal, randomUniform } from "../../tensor/random.js";
import type { Shape } from "../../tensor/shape.js";
import { mul, sub } from "../../tensor/elementwise.js";
import { input, type Tensor } from "../../tensor/tensor.js";
import { KeyStream } from "../../random/streams.js";

export interface StepInputs {
  /** Images of the program's input `name`, in [−1, 1]. @param shape [B, 3, S, S] */
  images(name: "real" | "wrong", shape: Shape): Tensor;
  /** Independent numbers from N(0, 1). */
  normal(name: "noiseD" | "noiseG" | "haze", shape: Shape): Tensor;
  /** Independent numbers from [−1, 1): the shares of mixtures of type 2. */
  shares(name: "alpha", shape: Shape): Tensor;
}

/** Training: images are bytes, [B, S, S, 3] four a u32, and a key input makes the random numbers. @param ranks Whether of each rank its own. */
export function seededInputs(ranks = false): StepInputs {
  const key = keyInput("key", ranks);
  return {
    images: (name, shape) => pixels(input(name, [pixelWords(shape)], "u32"), shape),
    normal: (name, shape) => randomNormal(shape, key, KeyStream.gan[name]),
    shares: (name, shape) => sub(mul(randomUniform(shape, key, KeyStream.gan[name]), 2), 1),
  };
}

/** Tests: all of them are inputs of their names. */
export const givenInputs: StepInputs = { images: input, normal: input, shares: input };
