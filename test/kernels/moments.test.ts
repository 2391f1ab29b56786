/**
 * Mean, variance and inverse deviation against float64, for kept dimensions anywhere in memory, short and in many parts; far from zero;
 * and where the first value of all is far from the others.
 */
import { afterAll, expect, it } from "vitest";
import type { LoopAxis } from "../../kernels/loops.js";
import { moments, MOMENTS_VARIANTS } from "../../kernels/moments.js";
import { noise } from "../tensor/noise.js";
import { device, run } from "./harness.js";

afterAll(async () => (await device()).destroy());

const EPSILON = 1e-3;

interface Pattern {
  /** Sizes from the slowest to the fastest dimension, and which of them are kept. */
  readonly sizes: readonly number[];
  readonly kept: readonly number[];
  readonly range?: [number, number];
  /** Every k's first value. */
  readonly first?: number;
  /** Of the standard error of float32 sums; default 1. */
  readonly slack?: number;
}

const patterns: Record<string, Pattern> = {
  "two values": { sizes: [2, 3], kept: [1] },
  "whole vectors of channels": { sizes: [40, 8], kept: [1] },
  "odd channels in parts": { sizes: [1500, 5], kept: [1] },
  "many parts of whole vectors": { sizes: [20_000, 4], kept: [1] },
  "more elements than parts can take": { sizes: [300_001, 1], kept: [1] },
  "channels last, passes apart": { sizes: [3, 700, 12], kept: [0, 2] },
  "channels in the middle": { sizes: [4, 6, 90], kept: [1] },
  rows: { sizes: [7, 333], kept: [0] },
  "far from zero": { sizes: [5000, 8], kept: [1], range: [1000, 1001], slack: 1000 },
  "a first value that is far from the others": { sizes: [6000, 4], kept: [1], range: [0, 1e-3], first: 5, slack: 200 },
};

it.each(Object.entries(patterns))("%s", async (name, { sizes, kept, range = [-1, 2], first, slack = 1 }) => {
  const strides = sizes.map((_, d) => sizes.slice(d + 1).reduce((a, b) => a * b, 1));
  const axis = (d: number): LoopAxis => ({ count: sizes[d]!, steps: [strides[d]!] });
  const all = sizes.map((_, d) => d);
  const reduced = all.filter((d) => !kept.includes(d));
  const count = kept.reduce((n, d) => n * sizes[d]!, 1);
  const x = noise(
    sizes.reduce((a, b) => a * b, 1),
    name,
    range,
  );
  const columnOf = (i: number) => kept.reduce((k, d) => k * sizes[d]! + (Math.floor(i / strides[d]!) % sizes[d]!), 0);
  const columns = Array.from({ length: count }, () => [] as number[]);
  x.forEach((value, i) => {
    const column = columns[columnOf(i)]!;
    if (first !== undefined && column.length === 0) x[i] = first;
    column.push(x[i] ?? value);
  });

  for (const variant of MOMENTS_VARIANTS) {
    const lowering = moments({ kept: kept.map(axis), reduced: reduced.map(axis), epsilon: EPSILON }, (await device()).traits, variant);
    const [mean, variance, inverse] = await run(lowering, [x], [count, count, count]);
    columns.forEach((values, k) => {
      const n = values.length;
      const exactMean = values.reduce((a, b) => a + b, 0) / n;
      const m2 = values.reduce((a, b) => a + (b - exactMean) ** 2, 0);
      const largest = Math.max(...values.slice(0, 1000).map(Math.abs));
      expect(Math.abs(mean![k]! - exactMean), variant).toBeLessThanOrEqual(2e-6 * largest);
      expect(Math.abs(variance![k]! / (m2 / (n - 1)) - 1), variant).toBeLessThanOrEqual(2e-5 * slack ** 0.5);
      expect(Math.abs(inverse![k]! * Math.sqrt(m2 / n + EPSILON) - 1), variant).toBeLessThanOrEqual(2e-5 * slack ** 0.5);
    });
  }
});

it.each(MOMENTS_VARIANTS)("gives the same bits again, %s", async (variant) => {
  const x = noise(30_000, "again");
  const problem = { kept: [{ count: 3, steps: [1] }], reduced: [{ count: 10_000, steps: [3] }], epsilon: EPSILON };
  const lowering = moments(problem, (await device()).traits, variant);
  const first = await run(lowering, [x], [3, 3, 3]);
  expect(await run(lowering, [x], [3, 3, 3])).toEqual(first);
});
