/**
 * The table of docs/results/text-encoders.md out of reports of `evaluate --text-encoder`:
 * `npm run bench:text-encoders -- FILE.json [FILE.json ...]`. Encoders of one name but for a number at the end (seeds) are averaged.
 */
import { readFileSync } from "node:fs";
import type { EncoderReport, TextReport } from "../src/evaluate/text-encoders.js";
import { averaged, markdown } from "./text-encoder-table.js";

const files = process.argv.slice(2);
if (files.length === 0) {
  process.stderr.write("text-encoders: name one or more files of `evaluate --text-encoder ... --json FILE`\n");
  process.exitCode = 1;
} else {
  const rows = files.flatMap((file): { report: TextReport; encoder: EncoderReport }[] => {
    const report = JSON.parse(readFileSync(file, "utf8")) as TextReport;
    return report.encoders.map((encoder) => ({ report, encoder }));
  });
  process.stdout.write(markdown(averaged(rows)));
}
