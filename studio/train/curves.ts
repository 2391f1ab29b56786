/** The curves of a run as charts take them: points by name, not more than an eye tells apart. */
import type { MetricsRecord } from "../../src/train/run/metrics-file.js";

export type Point = readonly [step: number, value: number];

/** Points by the scalar's name; "loss" is the text encoder's. */
export type CurvePoints = Readonly<Record<string, readonly Point[]>>;

const DRAWN = ["lossD", "lossG", "lossReal", "lossWrong", "lossFake", "real", "wrong", "fake"] as const;

/** Twice as many as a chart has pixels. */
const MOST = 1200;

/** The curves in the lines of metrics.jsonl. */
export function curvesOf(records: readonly MetricsRecord[]): CurvePoints {
  const curves: Record<string, Point[]> = {};
  for (const record of records) addStep(curves, record.stage, record.step, record);
  return Object.fromEntries(Object.entries(curves).map(([name, points]) => [name, thinned(points)]));
}

/** Adds a step's scalars to curves. */
export function addStep(curves: Record<string, Point[]>, stage: string, step: number, metrics: Readonly<Record<string, unknown>>): void {
  const names = stage === "GAN" ? DRAWN : stage === "text encoder" ? ["loss"] : [];
  for (const name of names) {
    const value = metrics[name];
    if (typeof value === "number") (curves[name] ??= []).push([step, value]);
  }
}

/** At most so many points; the last one always. */
export function thinned(points: readonly Point[], most = MOST): Point[] {
  if (points.length <= most) return [...points];
  const every = Math.ceil(points.length / most);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}
