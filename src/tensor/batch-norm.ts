/**
 * Batch normalisation (Ioffe and Szegedy 2015) per channel.
 *
 *   x̂ = (x − μ)·σ⁻¹,   y = γ·x̂ + β,   σ² = E(x − μ)² + ε
 *
 * One pass over x for its moments, one that writes y, into which an activation is fused. The derivative is written out, since that of
 * the composition would pass over memory more often; one pass makes both sums, one writes dx:
 *   dβ = Σ g,   dγ = Σ g·x̂,   dx = γ·σ⁻¹·(g − dβ/n − x̂·dγ/n)
 */
import { ShapeError } from "../errors.js";
import { broadcastTo, sum, sumTo } from "./broadcast.js";
import { add, mul, rsqrt, sub } from "./elementwise.js";
import { reshape } from "./layout.js";
import { moments } from "./moments.js";
import { Tensor } from "./tensor.js";

export interface BatchNormResult {
  readonly y: Tensor;
  /** Batch mean [C], or [P, C] of P passes. */
  readonly mean: Tensor;
  /** Batch variance, unbiased (divided by n − 1) as running statistics want it. */
  readonly variance: Tensor;
}

/** Where the channels of x are, how a vector [C] is spread over it, and which dimensions have statistics of their own. */
function perChannel(operation: string, x: Tensor, ...parameters: Tensor[]) {
  const channel = x.rank % 2 === 0 ? 1 : 2;
  if (x.rank < 2 || x.rank > 5 || parameters.some((p) => p.rank !== 1 || p.size !== x.shape[channel])) {
    throw new ShapeError(`${operation}: ${x.toString()} with ${parameters.map(String).join(", ")}`);
  }
  const shape = x.shape.map((n, d) => (d === channel ? n : 1));
  return { spread: (t: Tensor) => reshape(t, shape), kept: channel === 1 ? [1] : [0, 2] };
}

/** The last step as one node: (x − μ)·(σ⁻¹·γ) + β. */
const affine = (inputs: readonly [Tensor, Tensor, Tensor, Tensor, Tensor], options: ConstructorParameters<typeof Tensor>[4]): Tensor =>
  new Tensor(
    "batchNorm",
    inputs[0].shape,
    { kind: "map", cheap: true, expression: (x, mean, inverse, weight, bias) => `((${x} - ${mean}) * (${inverse} * ${weight}) + ${bias})` },
    inputs,
    options,
  );

/**
 * Normalises by the batch's own statistics (training).
 * @param x [N, C] or [N, C, H, W]; or [P, N, C] or [P, N, C, H, W]: P passes through one network, each with statistics of its own.
 * @param weight γ [C]
 * @param bias β [C]
 * @throws ShapeError; also for a single value a channel, whose variance says nothing.
 */
export function batchNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon = 1e-5): BatchNormResult {
  const { spread, kept } = perChannel("batchNorm", x, weight, bias);
  const axes = x.shape.flatMap((_, d) => (kept.includes(d) ? [] : [d]));
  const statistics = kept.map((d) => x.shape[d]!);
  const n = x.size / statistics.reduce((a, b) => a * b, 1);
  if (n < 2) throw new ShapeError(`batchNorm: ${x.toString()} has one value a channel; training needs at least two`);
  const { mean, variance, inverse } = moments(x, kept, epsilon);
  const [gamma, beta] = [spread(weight), spread(bias)];
  const y = affine([x, mean, inverse, gamma, beta], {
    order: x.order,
    sources: [x, weight, bias],
    vjp: (g) => {
      const normalized = mul(sub(x, mean), inverse);
      const dBias = sum(g, axes, { keepDims: true });
      const dWeight = sum(mul(g, normalized), axes, { keepDims: true });
      const over = (t: Tensor) => mul(broadcastTo(t, x.shape), 1 / n);
      // One factor after the other: their product would be a kernel of its own.
      const dx = mul(mul(sub(g, add(over(dBias), mul(normalized, over(dWeight)))), inverse), gamma);
      return [dx, reshape(sumTo(dWeight, gamma.shape), weight.shape), reshape(sumTo(dBias, beta.shape), bias.shape)];
    },
  });
  return { y, mean: reshape(mean, statistics), variance: reshape(variance, statistics) };
}

/** Normalises by running statistics, [C] each (evaluation). */
export function batchNormInference(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon = 1e-5): Tensor {
  const { spread } = perChannel("batchNormInference", x, weight, bias, mean, variance);
  const scale = mul(rsqrt(add(spread(variance), epsilon)), spread(weight));
  return add(mul(sub(x, spread(mean)), scale), spread(bias));
}
