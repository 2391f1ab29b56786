/** A score that was taken several times: of parts, of folds, of seeds. */

export interface Score {
  readonly mean: number;
  /** Over the parts. */
  readonly deviation: number;
}

/** Mean and population deviation. */
export function meanAndDeviation(values: readonly number[]): Score {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}
