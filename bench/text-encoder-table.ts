/** Rows of the table of text encoders: one for each encoder, the seeds of one averaged, and one of chance for each data set. */
import type { EncoderReport, TextReport } from "../src/evaluate/text-encoders.js";

export interface Row {
  readonly dataset: string;
  readonly name: string;
  /** Encoders averaged. */
  readonly count: number;
  /** Shares; undefined where the encoder knows no images. */
  readonly values: readonly (number | undefined)[];
  /** Standard deviation of top-1 over the seeds. */
  readonly deviation: number;
}

const COLUMNS = ["top-1", "AP@50", "caption → image @10", "image → caption @10", "caption → caption @10"];

const valuesOf = (encoder: EncoderReport): readonly (number | undefined)[] => {
  const { zeroShot, captionToImage, imageToCaption, captionToCaption } = encoder;
  return [zeroShot?.top1, zeroShot?.ap50, captionToImage?.[10], imageToCaption?.[10], captionToCaption[10]];
};

/** `char-1`, `char-2`, `char-3` of one data set are `char`, thrice. */
export function averaged(rows: readonly { readonly report: TextReport; readonly encoder: EncoderReport }[]): Row[] {
  const groups = new Map<string, { dataset: string; name: string; all: EncoderReport[]; chance: TextReport["chance"] }>();
  for (const { report, encoder } of rows) {
    const dataset = report.language === null ? report.dataset : `${report.dataset} (${report.language})`;
    const name = encoder.name.replace(/[-_ ]?\d+$/, "");
    const key = `${dataset}\n${name}`;
    const group = groups.get(key) ?? { dataset, name, all: [], chance: report.chance };
    if (!group.all.some(({ file }) => file === encoder.file)) group.all.push(encoder);
    groups.set(key, group);
  }
  const measured = [...groups.values()].map(({ dataset, name, all }): Row => {
    const values = COLUMNS.map((_, i) => average(all.map((encoder) => valuesOf(encoder)[i])));
    const spread = all.map((encoder) => ((valuesOf(encoder)[0] ?? 0) - (values[0] ?? 0)) ** 2).reduce((a, b) => a + b, 0);
    return { dataset, name, count: all.length, values, deviation: Math.sqrt(spread / Math.max(1, all.length - 1)) };
  });
  const chances = new Map([...groups.values()].map(({ dataset, chance }) => [dataset, chance]));
  return [...chances].flatMap(([dataset, { zeroShot, captionToImage, imageToCaption, captionToCaption }]) => {
    const values = [zeroShot?.top1, zeroShot?.ap50, captionToImage[10], imageToCaption[10], captionToCaption[10]];
    return [{ dataset, name: "chance", count: 1, values, deviation: 0 }, ...measured.filter((row) => row.dataset === dataset)];
  });
}

function average(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length;
}

const percent = (share: number | undefined): string => (share === undefined ? "–" : (100 * share).toFixed(1));

/** In per cent; of several seeds with the standard deviation of top-1. */
export function markdown(rows: readonly Row[]): string {
  const cells = rows.map(({ dataset, name, count, values, deviation }) => [
    dataset,
    count === 1 ? name : `${name} (${count} seeds)`,
    count === 1 ? percent(values[0]) : `${percent(values[0])} ± ${percent(deviation)}`,
    ...values.slice(1).map(percent),
  ]);
  const head = ["data set", "encoder", ...COLUMNS];
  const table = [head, head.map((_, i) => (i < 2 ? "---" : "---:")), ...cells];
  return table.map((row) => `| ${row.join(" | ")} |\n`).join("");
}
