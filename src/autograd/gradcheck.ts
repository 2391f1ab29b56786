/**
 * A check of `grad` for anyone's function: the derivative along random directions, once as <gradient, direction> and once as the
 * difference of the function's values at both ends of a small step.
 *
 * Everything runs in float32 on the GPU, so the step must be large (rounding errors of the values are divided by it) and the tolerance
 * is a few per cent: it finds a wrong sign, a lost term or a swapped index, not a lost digit. Functions with kinks (relu, maximum)
 * fail where a step crosses one.
 */
import { requireNumber, requireOptions } from "../arguments.js";
import { ShapeError, UserError } from "../errors.js";
import type { Device } from "../gpu/device.js";
import { compile } from "../tensor/compile.js";
import { format, type Shape, size } from "../tensor/shape.js";
import { input, type Tensor } from "../tensor/tensor.js";
import { grad } from "./grad.js";

/** A point at which a function's gradient is checked, one input of it. */
export interface GradcheckInput {
  readonly shape: Shape;
  /** Row-major values of the point where the gradient is checked. */
  readonly values: ArrayLike<number>;
}

/** How densely and how strictly `gradcheck` looks. */
export interface GradcheckOptions {
  /** Random directions tried for each input (default 3). */
  readonly directions?: number;
  /** Half the length of the step along each coordinate (default 1e-2). */
  readonly epsilon?: number;
  /** Allowed difference, relative to the gradient's norm, which is the size a random direction's derivative has (default 2e-2). */
  readonly tolerance?: number;
  readonly seed?: number;
}

/** What `gradcheck` compared. */
export interface GradcheckReport {
  /** Derivatives compared. */
  readonly checked: number;
  /** The largest difference found, relative as `tolerance` is. */
  readonly worst: number;
}

/** A generator of 32-bit numbers (xorshift), good enough to pick directions. */
function bits(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b9) ^ 0x6a09e667) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
};

const norm = (a: ArrayLike<number>): number => Math.sqrt(dot(a, a));

/**
 * Compares the gradient of f's result, weighted at random, with differences along random directions, for each input by itself.
 * @param f From tensors of the inputs' shapes to a tensor of any shape.
 * @returns How many derivatives were compared, and the largest relative difference.
 * @throws UserError naming the input, both derivatives and the tolerance when they differ by more; ShapeError for a wrong number of values.
 */
export async function gradcheck(
  device: Device,
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly GradcheckInput[],
  options: GradcheckOptions = {},
): Promise<GradcheckReport> {
  requireOptions("gradcheck", options, ["directions", "epsilon", "tolerance", "seed"]);
  const { directions = 3, epsilon = 1e-2, tolerance = 2e-2, seed = 1 } = options;
  requireNumber("gradcheck", "directions", directions, { whole: true, least: 1 });
  requireNumber("gradcheck", "epsilon", epsilon, { least: Number.MIN_VALUE });
  requireNumber("gradcheck", "tolerance", tolerance, { least: 0 });
  requireNumber("gradcheck", "seed", seed, { whole: true });
  inputs.forEach(({ shape, values }, i) => {
    if (values.length !== size(shape)) throw new ShapeError(`gradcheck: ${values.length} values for input ${i} of shape ${format(shape)}`);
  });
  const next = bits(seed);
  const signs = (count: number) => Float32Array.from({ length: count }, () => ((next() >>> 16) & 1 ? 1 : -1));
  let results = 0;
  const program = await compile(device, () => {
    const tensors = inputs.map(({ shape }, i) => input(`input ${i}`, shape));
    const y = f(...tensors);
    results = y.size;
    const weights = input("weights", y.shape);
    const gradients = grad(y, tensors, weights).map((g, i) => [`gradient ${i}`, g] as const);
    return { y, weights, ...Object.fromEntries([...tensors.map((t, i) => [`input ${i}`, t] as const), ...gradients]) } as Record<
      string,
      Tensor
    >;
  });
  try {
    const weights = signs(results);
    const point = Object.fromEntries(inputs.map(({ values }, i) => [`input ${i}`, Float32Array.from(values)]));
    const { y, ...rest } = await program.run({ weights, ...point });
    // A value is right to about 2^-24 of itself and of the terms it was made of: a few times that may show up in a difference of two.
    const noise = 16 * 2 ** -24 * norm(y!);
    let [checked, worst] = [0, 0];
    for (const [i, { values }] of inputs.entries()) {
      const gradient = rest[`gradient ${i}`]!;
      for (let k = 0; k < directions; k++) {
        const direction = signs(values.length);
        const [up, down] = [epsilon, -epsilon].map((h) => direction.map((d, j) => values[j]! + h * d)) as [Float32Array, Float32Array];
        const above = (await program.run({ ...point, [`input ${i}`]: up })).y!;
        const below = (await program.run({ ...point, [`input ${i}`]: down })).y!;
        // The step as it was really made: the ends are rounded to float32.
        const step = Float64Array.from(up, (u, j) => u - down[j]!);
        const numeric = dot(
          weights,
          Float64Array.from(above, (v, o) => v - below[o]!),
        );
        const analytic = dot(gradient, step);
        const scale = Math.max(norm(gradient) * 2 * epsilon, Math.abs(numeric));
        const difference = Math.abs(numeric - analytic);
        if (!(difference <= tolerance * scale + noise)) {
          const [slope, found] = [analytic / (2 * epsilon), numeric / (2 * epsilon)];
          throw new UserError(
            `gradcheck: input ${i} ${format(inputs[i]!.shape)}: the gradient says ${slope.toPrecision(6)} along a direction, differences say ` +
              `${found.toPrecision(6)} (tolerance ${((tolerance * scale + noise) / (2 * epsilon)).toPrecision(3)})`,
          );
        }
        checked++;
        worst = Math.max(worst, scale > 0 ? Math.max(0, difference - noise) / scale : 0);
      }
    }
    return { checked, worst };
  } finally {
    program.destroy();
  }
}
