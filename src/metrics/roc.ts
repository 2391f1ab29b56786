/** ROC curves of a verification task, and the area under them over folds (Reed et al. 2016, section 5.2). */
import type { RandomStream } from "../random/philox.js";
import { requireFinite } from "./finite.js";
import { meanAndDeviation, type Score } from "./score.js";

/** Pairs that are to be told apart by their scores. */
export interface Verification {
  readonly scores: ArrayLike<number>;
  /** True for the pairs that belong together. */
  readonly positive: readonly boolean[];
}

export type RocPoint = readonly [falsePositiveRate: number, truePositiveRate: number];

/** The curve from (0, 0) to (1, 1), a point for each distinct score from the highest on. @throws NonFiniteError */
export function rocCurve({ scores, positive }: Verification): RocPoint[] {
  requireFinite(scores, "the scores of pairs");
  const order = positive.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const positives = positive.filter(Boolean).length;
  const negatives = positive.length - positives;
  const points: RocPoint[] = [[0, 0]];
  let [hits, alarms] = [0, 0];
  order.forEach((i, at) => {
    if (positive[i]) hits++;
    else alarms++;
    const next = order[at + 1];
    if (next === undefined || scores[next] !== scores[i]) points.push([alarms / negatives, hits / positives]);
  });
  return points;
}

/** Area under the curve: the probability that a positive pair scores above a negative one, ties counting half. NaN where one kind is missing. */
export function areaUnder(points: readonly RocPoint[]): number {
  let area = 0;
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1]!, points[i]!];
    area += ((x1 - x0) * (y0 + y1)) / 2;
  }
  return area;
}

/** Mean and deviation of the area over folds of the pairs, both kinds dealt out evenly. */
export function areaOverFolds({ scores, positive }: Verification, folds: number, random: RandomStream): Score {
  const of = (kind: boolean) => random.shuffle(positive.flatMap((value, i) => (value === kind ? [i] : [])));
  const [positives, negatives] = [of(true), of(false)];
  const areas = Array.from({ length: folds }, (_, fold) => {
    const rows = [positives, negatives].flatMap((kind) => kind.filter((_, place) => place % folds === fold));
    return areaUnder(rocCurve({ scores: rows.map((i) => scores[i]!), positive: rows.map((i) => positive[i]!) }));
  });
  return meanAndDeviation(areas);
}
