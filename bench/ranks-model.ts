/**
 * What a training step costs on several ranks, by a model of five numbers: computing a batch's rows (a constant, and so much a row), and summing
 * gradients over the ranks (a latency a message, a bandwidth, and what the way from the device to the host and back costs a byte). Sums go
 * round a ring, as MPI libraries do with large ones: 2·(ranks − 1) messages, each of 1/ranks of the bytes. Nothing overlaps: an upper bound.
 */

/** Seconds, bytes and rows. */
export interface StepModel {
  /** Of a step, however few rows it has. */
  readonly constant: number;
  readonly perRow: number;
}

export interface SumModel {
  /** Seconds a message. */
  readonly latency: number;
  /** Seconds a byte that is sent: one over the bandwidth. */
  readonly perByte: number;
  /** Seconds a byte from the device to the host and back. */
  readonly hostPerByte: number;
}

export interface MeasuredSum {
  readonly ranks: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface MeasuredStep {
  readonly rows: number;
  readonly seconds: number;
}

/** Messages that follow one another, and bytes that a rank sends, in a sum round a ring. */
const ring = (ranks: number, bytes: number) => ({ messages: 2 * (ranks - 1), sent: (2 * (ranks - 1) * bytes) / ranks });

export function sumSeconds({ latency, perByte, hostPerByte }: SumModel, ranks: number, bytes: number): number {
  if (ranks === 1) return 0;
  const { messages, sent } = ring(ranks, bytes);
  return latency * messages + perByte * sent + hostPerByte * bytes;
}

export const stepSeconds = ({ constant, perRow }: StepModel, rows: number): number => constant + perRow * rows;

/** A step on several ranks. @param batch The whole batch, of which each rank has an even part. */
export function sharedStepSeconds(step: StepModel, sum: SumModel, ranks: number, batch: number, bytes: number): number {
  return stepSeconds(step, batch / ranks) + sumSeconds(sum, ranks, bytes);
}

/**
 * The model nearest to what was measured, by relative errors. Measurements of one rank are the way to the host and back alone.
 */
export function fitSum(measured: readonly MeasuredSum[]): SumModel {
  const rows = measured.map(({ ranks, bytes, seconds }) => {
    const { messages, sent } = ring(ranks, bytes);
    return { terms: [messages, sent, bytes], seconds };
  });
  const [latency, perByte, hostPerByte] = leastSquares(rows) as [number, number, number];
  return { latency, perByte, hostPerByte };
}

export function fitStep(measured: readonly MeasuredStep[]): StepModel {
  const [constant, perRow] = leastSquares(measured.map(({ rows, seconds }) => ({ terms: [1, rows], seconds }))) as [number, number];
  return { constant, perRow };
}

/** The largest and the median relative error of a model. */
export function errors(pairs: readonly (readonly [predicted: number, measured: number])[]): {
  readonly median: number;
  readonly most: number;
} {
  const all = pairs.map(([predicted, measured]) => Math.abs(predicted / measured - 1)).sort((a, b) => a - b);
  return { median: all[Math.floor((all.length - 1) / 2)] ?? NaN, most: all.at(-1) ?? NaN };
}

/**
 * The numbers of ranks beyond which doubling them makes a step of the same whole batch no tenth faster.
 * @param most The largest that is looked at, a power of two.
 */
export function crossover(secondsOf: (ranks: number) => number, most = 64): number {
  let ranks = 1;
  while (ranks < most && secondsOf(2 * ranks) < 0.9 * secondsOf(ranks)) ranks *= 2;
  return ranks;
}

/**
 * Coefficients, none negative, that make the sums of terms nearest to the seconds by relative errors: of all choices of terms that get
 * positive coefficients, the one with the least error.
 */
function leastSquares(rows: readonly { readonly terms: readonly number[]; readonly seconds: number }[]): number[] {
  const terms = rows[0]?.terms.length ?? 0;
  let best = { error: Infinity, coefficients: new Array<number>(terms).fill(0) };
  for (let chosen = 1; chosen < 2 ** terms; chosen++) {
    const used = Array.from({ length: terms }, (_, i) => i).filter((i) => chosen & (1 << i));
    const weighted = rows.map(({ terms: all, seconds }) => used.map((i) => all[i]! / seconds));
    const found = solve(
      used.map((_, i) => used.map((__, j) => weighted.reduce((sum, row) => sum + row[i]! * row[j]!, 0))),
      used.map((_, i) => weighted.reduce((sum, row) => sum + row[i]!, 0)),
    );
    if (!found || found.some((value) => !(value > 0))) continue;
    const error = weighted.reduce((sum, row) => sum + (row.reduce((s, value, i) => s + value * found[i]!, 0) - 1) ** 2, 0);
    if (error < best.error - 1e-12) {
      const coefficients = new Array<number>(terms).fill(0);
      used.forEach((term, i) => (coefficients[term] = found[i]!));
      best = { error, coefficients };
    }
  }
  return best.coefficients;
}

/** Gauss's elimination with pivots, on rows and columns brought to diagonals of one. @returns undefined where the terms depend on one another */
function solve(matrix: number[][], right: number[]): number[] | undefined {
  const n = right.length;
  const scale = matrix.map((row, i) => 1 / Math.sqrt(row[i]! || 1));
  const rows = matrix.map((row, i) => [...row.map((value, j) => value * scale[i]! * scale[j]!), right[i]! * scale[i]!]);
  for (let i = 0; i < n; i++) {
    const pivot = rows.slice(i).reduce((most, row, at) => (Math.abs(row[i]!) > Math.abs(rows[most]![i]!) ? i + at : most), i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    if (Math.abs(rows[i]![i]!) < 1e-9) return undefined;
    for (let k = i + 1; k < n; k++) {
      const factor = rows[k]![i]! / rows[i]![i]!;
      for (let j = i; j <= n; j++) rows[k]![j]! -= factor * rows[i]![j]!;
    }
  }
  const found = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    const known = found.reduce((sum, value, j) => sum + (j > i ? rows[i]![j]! * value : 0), 0);
    found[i] = (rows[i]![n]! - known) / rows[i]![i]!;
  }
  return found.map((value, i) => value * scale[i]!);
}
