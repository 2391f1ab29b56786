/** Mean, variance and inverse deviation of a tensor over some of its dimensions, made in one pass over it. */
import type { AdapterTraits } from "../../kernels/kernel.js";
import { moments as momentsKernel } from "../../kernels/moments.js";
import { broadcastTo } from "./broadcast.js";
import { mul, sub } from "./elementwise.js";
import { loopNest, strides } from "./shape.js";
import { Tensor } from "./tensor.js";

export interface Moments {
  readonly mean: Tensor;
  /** Unbiased: divided by n − 1. */
  readonly variance: Tensor;
  /** 1 / √(biased variance + ε) */
  readonly inverse: Tensor;
}

/** @param kept The dimensions that are not averaged over; the others stay with size 1 in the results. */
export function moments(x: Tensor, kept: readonly number[], epsilon: number): Moments {
  const shape = x.shape.map((n, d) => (kept.includes(d) ? n : 1));
  const n = x.size / shape.reduce((a, b) => a * b, 1);
  const loops = (dimensions: readonly number[]) => loopNest(x.shape, dimensions, [strides(x.shape, x.order)]);
  const problem = {
    kept: loops(x.order.filter((d) => kept.includes(d))),
    reduced: loops(x.order.filter((d) => !kept.includes(d))),
    epsilon,
  };
  const lower = (traits: AdapterTraits) => momentsKernel(problem, traits);
  const options = { order: x.order, sources: [x] };
  const mean = new Tensor("mean", shape, { kind: "kernel", lower, results: 3 }, [x], {
    ...options,
    vjp: (g) => [broadcastTo(mul(g, 1 / n), x.shape)],
  });
  const centred = () => sub(x, mean);
  const variance = new Tensor("variance", shape, { kind: "result", index: 1 }, [mean], {
    ...options,
    vjp: (g) => [mul(centred(), mul(g, 2 / (n - 1)))],
  });
  const inverse: Tensor = new Tensor("inverse deviation", shape, { kind: "result", index: 2 }, [mean], {
    ...options,
    vjp: (g) => [mul(centred(), mul(mul(g, mul(inverse, mul(inverse, inverse))), -1 / n))],
  });
  return { mean, variance, inverse };
}
