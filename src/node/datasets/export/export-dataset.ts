/** A data set written as a folder in any of the layouts that are read: images as PNG, so that no pixel changes. */
import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { DataError, type Dataset, type SplitName } from "../../../data/dataset.js";
import type { LayoutName } from "../../../data/layout-names.js";
import { encodePng } from "../../files/png.js";
import { UserError } from "../../../errors.js";
import { fileProblemOr } from "../../files/file-problem.js";
import { OutputFolder } from "./output-folder.js";
import { NEED_CLASSES, type Part, WRITERS } from "./write-layout.js";

export interface ExportOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What was written, and what the layout could not hold. */
export interface Exported {
  readonly images: number;
  /** A line each. */
  readonly notes: readonly string[];
}

/** @throws DataError where the layout cannot hold the data set, or the folder holds something already; UserError where it cannot be written */
export async function exportDataset(
  dataset: Dataset,
  folder: string,
  layout: LayoutName,
  { onProgress, signal }: ExportOptions = {},
): Promise<Exported> {
  const classless = dataset.classless === true;
  if (classless && NEED_CLASSES.has(layout))
    throw new DataError(`${dataset.name} has no classes, and layout ${layout} is made of them: export it as another`);
  await requireEmpty(folder);
  const writer = WRITERS[layout]();
  const parts = partsOf(dataset);
  const images = Array.from({ length: dataset.images }, (_, i) => i).filter((i) => layout === "reed" || parts[i] !== undefined);
  const name = namesOf(dataset, layout);
  const output = new OutputFolder(folder);
  for (const [done, image] of images.entries()) {
    signal?.throwIfAborted();
    const side = dataset.side(image);
    const files = writer.image({
      ...{ name: name(image), className: classless ? undefined : safeName(dataset.classes[dataset.classOf(image)]!) },
      ...{ part: parts[image] ?? "train", captions: dataset.captionsOf(image) },
      png: encodePng({ width: side, height: side, pixels: dataset.pixels(image) }),
    });
    await output.write(files);
    onProgress?.(done + 1, images.length);
  }
  const classNames = (part: SplitName): string[] => (classless ? [] : dataset.split[part].map((i) => safeName(dataset.classes[i]!)));
  await output.write(writer.end?.({ classes: { train: classNames("train"), test: classNames("test") } }) ?? []);
  await output.end();
  return { images: images.length, notes: notesOn(dataset, layout, writer.loses, images.length) };
}

/** Which part of the split each image is in; undefined: none. */
function partsOf(dataset: Dataset): (SplitName | undefined)[] {
  const parts = new Array<SplitName | undefined>(dataset.images).fill(undefined);
  for (const part of ["train", "test"] as const) for (const image of dataset.imagesOfSplit(part)) parts[image] = part;
  return parts;
}

/** What every system takes as a name, and leads nowhere else. */
const safeName = (name: string): string => name.replace(/[\p{Cc}<>:"/\\|?*#]|^[.\s]+|[.\s]+$/gu, "_") || "_";

/**
 * Names of files: the images' own where no two are alike on any file system and every system takes them, else with their numbers before them,
 * which keep the order.
 */
function namesOf(dataset: Dataset, layout: LayoutName): (image: number) => string {
  const width = String(dataset.images - 1).length;
  const inClasses = NEED_CLASSES.has(layout);
  // A key of WebDataset's ends at the first dot.
  const plain = (name: string): string => (layout === "webdataset" ? name.replaceAll(".", "_") : name);
  const safe = (image: number): string => plain(safeName(dataset.imageName(image)));
  const all = Array.from({ length: dataset.images }, (_, i) => `${inClasses ? dataset.classOf(i) : ""}/${safe(i).toLowerCase()}`);
  const distinct = new Set(all).size === all.length;
  return (image) => (distinct ? safe(image) : `${String(image).padStart(width, "0")} ${safe(image)}`);
}

const LOST: Readonly<Record<Part, (dataset: Dataset) => string | undefined>> = {
  classes: ({ classless }) => (classless ? undefined : "classes"),
  captions: () => "captions",
  split: () => "which images are held out",
};

function notesOn(dataset: Dataset, layout: LayoutName, loses: readonly Part[], written: number): string[] {
  const lost = loses.flatMap((part) => LOST[part](dataset) ?? []);
  const attributes = dataset.attributes ? ["what is drawn in each petals image but for its captions"] : [];
  const held = dataset.imagesOfSplit("test").length;
  const all = [...lost, ...attributes];
  return [
    ...(all.length > 0 ? [`layout ${layout} cannot hold: ${all.join(", ")}`] : []),
    ...(written < dataset.images ? [`${dataset.images - written} images are in neither part of the split, and were left out`] : []),
    ...(held === 0 && layout !== "reed" && layout !== "folders" ? ["no image is held out: read it with --held-out 0"] : []),
  ];
}

/** @throws DataError, UserError as `exportDataset` does of the folder: for those who have other work to do first */
export async function requireEmpty(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new UserError(`${folder} cannot be exported to: ${fileProblemOr(error)}`);
  });
  if (there.length > 0) throw new DataError(`${resolve(folder)} holds ${there[0]} already: export to a new folder`);
}
