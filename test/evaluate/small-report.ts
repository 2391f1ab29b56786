/** A report small enough to be checked by eye. */
import type { Report } from "../../src/evaluate/report.js";

export const report: Report = {
  ...{ dataset: "petals", samples: 100, seed: 1 },
  columns: [
    { label: "real", values: { "rPrecision100.test": { value: 0.5 }, "fid.test": { value: 1.25 } } },
    { label: "noise", values: { "rPrecision100.test": { value: 0.01 }, "fid.test": { value: 123.4 } } },
    { label: "a<b ema", values: { "rPrecision100.test": { value: 0.3333 }, "background.style": { value: 0.8, deviation: 0.01 } } },
  ],
  curves: [{ label: "a<b style", task: "background", baseline: false, points: [[0, 0], [0.25, 0.5], [1, 1]] }], // prettier-ignore
  notes: ["a note"],
};
