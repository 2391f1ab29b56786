/**
 * Where the background of drawn images comes from. A generator has told style from content (Reed et al. 2016, section 5.2) when its noise
 * alone decides the background: the same noise, under another sentence, paints the same ground. How far it does is a share of the variance of
 * the ground's colour: images of every sentence from every noise vector are a two-way layout with one observation a cell.
 */
import { borderWidth } from "../models/noise-reader.js";
import { requireFinite } from "./finite.js";

/** Mean colour of an image's border, which is as wide as a noise reader's. @param pixel Value of channel c at (x, y) @returns [3] */
export function borderColour(side: number, pixel: (x: number, y: number, c: number) => number): number[] {
  const width = borderWidth(side);
  const inside = (at: number) => at >= width && at < side - width;
  const sums = [0, 0, 0];
  let count = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (inside(x) && inside(y)) continue;
      count++;
      for (let c = 0; c < 3; c++) sums[c]! += pixel(x, y, c);
    }
  }
  return sums.map((sum) => sum / count);
}

/** Border colours of images [N, 3, S, S] in [−1, 1]: [N, 3] in [0, 1]. */
export function borderColours(images: Float32Array, side: number): Float64Array {
  const plane = side * side;
  const colours = Float64Array.from({ length: images.length / plane });
  for (let i = 0; i < colours.length; i += 3)
    colours.set(
      borderColour(side, (x, y, c) => (images[(i + c) * plane + y * side + x]! + 1) / 2),
      i,
    );
  return colours;
}

/** Shares of a variance, together 1: of the rows alone, of the columns alone, and of how they go together (with what is random). */
export interface VarianceShares {
  readonly rows: number;
  readonly columns: number;
  readonly both: number;
}

/**
 * Components of variance of a two-way layout with random effects and one observation a cell, x_rc = μ + a_r + b_c + e_rc, by the mean
 * squares (Searle, Casella and McCulloch 1992, "Variance Components", chapter 4). Unbiased but for the components that would be negative,
 * which are taken as 0: rows that only go together with columns have a share of 0, however few the columns are.
 * @param values [rows, columns, size]; variances are summed over the last
 * @param rows, columns 2 or more of each
 * @returns shares of nothing at all, 0 each, where all values are alike
 */
export function varianceShares(values: ArrayLike<number>, rows: number, columns: number, size: number): VarianceShares {
  requireFinite(values, "the colours of grounds");
  let [ofRows, ofColumns, ofBoth] = [0, 0, 0];
  for (let d = 0; d < size; d++) {
    const at = (r: number, c: number) => values[(r * columns + c) * size + d]!;
    const rowMeans = range(rows).map((r) => mean(range(columns).map((c) => at(r, c))));
    const columnMeans = range(columns).map((c) => mean(range(rows).map((r) => at(r, c))));
    const all = mean(rowMeans);
    const squares = (means: readonly number[]) => means.reduce((sum, m) => sum + (m - all) ** 2, 0);
    ofRows += (columns * squares(rowMeans)) / (rows - 1);
    ofColumns += (rows * squares(columnMeans)) / (columns - 1);
    for (const [r, row] of rowMeans.entries())
      for (const [c, column] of columnMeans.entries()) ofBoth += (at(r, c) - row - column + all) ** 2 / ((rows - 1) * (columns - 1));
  }
  const parts = { rows: Math.max(0, (ofRows - ofBoth) / columns), columns: Math.max(0, (ofColumns - ofBoth) / rows), both: ofBoth };
  const total = parts.rows + parts.columns + parts.both || 1;
  return { rows: parts.rows / total, columns: parts.columns / total, both: parts.both / total };
}

/**
 * How much of some grounds is found again in others: the share of the variance of colours y that straight lines of colours x tell, a line a
 * channel, 1 − Σ(y − ŷ)² / Σ(y − ȳ)². A shift or another contrast costs nothing; colours that do not hang together have 0.
 * @param x, y [N, 3], row for row
 * @returns 0 where y's colours are all alike
 */
export function carriedOver(x: ArrayLike<number>, y: ArrayLike<number>): number {
  requireFinite(x, "the colours of grounds");
  requireFinite(y, "the colours of grounds");
  let [told, total] = [0, 0];
  for (const channel of [0, 1, 2]) {
    const deviations = (colours: ArrayLike<number>) => {
      const values = range(colours.length / 3).map((i) => colours[3 * i + channel]!);
      const centre = mean(values);
      return values.map((value) => value - centre);
    };
    const [u, v] = [deviations(x), deviations(y)];
    const inner = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    told += inner(u, v) ** 2 / (inner(u, u) || 1);
    total += inner(v, v);
  }
  return told / (total || 1);
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
