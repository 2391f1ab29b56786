/** What can be measured: names for the page, which must not load the engine for them. */
export const MEASURES = {
  matmul: "A product of matrices, 512 × 512 × 512",
  copy: "A pass over memory, x + 1 over 64 MB",
  tiny: "A training step, preset tiny",
  small: "A training step, preset small",
} as const;
export type MeasureName = keyof typeof MEASURES;
