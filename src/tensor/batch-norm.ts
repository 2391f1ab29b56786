/**
 * Batch normalisation (Ioffe and Szegedy 2015) per channel.
 *
 *   x̂ = (x − μ)·σ⁻¹,   y = γ·x̂ + β,   σ² = E(x − μ)² + ε
 *
 * One pass over x for its moments, one that writes y, into which an activation is fused. The derivative is written out, since that of
 * the composition would pass over memory more often; one pass makes both sums, one writes dx:
 *   dβ = Σ g,   dγ = Σ g·x̂,   dx = γ·σ⁻¹·(g − dβ/n − x̂·dγ/n)
 */
import { requireChoice, requireNumber, requireOptions, within } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { broadcastTo, sum, sumTo } from "./broadcast.js";
import { add, mul, rsqrt, sub } from "./elementwise.js";
import { reshape } from "./layout.js";
import { moments } from "./moments.js";
import { Tensor } from "./tensor.js";

/** What was normalised, with the statistics that did it. */
export interface BatchNormResult {
  readonly y: Tensor;
  /** Batch mean [C], or [P, C] of P passes. */
  readonly mean: Tensor;
  /** Batch variance, unbiased (divided by n − 1) as running statistics want it. */
  readonly variance: Tensor;
}

/** Whose statistics normalise which rows. */
export interface BatchNormOptions {
  /** The first dimension counts passes through one network, each with statistics of its own; default false. */
  readonly passes?: boolean;
}

/** Where the channels of x are, how a vector [C] is spread over it, and which dimensions have statistics of their own. */
function perChannel(operation: string, x: Tensor, epsilon: number, options: BatchNormOptions, ...parameters: Tensor[]) {
  requireNumber(operation, "epsilon", epsilon, { least: 0 });
  requireOptions(operation, options, ["passes"]);
  const { passes = false } = options;
  requireChoice(operation, "passes", passes, [true, false]);
  const channel = passes ? 2 : 1;
  if (x.rank <= channel || parameters.some((p) => p.rank !== 1 || p.size !== x.shape[channel])) {
    const wants = passes ? "[P, N, C, ...]" : "[N, C, ...]";
    throw new ShapeError(`${operation}: ${x.toString()} with ${parameters.map(String).join(", ")}: wants ${wants} with [C] each`);
  }
  const shape = x.shape.map((n, d) => (d === channel ? n : 1));
  return { spread: (t: Tensor) => reshape(t, shape), kept: channel === 1 ? [1] : [0, 2] };
}

/** The last step as one node: (x − μ)·(σ⁻¹·γ) + β. */
const affine = (inputs: readonly [Tensor, Tensor, Tensor, Tensor, Tensor], options: ConstructorParameters<typeof Tensor>[4]): Tensor =>
  new Tensor(
    "batchNorm",
    inputs[0].shape,
    {
      kind: "map",
      cheap: true,
      rereadBackward: true,
      expression: (x, mean, inverse, weight, bias) => `((${x} - ${mean}) * (${inverse} * ${weight}) + ${bias})`,
    },
    inputs,
    options,
  );

/**
 * Normalises by the batch's own statistics (training), as PyTorch's BatchNorm1d, 2d and 3d.
 * @param x [N, C], [N, C, L], [N, C, H, W] ...; with `passes` [P, N, C], [P, N, C, H, W] ...
 * @param weight γ [C]
 * @param bias β [C]
 * @throws ShapeError; also for a single value a channel, whose variance says nothing.
 */
export function batchNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon = 1e-5, options: BatchNormOptions = {}): BatchNormResult {
  return within("batchNorm", () => normalise(x, weight, bias, epsilon, options));
}

function normalise(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number, options: BatchNormOptions): BatchNormResult {
  const { spread, kept } = perChannel("batchNorm", x, epsilon, options, weight, bias);
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

/**
 * Normalises by running statistics, [C] each (evaluation).
 * @param x As in `batchNorm`.
 * @throws ShapeError
 */
export function batchNormInference(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon = 1e-5,
  options: BatchNormOptions = {},
): Tensor {
  return within("batchNormInference", () => {
    const { spread } = perChannel("batchNormInference", x, epsilon, options, weight, bias, mean, variance);
    const scale = mul(rsqrt(add(spread(variance), epsilon)), spread(weight));
    return add(mul(sub(x, spread(mean)), scale), spread(bias));
  });
}
