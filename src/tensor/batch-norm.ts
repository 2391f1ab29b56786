/**
 * Batch normalisation (Ioffe and Szegedy 2015) per channel of [N, C] or [N, C, H, W].
 *
 *   x̂ = (x − μ)·σ⁻¹,   y = γ·x̂ + β,   σ² = E(x − μ)² + ε    (two passes: no cancellation)
 *
 * Its derivative is written out, since that of the composition would pass over memory twice as often:
 *   dβ = Σ g,   dγ = Σ g·x̂,   dx = γ·σ⁻¹·(g − dβ/n − x̂·dγ/n)
 */
import { ShapeError } from "../errors.js";
import { broadcastTo, sum } from "./broadcast.js";
import { add, mul, rsqrt, square, sub } from "./elementwise.js";
import { reshape } from "./layout.js";
import { mean as average } from "./reduce.js";
import { Tensor } from "./tensor.js";

/** dx above, as one expression of tensors and per-channel sums. */
function centre(g: Tensor, dBias: Tensor, normalized: Tensor, dWeight: Tensor, scale: Tensor, n: number): Tensor {
  const spread = (t: Tensor) => broadcastTo(t, g.shape);
  const gradient = sub(g, mul(add(spread(dBias), mul(normalized, spread(dWeight))), 1 / n));
  return mul(gradient, scale);
}

export interface BatchNormResult {
  readonly y: Tensor;
  /** Batch mean [C]. */
  readonly mean: Tensor;
  /** Batch variance [C], unbiased (divided by n − 1) as running statistics want it. */
  readonly variance: Tensor;
}

function perChannel(operation: string, x: Tensor, ...parameters: Tensor[]) {
  if ((x.rank !== 2 && x.rank !== 4) || parameters.some((p) => p.rank !== 1 || p.size !== x.shape[1])) {
    throw new ShapeError(`${operation}: ${x.toString()} with ${parameters.map(String).join(", ")}`);
  }
  const shape = x.shape.map((n, d) => (d === 1 ? n : 1));
  return { spread: (t: Tensor) => reshape(t, shape), axes: x.shape.flatMap((_, d) => (d === 1 ? [] : [d])) };
}

/** The last step of both forms as one node: (x − shift)·scale + bias. */
const affine = (x: Tensor, shift: Tensor, scale: Tensor, bias: Tensor, options: ConstructorParameters<typeof Tensor>[4]): Tensor =>
  new Tensor(
    "batchNorm",
    x.shape,
    { kind: "map", cheap: true, expression: (a, m, s, b) => `((${a} - ${m}) * ${s} + ${b})` },
    [x, shift, scale, bias],
    options,
  );

/**
 * Normalises by the batch's own statistics (training).
 * @param x [N, C] or [N, C, H, W]
 * @param weight γ [C]
 * @param bias β [C]
 * @throws ShapeError; also for a single value a channel, whose variance says nothing.
 */
export function batchNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon = 1e-5): BatchNormResult {
  const { spread, axes } = perChannel("batchNorm", x, weight, bias);
  const n = x.size / x.shape[1]!;
  if (n < 2) throw new ShapeError(`batchNorm: ${x.toString()} has one value a channel; training needs at least two`);
  const mean = average(x, axes, { keepDims: true });
  const variance = average(square(sub(x, mean)), axes, { keepDims: true });
  const inverse = rsqrt(add(variance, epsilon));
  const scale = mul(inverse, spread(weight));
  const y = affine(x, mean, scale, spread(bias), {
    order: x.order,
    sources: [x, weight, bias],
    vjp: (g) => {
      const normalized = mul(sub(x, mean), inverse);
      const dBias = sum(g, axes, { keepDims: true });
      const dWeight = sum(mul(g, normalized), axes, { keepDims: true });
      const dx = centre(g, dBias, normalized, dWeight, scale, n);
      return [dx, reshape(dWeight, weight.shape), reshape(dBias, bias.shape)];
    },
  });
  return { y, mean: reshape(mean, weight.shape), variance: reshape(mul(variance, n / (n - 1)), weight.shape) };
}

/** Normalises by running statistics, [C] each (evaluation). */
export function batchNormInference(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon = 1e-5): Tensor {
  const { spread } = perChannel("batchNormInference", x, weight, bias, mean, variance);
  const scale = mul(rsqrt(add(spread(variance), epsilon)), spread(weight));
  return add(mul(sub(x, spread(mean)), scale), spread(bias));
}
