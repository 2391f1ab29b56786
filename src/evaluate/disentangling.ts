/**
 * Is style told apart from content (Reed et al. 2016, section 5.2): images are grouped by 100 k-means clusters of their background's mean
 * colour, or of the flower's pose; pairs of one cluster are to be told from other pairs by the cosine of what the style encoder S sees in
 * them. The cosine of the images' text features is the baseline, which should be near chance.
 */
import type { Dataset } from "../data/dataset.js";
import type { PetalsAttributes } from "../data/petals-attributes.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import { borderColour } from "../metrics/ground.js";
import { kMeans } from "../metrics/k-means.js";
import { cosine } from "../metrics/r-precision.js";
import type { Value } from "./report.js";
import { areaOverFolds, rocCurve, type RocPoint } from "../metrics/roc.js";

const CLUSTERS = 100;
const FOLDS = 5;
/** Pairs of each kind, at most. */
const PAIRS = 5000;

/** Rows of numbers, [N, size]. */
export interface Rows {
  readonly values: ArrayLike<number>;
  readonly size: number;
}

/** Mean colour of each image's background: known on petals, elsewhere that of the border, an eighth of the side wide. Channels in [0, 1]. */
export function backgrounds(dataset: Dataset, images: readonly number[]): Rows {
  const { attributes } = dataset;
  const values = images.flatMap((image) =>
    attributes ? attributes(image).style.backgroundColour.map((channel) => channel / 255) : borderOf(dataset, image),
  );
  return { values, size: 3 };
}

function borderOf(dataset: Dataset, image: number): number[] {
  const [side, pixels] = [dataset.side(image), dataset.pixels(image)];
  return borderColour(side, (x, y, c) => pixels[3 * (y * side + x) + c]! / 255);
}

/** Pose of each flower, every coordinate with deviation 1: position, size, tilt with its direction, turn. Known on petals only. */
export function poses(dataset: Dataset, images: readonly number[]): Rows | undefined {
  const { attributes } = dataset;
  if (!attributes) return undefined;
  const rows = images.map((image) => poseOf(attributes(image)));
  return { values: standardised(rows), size: rows[0]!.length };
}

function poseOf({ style, named }: PetalsAttributes): number[] {
  const { x, y, scale, tilt, facing, rotation } = style;
  // A flower of n petals looks the same after an nth of a turn.
  const turn = named.petalCount * rotation;
  return [x, y, scale, tilt * Math.cos(facing), tilt * Math.sin(facing), Math.cos(turn), Math.sin(turn)];
}

function standardised(rows: readonly (readonly number[])[]): number[] {
  const scales = rows[0]!.map((_, d) => {
    const mean = rows.reduce((sum, row) => sum + row[d]!, 0) / rows.length;
    return Math.sqrt(rows.reduce((sum, row) => sum + (row[d]! - mean) ** 2, 0) / rows.length) || 1;
  });
  return rows.flatMap((row) => row.map((value, d) => value / scales[d]!));
}

export interface PairList {
  readonly pairs: readonly (readonly [number, number])[];
  /** True where both are of one cluster. */
  readonly positive: readonly boolean[];
}

/** Pairs of one cluster, and as many of different ones. */
export function pairsByCluster({ values, size }: Rows, seed: number): PairList {
  const count = values.length / size;
  const random = new RandomStream(seed, StreamPurpose.stylePairs);
  const clusters = Math.min(CLUSTERS, Math.max(2, Math.floor(count / 4)));
  const { assignment } = kMeans(Float64Array.from(values), size, clusters, random);
  const same: [number, number][] = [];
  for (let i = 1; i < count; i++) for (let j = 0; j < i; j++) if (assignment[i] === assignment[j]) same.push([i, j]);
  const positives = random.shuffle(same, PAIRS).slice(0, PAIRS);
  const negatives: [number, number][] = [];
  while (negatives.length < positives.length) {
    const [i, j] = [random.below(count), random.below(count)];
    if (assignment[i] !== assignment[j]) negatives.push([i, j]);
  }
  return { pairs: [...positives, ...negatives], positive: [...positives.map(() => true), ...negatives.map(() => false)] };
}

export interface Verified {
  /** Area under the curve, over the folds. */
  readonly area: Value;
  readonly curve: readonly RocPoint[];
}

/** Tells the pairs apart by the cosine of their vectors. @param vectors [N, size] */
export function verify({ pairs, positive }: PairList, vectors: Float32Array, size: number, seed: number): Verified {
  const scores = pairs.map(([i, j]) => cosine(vectors, i, vectors, j, size));
  const { mean, deviation } = areaOverFolds({ scores, positive }, FOLDS, new RandomStream(seed, StreamPurpose.stylePairs, 1));
  return { area: { value: mean, deviation }, curve: rocCurve({ scores, positive }) };
}
