/**
 * Sums, means and moments of up to 2^25 equal or random positive numbers, every variant: off by a millionth at most of float64's. Each sum in
 * one row would be off by 1e-5 and more.
 */
import { afterAll, describe, expect, it } from "vitest";
import { type GatherShape, scatter } from "../../kernels/gather.js";
import { type LoopAxis, total } from "../../kernels/loops.js";
import { moments, MOMENTS_VARIANTS } from "../../kernels/moments.js";
import { reduce, REDUCE_VARIANTS } from "../../kernels/reduce.js";
import { noise } from "../tensor/noise.js";
import { device, run } from "./harness.js";

afterAll(async () => (await device()).destroy());

const MOST = 1e-6;

interface Pattern {
  /** Sizes from the slowest to the fastest dimension, and which of them are reduced. */
  readonly sizes: readonly number[];
  readonly reduced: readonly number[];
}

const patterns: Record<string, Pattern> = {
  "a sum of 250 x 250": { sizes: [250, 250], reduced: [0, 1] },
  "a sum of 4500 x 4500": { sizes: [4500 * 4500], reduced: [0] },
  "2^25 in one row": { sizes: [2 ** 25], reduced: [0] },
  "the first axis": { sizes: [2 ** 18 + 1, 4], reduced: [0] },
  "the first axis, odd": { sizes: [70_001, 3], reduced: [0] },
  "the axis in the middle": { sizes: [2, 70_000, 4], reduced: [1] },
  "the last axis": { sizes: [3, 2 ** 17 + 5], reduced: [1] },
  "the last axis, whole vectors": { sizes: [4, 2 ** 18], reduced: [1] },
  "the outer axes": { sizes: [300, 5, 700], reduced: [0, 2] },
  "short rows": { sizes: [1000, 1000], reduced: [1] },
  "rows of one block and some": { sizes: [1000, 257], reduced: [1] },
  "rows shorter than a part": { sizes: [4000, 127], reduced: [1] },
  "short columns": { sizes: [200, 1004], reduced: [0] },
  "few rows": { sizes: [17, 1003], reduced: [0] },
};

const VALUES = [0.1, 1.23456, 0.6931];

function fill(kind: string, count: number): Float32Array[] {
  if (kind === "random") return [noise(count, kind, [0, 1])];
  // Long ones once, for time's sake.
  return VALUES.slice(0, count > 2 ** 22 ? 1 : VALUES.length).map((value) => new Float32Array(count).fill(value));
}

function setUp({ sizes, reduced }: Pattern) {
  const strides = sizes.map((_, d) => sizes.slice(d + 1).reduce((a, b) => a * b, 1));
  const axis = (d: number): LoopAxis => ({ count: sizes[d]!, steps: [strides[d]!] });
  const all = sizes.map((_, d) => d);
  const kept = all.filter((d) => !reduced.includes(d)).map(axis);
  return { kept, reduced: reduced.map(axis), rows: reduced.includes(sizes.length - 1) };
}

/** Where the kept loops begin in memory, in their order, and how far from there the reduced ones go. */
function offsets(axes: readonly LoopAxis[]): Float64Array {
  let places = Float64Array.of(0);
  for (const { count, steps } of axes) {
    const from = places;
    places = new Float64Array(from.length * count);
    from.forEach((place, i) => {
      for (let n = 0; n < count; n++) places[i * count + n] = place + n * steps[0]!;
    });
  }
  return places;
}

/** Mean and the mean of squared deviations from it of each kept place. */
function exactly(x: Float32Array, kept: readonly LoopAxis[], reduced: readonly LoopAxis[]) {
  const steps = offsets(reduced);
  return Array.from(offsets(kept), (place) => {
    let [sum, squares] = [0, 0];
    const first = x[place]!;
    for (const step of steps) {
      const d = x[place + step]! - first;
      sum += d;
      squares += d * d;
    }
    const n = steps.length;
    return { mean: first + sum / n, deviation: squares / n - (sum / n) ** 2, n };
  });
}

function expectNear(found: number, exact: number, label: string, most = MOST): void {
  const error = Math.abs(found - exact);
  if (!(error <= most * Math.abs(exact))) expect.fail(`${label} is ${found}, should be ${exact}: off by ${error / Math.abs(exact)}`);
}

describe.each(Object.entries(patterns))("%s", (_, pattern) => {
  const { kept, reduced, rows } = setUp(pattern);
  const [columns, n] = [total(kept), total(reduced)];
  it.each(["equal", "random"])(
    "of %s numbers",
    async (kind) => {
      const { traits } = await device();
      for (const x of fill(kind, columns * n)) {
        const exact = exactly(x, kept, reduced);
        for (const variant of REDUCE_VARIANTS) {
          const problem = {
            ...{ name: "sum", combine: "sum" as const, scales: [1, 1 / n], kept, reduced, rows, loads: [{ binding: 0, operand: 0 }] },
            ...{ bindings: 1, bodies: ([x0]: readonly string[]) => ({ statements: `let twice = ${x0} * 2.0;`, values: ["twice", x0!] }) },
          };
          const [sums, means] = await run(reduce(problem, traits, variant), [x], [columns, columns]);
          exact.forEach(({ mean }, k) => {
            expectNear(sums![k]!, 2 * n * mean, `${variant}: sum ${k}`);
            expectNear(means![k]!, mean, `${variant}: mean ${k}`);
          });
        }
        for (const variant of MOMENTS_VARIANTS) {
          const lowering = moments({ kept, reduced, epsilon: 0.01 }, traits, variant);
          const [means, variances, inverses] = await run(lowering, [x], [columns, columns, columns]);
          exact.forEach(({ mean, deviation }, k) => {
            expectNear(means![k]!, mean, `${variant}: moments' mean ${k}`);
            expectNear(variances![k]!, (deviation * n) / (n - 1), `${variant}: variance ${k}`);
            expectNear(inverses![k]!, 1 / Math.sqrt(deviation + 0.01), `${variant}: inverse deviation ${k}`);
          });
        }
      }
    },
    120_000,
  );
});

/** Of a scatter, as of the product that it stands for. */
const MOST_PRODUCT = 4e-6;

/** Of more rows than are added up one after the other: in more parts where the table is small, in blocks where it is large. */
const tables: Record<string, GatherShape> = {
  "a table of 70, four columns": { batch: 4, length: 2 ** 15 + 2, values: 70, depth: 4, kernel: 3, base: 1 },
  "a table of 70, three columns": { batch: 2 ** 16 + 5, length: 1, values: 70, depth: 3, kernel: 1, base: 0 },
  "a table of three, a million rows": { batch: 2 ** 20, length: 1, values: 3, depth: 1, kernel: 1, base: 0 },
  "a table of 1000, four columns": { batch: 4, length: 2 ** 15 + 2, values: 1000, depth: 4, kernel: 3, base: 1 },
  "a table of 1000, three columns": { batch: 2 ** 16 + 5, length: 1, values: 1000, depth: 3, kernel: 1, base: 0 },
};

describe.each(Object.entries(tables))("the scatter of a look-up's gradient, %s", (_, shape) => {
  const { batch, length, values, depth, kernel, base } = shape;
  const steps = length - kernel + 1;
  it.each(["equal rows at one index", "random rows at random indices"])("%s", async (kind) => {
    const equal = kind.startsWith("equal");
    // Some indices lie outside the table and add nothing.
    const places = noise(batch * length, "places", [0, values + base + 1]);
    const index = Uint32Array.from(places, (place) => (equal ? base + 2 : Math.floor(place)));
    const g = equal ? new Float32Array(batch * steps * depth).fill(0.1) : noise(batch * steps * depth, "rows", [0, 1]);
    const exact = new Float64Array(kernel * values * depth);
    for (let row = 0; row < batch * steps; row++) {
      const [n, t] = [Math.floor(row / steps), row % steps];
      for (let j = 0; j < kernel; j++) {
        const v = index[n * length + t + j]! - base;
        if (v < 0 || v >= values) continue;
        for (let d = 0; d < depth; d++) exact[(j * values + v) * depth + d]! += g[row * depth + d]!;
      }
    }
    const [dw] = await run(scatter(shape), [new Float32Array(index.buffer), g], [exact.length]);
    exact.forEach((sum, i) => expectNear(dw![i]!, sum, `element ${i}`, MOST_PRODUCT));
  });
});
