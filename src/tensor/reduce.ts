/** Means, maxima and log-sum-exp over dimensions (`sum` stands in broadcast.ts, beside its derivative). */
import { composite } from "../arguments.js";
import { broadcastTo, finishReduction, reducedAxes, reduceNode, type ReduceOptions, sum } from "./broadcast.js";
import { add, div, exp, isMaximum, log, mul, stopGradient, sub, zeroIfInfinite } from "./elementwise.js";
import { size } from "./shape.js";
import type { Tensor } from "./tensor.js";
import { unchanged } from "./variables.js";

/** The arithmetic mean over the given dimensions (default: all). */
export function mean(x: Tensor, dimensions?: readonly number[], options: ReduceOptions = {}): Tensor {
  const axes = reducedAxes("mean", x, dimensions);
  const scale = 1 / size(axes.map((d) => x.shape[d]!));
  const vjp = (g: Tensor) => mul(broadcastTo(g, x.shape), scale);
  const reduced = axes.length === 0 ? unchanged("mean", x) : reduceNode("sum", x, axes, vjp, { name: "mean", scale });
  return finishReduction("mean", x, reduced, dimensions, options);
}

/**
 * The maximum over the given dimensions (default: all), NaN where an element is; where several elements share it, or several are NaN, they
 * share its gradient (as torch.max's of all elements; torch.amax's gradient of a NaN is NaN everywhere).
 */
export function max(x: Tensor, dimensions?: readonly number[], options: ReduceOptions = {}): Tensor {
  const axes = reducedAxes("max", x, dimensions);
  if (axes.length === 0) return finishReduction("max", x, unchanged("max", x), dimensions, options);
  const reduced = reduceNode("max", x, axes, (g, y) => {
    const hit = isMaximum(x, y);
    return mul(hit, div(g, sum(hit, axes, { keepDims: true })));
  });
  return finishReduction("max", x, reduced, dimensions, options);
}

/** log Σ exp over one dimension, which stays with size 1; the maximum is taken out first unless it is infinite, so nothing overflows. */
export const logSumExp = composite("logSumExp", (x: Tensor, dimension: number): Tensor => {
  const top = stopGradient(zeroIfInfinite(max(x, [dimension], { keepDims: true })));
  return add(log(sum(exp(sub(x, top)), [dimension], { keepDims: true })), top);
});
