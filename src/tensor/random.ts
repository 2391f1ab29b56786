/** Random tensors: pure functions of a key (seed, step) and a stream number, computed on the GPU. */
import { type Distribution, random as randomKernel } from "../../kernels/random.js";
import { composite, requireNumber } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { mul, sub, where } from "./elementwise.js";
import { input, Tensor } from "./tensor.js";
import { type Shape, size } from "./shape.js";

/**
 * The program input that carries (seed, step): u32 [3], to be filled by `randomKey`.
 * @param ranks True where several ranks draw under one key, each its own numbers: u32 [4], the rank after the step.
 */
export const keyInput = (name = "key", ranks = false): Tensor => input(name, [ranks ? 4 : 3], "u32");

/** Values of a key input. `seed` is any non-negative safe integer, `step` the run's counter; `rank` where the key says so. */
export function randomKey(seed: number, step: number, rank?: number): Uint32Array {
  requireNumber("randomKey", "seed", seed, { whole: true, least: 0, most: Number.MAX_SAFE_INTEGER });
  requireNumber("randomKey", "step", step, { whole: true, least: 0, below: 2 ** 32 });
  const words = [seed % 2 ** 32, Math.floor(seed / 2 ** 32), step];
  if (rank === undefined) return Uint32Array.from(words);
  requireNumber("randomKey", "rank", rank, { whole: true, least: 0, below: 2 ** 32 });
  return Uint32Array.of(...words, rank);
}

function random(distribution: Distribution, shape: Shape, key: Tensor, stream: number): Tensor {
  if (key.dtype !== "u32" || (key.size !== 3 && key.size !== 4))
    throw new ShapeError(`random: the key must be u32 [3], or [4] with a rank, not ${key.toString()}`);
  requireNumber("random", "stream", stream, { whole: true, least: 0, below: 2 ** 32 });
  return new Tensor(
    distribution,
    shape,
    { kind: "kernel", lower: () => randomKernel(distribution, size(shape), stream, key.size === 4), whole: [0] },
    [key],
    {
      sources: [],
    },
  );
}

/** Independent standard normal numbers. Two tensors of one program need different streams. */
export const randomNormal = (shape: Shape, key: Tensor, stream: number): Tensor => random("normal", shape, key, stream);

/** Independent uniform numbers in (0, 1). */
export const randomUniform = (shape: Shape, key: Tensor, stream: number): Tensor => random("uniform", shape, key, stream);

/** Dropout (Srivastava et al. 2014): each element is 0 with probability `rate`, else divided by 1 − rate. */
export const dropout = composite("dropout", (x: Tensor, rate: number, key: Tensor, stream: number): Tensor => {
  requireNumber("dropout", "rate", rate, { least: 0, below: 1 });
  return mul(x, where(sub(randomUniform(x.shape, key, stream), rate), 1 / (1 - rate), 0));
});
