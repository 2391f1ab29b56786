/**
 * Reductions, both variants, against float64 sums, within the error bound of a float32 sum of n terms: 4 (√n + 4) 2^-24 Σ|term|.
 * Kept and reduced dimensions in every arrangement, short and long, whole vectors and single elements.
 */
import { afterAll, describe, expect, it } from "vitest";
import type { LoopAxis } from "../../kernels/loops.js";
import { reduce, type ReduceProblem, REDUCE_VARIANTS } from "../../kernels/reduce.js";
import { noise } from "../tensor/noise.js";
import { device, run } from "./harness.js";

afterAll(async () => (await device()).destroy());

interface Pattern {
  /** Sizes from the slowest to the fastest dimension, and which of them are reduced. */
  readonly sizes: readonly number[];
  readonly reduced: readonly number[];
  readonly combine?: "sum" | "max";
  readonly scale?: number;
  /** Dimensions along which a second operand, a factor, moves; elsewhere it is stretched. */
  readonly factor?: readonly number[];
  /** Also the squares of the terms, halved, in the same pass. */
  readonly squares?: boolean;
}

const patterns: Record<string, Pattern> = {
  "rows of whole vectors": { sizes: [3, 512], reduced: [1] },
  "odd rows": { sizes: [5, 301], reduced: [1], squares: true },
  "rows of one vector": { sizes: [70, 4], reduced: [1], scale: 0.25 },
  "columns of whole vectors": { sizes: [100, 8], reduced: [0], squares: true },
  "odd columns": { sizes: [300, 5], reduced: [0], scale: 1 / 300 },
  "more columns than a workgroup": { sizes: [9, 1000], reduced: [0] },
  "one long row": { sizes: [100_000], reduced: [0] },
  "two long odd rows": { sizes: [2, 100_001], reduced: [1], scale: 1 / 100_001, squares: true },
  "long columns": { sizes: [50_000, 4], reduced: [0], squares: true },
  "long odd columns": { sizes: [20_011, 3], reduced: [0], squares: true },
  "channels of images, channels last": { sizes: [4, 900, 12], reduced: [0, 1] },
  "channels of images, rows": { sizes: [6, 5, 700], reduced: [0, 2], squares: true },
  "a dimension in the middle": { sizes: [5, 60, 12], reduced: [1] },
  "outer and inner, odd": { sizes: [4, 33, 7], reduced: [0, 2] },
  "a product with a row": { sizes: [40, 16], reduced: [1], factor: [1] },
  "a product with a column": { sizes: [40, 16], reduced: [1], factor: [0] },
  "columns of a product": { sizes: [300, 8], reduced: [0], factor: [1], squares: true },
  "rows of a transposed product": { sizes: [12, 8], reduced: [1], factor: [1, 0], squares: true },
  "maxima of rows": { sizes: [3, 301], reduced: [1], combine: "max" },
  "maxima of whole vectors": { sizes: [3, 512], reduced: [1], combine: "max" },
  "maxima of long columns": { sizes: [20_000, 4], reduced: [0], combine: "max", squares: true },
};

/** Strides of an operand that moves along `dimensions` (its own, from slowest to fastest) and is stretched along the others. */
function stridesOver(sizes: readonly number[], dimensions: readonly number[]): number[] {
  const strides = sizes.map(() => 0);
  let step = 1;
  for (const d of [...dimensions].reverse()) {
    strides[d] = step;
    step *= sizes[d]!;
  }
  return strides;
}

function setUp(name: string, { sizes, reduced, combine = "sum", scale = 1, factor, squares }: Pattern) {
  const operands = [sizes.map((_, d) => d), ...(factor ? [factor] : [])];
  const strides = operands.map((dimensions) => stridesOver(sizes, dimensions));
  const axis = (d: number): LoopAxis => ({ count: sizes[d]!, steps: strides.map((s) => s[d]!) });
  const all = sizes.map((_, d) => d);
  const kept = all.filter((d) => !reduced.includes(d));
  const problem: ReduceProblem = {
    ...{ name, combine, scales: squares ? [scale, 0.5] : [scale], bindings: operands.length, rows: reduced.includes(sizes.length - 1) },
    ...{ kept: kept.map(axis), reduced: reduced.map(axis), loads: operands.map((_, i) => ({ binding: i, operand: i })) },
    bodies: (args) => ({ statements: `let term = ${args.join(" * ")};`, values: squares ? ["term", "term * term"] : ["term"] }),
  };
  const length = (dimensions: readonly number[]) => dimensions.reduce((n, d) => n * sizes[d]!, 1);
  // Negative numbers only, for maxima: a forgotten element then shows, as does a zero.
  const inputs = operands.map((dimensions, i) => noise(length(dimensions), `${name} ${i}`, combine === "max" ? [-9, -1] : [-1, 1.5]));
  return { problem, inputs, strides, kept, size: length(kept) };
}

/** Of the terms to a power, times a factor. */
function reference(
  { sizes, combine = "sum" }: Pattern,
  { inputs, strides, kept, size }: ReturnType<typeof setUp>,
  power: number,
  scale: number,
) {
  const value = new Float64Array(size).fill(combine === "sum" ? 0 : -Infinity);
  const magnitude = new Float64Array(size);
  const places = stridesOver(sizes, kept);
  const index = sizes.map(() => 0);
  const count = sizes.reduce((a, b) => a * b, 1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    for (let d = sizes.length - 1; d >= 0; d--) {
      index[d] = rest % sizes[d]!;
      rest = Math.floor(rest / sizes[d]!);
    }
    const at = (s: readonly number[]) => index.reduce((place, n, d) => place + n * s[d]!, 0);
    const term = inputs.reduce((product, x, operand) => product * x[at(strides[operand]!)]!, 1) ** power;
    const to = at(places);
    value[to] = combine === "sum" ? value[to]! + term : Math.max(value[to]!, term);
    magnitude[to]! += Math.abs(term);
  }
  const n = count / size;
  const bound = magnitude.map((m) => (combine === "max" && power === 1 ? 0 : 4 * (Math.sqrt(n) + 4) * 2 ** -24 * m * scale));
  return { value: value.map((v) => v * scale), bound };
}

describe.each(REDUCE_VARIANTS)("%s", (variant) => {
  for (const [name, pattern] of Object.entries(patterns)) {
    it(name, async () => {
      const given = setUp(name, pattern);
      const { traits } = await device();
      const { scales } = given.problem;
      const results = await run(
        reduce(given.problem, traits, variant),
        given.inputs,
        scales.map(() => given.size),
      );
      scales.forEach((scale, i) => {
        const { value, bound } = reference(pattern, given, i + 1, scale);
        for (const [k, exact] of value.entries()) {
          const found = results[i]![k]!;
          if (!(Math.abs(found - exact) <= bound[k]!))
            expect.fail(`result ${i}, element ${k} is ${found}, should be ${exact} ± ${bound[k]}`);
        }
      });
    });
  }

  it("gives the same bits again", async () => {
    const given = setUp("again", { sizes: [30_000, 3], reduced: [0] });
    const lowering = reduce(given.problem, (await device()).traits, variant);
    const [first] = await run(lowering, given.inputs, [given.size]);
    for (let i = 0; i < 3; i++) expect((await run(lowering, given.inputs, [given.size]))[0]).toEqual(first);
  });
});
