/** Rows of a bench, and how they are printed. */
export interface Row {
  readonly suite: string;
  readonly name: string;
  readonly shape: string;
  readonly variant: string;
  /** Median milliseconds of one execution. */
  readonly ms: number;
  readonly gflops: number;
  /** Of the adapter's rate of multiply-adds without memory. */
  readonly share: number;
  readonly adapter: string;
  readonly peer?: string;
  readonly peerMs?: number;
  /** The peer's time over ours: above 1 we are faster. */
  readonly ratio?: number;
}

const COLUMNS: [string, number, (row: Row) => string][] = [
  ["", 27, (row) => row.name],
  ["shape", 33, (row) => row.shape],
  ["variant", 24, (row) => row.variant],
  ["ms", 9, (row) => row.ms.toFixed(row.ms < 10 ? 2 : 1)],
  ["GFLOP/s", 9, (row) => row.gflops.toFixed(1)],
  ["of peak", 8, (row) => `${Math.round(row.share * 100)} %`],
  ["peer ms", 9, (row) => (row.peerMs ?? 0).toFixed(1)],
  ["times", 7, (row) => (row.ratio ?? 0).toFixed(1)],
];

const line = (cells: string[]): string =>
  cells
    .map((cell, i) => (i < 3 ? cell.padEnd(COLUMNS[i]![1]) : cell.padStart(COLUMNS[i]![1])))
    .join("")
    .trimEnd();

const columns = (peers: boolean) => (peers ? COLUMNS : COLUMNS.slice(0, 6));

export const header = (peers: boolean): string => line(columns(peers).map(([title]) => title));

export const rowLine = (row: Row): string => line(columns(row.peer !== undefined).map(([, , text]) => text(row)));

/** The verdict on all rows that have a peer. */
export function summary(rows: readonly Row[]): string {
  const ratios = rows.flatMap(({ ratio }) => (ratio === undefined ? [] : [ratio]));
  if (ratios.length === 0) return "";
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  const slowest = rows.reduce((least, row) => ((row.ratio ?? Infinity) < (least.ratio ?? Infinity) ? row : least));
  return `${ratios.length} rows against ${slowest.peer}: ${mean.toFixed(1)} times as fast (geometric mean), least ${slowest.ratio!.toFixed(1)} (${slowest.name})`;
}
