/** The room Runs, what it reckons: curves from parts of a file, smoothing, thinning, and what differs between runs. */
import { expect, it } from "vitest";
import { optionRows } from "../../studio/runs/differences.js";
import { drawn, type Point, RunCurves } from "../../studio/runs/run-curves.js";
import type { MetricsPart } from "../../src/train/run/summary.js";

const part = (id: string, from: number, next: number, steps: readonly number[]): MetricsPart => ({
  ...{ id, from, next, end: true },
  records: steps.map((step) => ({ stage: "GAN", step, lossD: 10 * step, note: "a text", wrong: 0, lossG: step === 2 ? null : 1 })),
});

it("curves grow by parts, begin anew with another file, and leave a gap where a number was not finite", () => {
  let curves = new RunCurves().with(part("a", 0, 50, [1, 2]));
  curves = curves.with(part("a", 50, 80, [3]));
  expect(curves.curve("GAN/lossD", 0)).toEqual([
    [1, 10],
    [2, 20],
    [3, 30],
  ]);
  expect(curves.curve("GAN/lossG", 0)).toEqual([
    [1, 1],
    [2, NaN],
    [3, 1],
  ]);
  expect([...curves.points.keys()]).toEqual(["GAN/lossD", "GAN/wrong", "GAN/lossG"]);
  expect([curves.isUsed("GAN/lossD"), curves.isUsed("GAN/wrong"), curves.isUsed("GAN/real")]).toEqual([true, false, false]);
  const resumed = curves.with(part("b", 0, 20, [1]));
  expect([resumed.id, resumed.next, resumed.curve("GAN/lossD", 0)]).toEqual(["b", 20, [[1, 10]]]);
});

it("a last line that is half there is not asked for again and again, and not forgotten", () => {
  const curves = new RunCurves().with(part("a", 0, 50, [1]));
  expect(curves.seen({ id: "a", size: 60 })).toMatchObject({ next: 50, read: 60 });
  // The list spoke of an older file, or of less than was read.
  expect(curves.seen({ id: "b", size: 900 })).toMatchObject({ next: 50, read: 50 });
  expect(curves.seen({ id: "a", size: 10 })).toMatchObject({ next: 50, read: 50 });
});

it("smoothing is an average of what was before, unbiased from the first step on", () => {
  const points: Point[] = [1, 3, 5].map((value, step) => [step, value]);
  expect(drawn(points, 0, 10)).toEqual(points);
  const [first, second, third] = drawn(points, 0.5, 10).map(([, value]) => value);
  expect(first).toBe(1);
  expect(second).toBeCloseTo((0.5 * 1 + 3) / 1.5, 12);
  expect(third).toBeCloseTo((0.25 * 1 + 0.5 * 3 + 5) / 1.75, 12);
  // A gap stays one, and spoils nothing after it.
  const gaps: Point[] = [1, NaN, 1].map((value, step) => [step, value]);
  const gap = drawn(gaps, 0.5, 10).map(([, value]) => value);
  expect(gap).toEqual([1, NaN, 1]);
});

it("thinning keeps peaks, gaps and the last point", () => {
  const points = Array.from({ length: 10_000 }, (_, i): Point => [i, i === 4321 ? 99 : i === 7000 ? -99 : i === 8000 ? NaN : Math.sin(i)]);
  const kept = drawn(points, 0, 200);
  expect(kept.length).toBeLessThanOrEqual(202);
  for (const at of [4321, 7000, 8000, 9999]) expect(kept.some(([step]) => step === at)).toBe(true);
  expect(kept.map(([step]) => step)).toEqual(kept.map(([step]) => step).sort((a, b) => a - b));
  const known = new Map(points);
  expect(kept.every(([step, value]) => Object.is(known.get(step), value))).toBe(true);
  expect(drawn(points.slice(0, 200), 0, 200)).toEqual(points.slice(0, 200));
});

it("options of runs side by side tell what differs, among runs of one command also what only one has", () => {
  const run = (options: object, command: "train" | "train-style" = "train") => ({
    ...{ command, options: { ...options }, about: { adapter: "a" } },
  });
  const rows = optionRows([
    run({ learningRate: 0.001, residual: true, batch: 8 }),
    run({ learningRate: 0.002, residual: true, infoWeight: null }),
  ]);
  expect(rows).toEqual([
    { name: "--learning-rate", values: ["0.001", "0.002"], differs: true },
    { name: "--residual", values: ["on", "on"], differs: false },
    { name: "--batch", values: ["8", "–"], differs: true },
    { name: "--info-weight", values: ["–", "–"], differs: false },
    { name: "adapter", values: ["a", "a"], differs: false },
  ]);
  const mixed = optionRows([run({ steps: 5, batch: 8 }), run({ steps: 6 }, "train-style")]);
  expect(mixed.filter(({ differs }) => differs).map(({ name }) => name)).toEqual(["--steps"]);
});
