/** A run's metrics as curves: read in parts, smoothed, and thinned to what a screen can show. */
import type { MetricsPart } from "../../src/train/run/summary.js";

export type Point = readonly [step: number, value: number];

/** Points that a curve is drawn of, about. */
const DRAWN = 2000;

/** Grows by parts; each growth is a new object, of which the points are shared. */
export class RunCurves {
  constructor(
    /** Which file the points are of, and the byte from which on to read. */
    readonly id = "",
    readonly next = 0,
    /** Bytes of the file when it was read to its end: the last line may have been half there. */
    readonly read = 0,
    /** By "stage/name", such as "GAN/lossD". */
    readonly points: ReadonlyMap<string, Point[]> = new Map(),
  ) {}

  with({ id, from, next, records }: MetricsPart): RunCurves {
    const points = new Map(from === 0 ? [] : this.points);
    for (const record of records)
      for (const [name, value] of Object.entries(record)) {
        // Null stands for what is not finite.
        if (name === "step" || (typeof value !== "number" && value !== null)) continue;
        const key = `${record.stage}/${name}`;
        const own = points.get(key) ?? [];
        own.push([record.step, value ?? NaN]);
        points.set(key, own);
      }
    return new RunCurves(id, next, next, points);
  }

  /** The same, of a file that is known to have so many bytes. */
  seen(listed: { readonly id: string; readonly size: number } | undefined): RunCurves {
    const size = listed?.id === this.id ? listed.size : 0;
    return new RunCurves(this.id, this.next, Math.max(this.next, size), this.points);
  }

  /** Whether it has a curve that is anything but 0. */
  isUsed(key: string): boolean {
    return this.points.get(key)?.some(([, value]) => value !== 0) ?? false;
  }

  /** A curve as it is drawn; empty where the run has none. @param smoothing Share of what was before, from 0 to less than 1. */
  curve(key: string, smoothing: number): Point[] {
    return thinned(smoothed(this.points.get(key) ?? [], smoothing), DRAWN);
  }
}

/** An exponential moving average that begins unbiased, as an average of the values there are. */
export function smoothed(points: readonly Point[], share: number): readonly Point[] {
  if (share <= 0) return points;
  let [sum, weight] = [0, 0];
  return points.map(([step, value]) => {
    if (!Number.isFinite(value)) return [step, value];
    sum = share * sum + value;
    weight = share * weight + 1;
    return [step, sum / weight];
  });
}

/** At most so many points, about: of each stretch the least and the greatest, so that no peak is lost; the last one stays. */
export function thinned(points: readonly Point[], most: number): Point[] {
  if (points.length <= most) return [...points];
  const length = Math.ceil(points.length / (most / 2));
  const kept: Point[] = [];
  for (let at = 0; at < points.length; at += length) {
    const stretch = points.slice(at, at + length);
    let [low, high] = [0, 0];
    for (const [i, [, value]] of stretch.entries()) {
      // What is no number shows as a gap.
      if (Number.isNaN(value)) low = high = i;
      if (value < stretch[low]![1]) low = i;
      if (value > stretch[high]![1]) high = i;
    }
    const [first, second] = low < high ? [low, high] : [high, low];
    kept.push(stretch[first]!);
    if (second !== first) kept.push(stretch[second]!);
  }
  if (kept.at(-1) !== points.at(-1)) kept.push(points.at(-1)!);
  return kept;
}
