/** k-means (Lloyd 1982) from centres chosen by k-means++ (Arthur and Vassilvitskii 2007), seeded. */
import type { RandomStream } from "../random/philox.js";
import { requireFinite } from "./finite.js";

export interface Clusters {
  /** [clusters, size]; fewer clusters than asked for where there are fewer different points. */
  readonly centres: Float64Array;
  /** The nearest centre of each point. */
  readonly assignment: Uint32Array;
  /** Sum of squared distances to the nearest centre. */
  readonly inertia: number;
}

/**
 * @param points [N, size]
 * @param random Chooses the first centres.
 * @param iterations At most; it ends sooner where nothing moves.
 */
export function kMeans(points: Float64Array, size: number, clusters: number, random: RandomStream, iterations = 100): Clusters {
  requireFinite(points, "the points to be grouped");
  const rows = points.length / size;
  let centres = firstCentres(points, size, clusters, random);
  const assignment = new Uint32Array(rows);
  let inertia = Infinity;
  for (let iteration = 0; iteration < iterations; iteration++) {
    let sum = 0;
    let moved = false;
    for (let row = 0; row < rows; row++) {
      const { centre, distance } = nearest(points, row, centres, size);
      moved ||= assignment[row] !== centre;
      assignment[row] = centre;
      sum += distance;
    }
    inertia = sum;
    if (!moved && iteration > 0) break;
    centres = means(points, size, assignment, centres);
  }
  return { centres, assignment, inertia };
}

/** k-means++: each next centre is a point drawn with probability proportional to its squared distance from those there are. */
function firstCentres(points: Float64Array, size: number, clusters: number, random: RandomStream): Float64Array {
  const rows = points.length / size;
  const chosen = [random.below(rows)];
  const distances = new Float64Array(rows).fill(Infinity);
  while (chosen.length < clusters) {
    const last = chosen.at(-1)!;
    let total = 0;
    for (let row = 0; row < rows; row++) {
      distances[row] = Math.min(distances[row]!, squaredDistance(points, row, points, last, size));
      total += distances[row]!;
    }
    if (total === 0) break;
    let left = random.uniform() * total;
    let next = distances.findIndex((distance) => (left -= distance) < 0);
    // Rounding may use up the whole sum.
    if (next < 0) next = distances.findLastIndex((distance) => distance > 0);
    chosen.push(next);
  }
  const centres = new Float64Array(chosen.length * size);
  chosen.forEach((row, i) => centres.set(points.subarray(row * size, (row + 1) * size), i * size));
  return centres;
}

/** Means of the clusters; one that lost all its points stays where it was. */
function means(points: Float64Array, size: number, assignment: Uint32Array, before: Float64Array): Float64Array {
  const sums = new Float64Array(before.length);
  const counts = new Float64Array(before.length / size);
  assignment.forEach((centre, row) => {
    counts[centre]!++;
    for (let d = 0; d < size; d++) sums[centre * size + d]! += points[row * size + d]!;
  });
  return sums.map((sum, i) => (counts[Math.floor(i / size)]! > 0 ? sum / counts[Math.floor(i / size)]! : before[i]!));
}

function nearest(points: Float64Array, row: number, centres: Float64Array, size: number): { centre: number; distance: number } {
  let [centre, distance] = [0, Infinity];
  for (let i = 0; i < centres.length / size; i++) {
    const d = squaredDistance(points, row, centres, i, size);
    if (d < distance) [centre, distance] = [i, d];
  }
  return { centre, distance };
}

function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, size: number): number {
  let sum = 0;
  for (let d = 0; d < size; d++) sum += (a[i * size + d]! - b[j * size + d]!) ** 2;
  return sum;
}
