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
    return drawn(this.points.get(key) ?? [], smoothing, DRAWN);
  }
}

/**
 * A curve smoothed, then thinned, in one pass, since it is done again whenever a long run has a new line.
 *
 * Smoothing is an exponential moving average that begins unbiased, as an average of the values there are. Of a curve of more than `most`
 * points each stretch keeps its least and its greatest, so that no peak is lost, a gap where it has one, and the end of the curve stays.
 */
export function drawn(points: readonly Point[], smoothing: number, most: number): Point[] {
  const length = points.length <= most ? 1 : Math.ceil(points.length / (most / 2));
  const kept: Point[] = [];
  let [sum, weight] = [0, 0];
  // Of the stretch: where the least and the greatest are, and what they are.
  let [low, high, least, greatest, gap] = [0, 0, Infinity, -Infinity, -1];
  for (let i = 0; i < points.length; i++) {
    const raw = points[i]![1];
    let value = raw;
    if (!Number.isFinite(raw)) gap = i;
    else {
      sum = smoothing * sum + raw;
      weight = smoothing * weight + 1;
      value = sum / weight;
      if (value < least) {
        low = i;
        least = value;
      }
      if (value > greatest) {
        high = i;
        greatest = value;
      }
    }
    const last = i === points.length - 1;
    if (!last && (i + 1) % length !== 0) continue;
    const found: (readonly [index: number, value: number])[] = [];
    if (least <= greatest) found.push([low, least]);
    if (high !== low && least <= greatest) found.push([high, greatest]);
    if (gap >= 0) found.push([gap, NaN]);
    if (last && !found.some(([index]) => index === i)) found.push([i, value]);
    found.sort(([a], [b]) => a - b);
    for (const [index, shown] of found) kept.push([points[index]![0], shown]);
    [low, high, least, greatest, gap] = [i + 1, i + 1, Infinity, -Infinity, -1];
  }
  return kept;
}
