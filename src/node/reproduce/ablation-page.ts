/** An ablation's printed page: the table over its seeds, and the variants' images side by side. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { centreViews, fillImages } from "../../data/batch.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import { fileProblemOr } from "../files/file-problem.js";
import { UserError } from "../../errors.js";
import { openDevice } from "../../gpu/device.js";
import { writeFileAtomic } from "../files/atomic-file.js";
import { encodePng } from "../files/png.js";
import type { TrainHooks } from "../../train/run/events.js";
import { imageGrid } from "../../pictures/image-grid.js";
import { type TrainOptions, VARIANTS } from "../../train/gan/options.js";
import { openData } from "../datasets/run-data.js";
import { meanAndDeviation } from "../../metrics/score.js";
import { joined } from "../../tensor/rows.js";
import type { AblationRun } from "./ablation-plan.js";
import { type Column, markdownTable, type Report, type Value } from "../../evaluate/report.js";
import { Artist } from "../../evaluate/subject.js";
import { openRun } from "../evaluate/runs.js";

/** Which of the variants a column is of; -1 for real images and noise. */
const variantIndex = (label: string): number => VARIANTS.findIndex((variant) => label.startsWith(`${variant} `));

/** How many of the seeds' reports each variant has a column in, in the order of VARIANTS. */
export const seedsOfVariants = (reports: readonly Report[]): number[] =>
  VARIANTS.map((_, i) => reports.filter(({ columns }) => columns.some(({ label }) => variantIndex(label) === i)).length);

/**
 * The reports of several seeds as one: means, and sample deviations (N − 1) over the seeds that have the value. Columns that no seed
 * touches (real images and noise) are alike in all reports, but for measures that older ones lack, and stay as they are.
 */
export function overSeeds(reports: readonly Report[]): Column[] {
  const all = reports.flatMap(({ columns }) => columns);
  const merged = [...new Set(all.map(({ label }) => label))].map((label) => {
    const columns = all.flatMap((column) => (column.label === label ? [column.values] : []));
    const values: Record<string, Value> = Object.assign({}, ...columns) as Column["values"];
    if (columns.length === 1 || variantIndex(label) < 0) return { label, values };
    for (const id of Object.keys(values)) {
      const found = columns.flatMap((column) => (column[id] ? [column[id]] : []));
      const { mean, deviation } = meanAndDeviation(found.map(({ value }) => value));
      values[id] = found.length > 1 ? { value: mean, deviation: deviation * Math.sqrt(found.length / (found.length - 1)) } : found[0]!;
    }
    return { label, values };
  });
  // Real images and noise first, then variant by variant.
  return merged.sort((a, b) => variantIndex(a.label) - variantIndex(b.label));
}

/** "one seed"; "3 seeds (means ± sample deviations over them)", with the variants that have fewer. */
export function seedsText(reports: readonly Report[]): string {
  if (reports.length === 1) return "one seed";
  const seeds = seedsOfVariants(reports);
  const few = VARIANTS.flatMap((variant, i) => (seeds[i]! > 0 && seeds[i]! < reports.length ? [`${seeds[i]} of ${variant}`] : []));
  return `${reports.length} seeds (${[...few, "means ± sample deviations over them"].join(", ")})`;
}

/** Captions a grid, and images of each that a variant draws. */
const GRID = { captions: 6, each: 3 };

/**
 * Captions of unseen classes: a row's real image, then each run's images, from the same noise.
 * @param runs In the order of the columns.
 */
export async function comparison(runs: readonly AblationRun[], options: TrainOptions, hooks: TrainHooks): Promise<AblationPage["picture"]> {
  const device = await openDevice();
  try {
    const dataset = await openData(options, hooks);
    const random = new RandomStream(1, StreamPurpose.variedCaptions, 9);
    const classes = dataset.split[dataset.split.test.length > 0 ? "test" : "train"];
    const images = random
      .shuffle([...classes])
      .slice(0, GRID.captions)
      .map((c) => random.pick(dataset.imagesOfClass(c)));
    const captions = images.map((image) => dataset.firstCaption(image) + random.below(dataset.captionsOf(image).length));
    const rows = images.map((image) => [fillImages(dataset, [image], centreViews(dataset, [image]))]);
    for (const { path } of runs) {
      const run = await openRun(device, path, dataset, hooks);
      const artist = await Artist.create(device, run.generators[0]![1], run.captions);
      // Every caption from the same noise vectors.
      for (const [row, caption] of captions.entries())
        for (const part of await artist.draw(new Array<number>(GRID.each).fill(caption), 1)) rows[row]!.push(await part);
      artist.destroy();
    }
    const png = encodePng(imageGrid(joined(rows.flat()), dataset.size, { columns: 1 + runs.length * GRID.each }));
    return { png, captions: captions.map((caption) => dataset.caption(caption)), runs };
  } finally {
    device.destroy();
  }
}

export interface AblationPage {
  /** "petals-small": names the page and its picture. */
  readonly name: string;
  readonly heading: string;
  /** The command that prints it. */
  readonly command: string;
  /** On which machine, from which steps and seeds. */
  readonly about: string;
  readonly columns: readonly Column[];
  readonly notes: readonly string[];
  /** Of the runs of one seed, in the order of its columns. */
  readonly picture: { readonly png: Uint8Array; readonly captions: readonly string[]; readonly runs: readonly AblationRun[] };
}

/**
 * Writes the page, NAME.md with its picture NAME.png beside it, in place of what was printed before.
 * @throws UserError where the folder cannot be written to
 */
export function writePage(folder: string, page: AblationPage): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileAtomic(join(folder, `${page.name}.png`), page.picture.png);
    writeFileAtomic(join(folder, `${page.name}.md`), pageText(page));
  } catch (error) {
    throw new UserError(`${folder} cannot be written to: ${fileProblemOr(error)}`);
  }
}

function pageText({ name, heading, command, about, columns, notes, picture }: AblationPage): string {
  // The moving averages draw the samples; the raw generators have a table of their own.
  const ends = columns.filter(({ label }) => label === "real" || label === "noise");
  const of = (kind: string) =>
    columns
      .filter(({ label }) => label.endsWith(` ${kind}`))
      .map((column) => ({ ...column, label: column.label.slice(0, -kind.length - 1) }));
  const [averaged, raw] = [of("ema"), of("raw")];
  const tables = averaged.length > 0 ? [averaged, raw] : [raw];
  return [
    `# ${heading}`,
    "",
    `    ${command}`,
    "",
    `${about} Arrows say which values are better.`,
    "",
    markdownTable({ columns: [...ends, ...tables[0]!] }),
    "",
    ...(tables[1]
      ? ["The same of the trained generators themselves, without the moving average:", "", markdownTable({ columns: tables[1] }), ""]
      : []),
    ...notes.flatMap((note) => [note, ""]),
    `![Images of the variants](${name}.png)`,
    "",
    `Captions of unseen classes: a real image, then ${GRID.each} images each of ${picture.runs.map(({ given }) => given.variant).join(", ")}, all of seed ${picture.runs[0]!.seed}, from the same noise.`,
    "",
    ...picture.captions.map((caption, i) => `${i + 1}. ${caption}`),
    "",
  ].join("\n");
}
