/**
 * Makes a data set in the layout of the originals ready: captions are read, images decoded and resized once, the split found, and
 * everything that had to be left out named.
 */
import { DataError, type Skipped } from "../../dataset.js";
import { baseName } from "../../files/paths.js";
import type { FileSource } from "../../files/source.js";
import { withoutEnding } from "../../names.js";
import type { PreparedImage, PreparedSet } from "../../packed.js";
import { type DefaultSplit, findSplit, type ListName } from "../../split.js";
import { byName, type Decoded, decodeImages, type Decoding } from "../decode-images.js";
import { chooseAlphabet, type LayoutOptions } from "../options.js";
import type { Prepared } from "../rows.js";
import { type CaptionFile, readCaptions } from "./captions-source.js";

/** Texts of class lists by the base name they have. */
export type ListTexts = Readonly<Partial<Record<ListName, string>>>;

/** The parts of a data set in the layout of the originals. */
export interface ReedSources {
  readonly images: FileSource;
  readonly captions: FileSource;
  /** Class lists beside the captions, as an unpacked original has them: those among the captions come before them. */
  readonly beside?: ListTexts;
  /** The folder's own, which come before all others. */
  readonly lists: ListTexts;
}

export type PrepareOptions = Pick<LayoutOptions, "alphabet" | "onProgress" | "signal">;

/**
 * Prepares a data set.
 * @throws DataError where nothing usable is found or an archive is damaged; the signal's reason where it is stopped.
 */
export async function prepareLayout(
  definition: DefaultSplit,
  sources: ReedSources,
  size: number,
  decoding: Decoding,
  { alphabet = "auto", onProgress, signal }: PrepareOptions = {},
): Promise<Prepared> {
  const { name } = definition;
  const read = await readCaptions(sources.captions);
  if (read.files.length === 0) {
    const first = read.skipped[0] ? ` (${read.skipped[0].file}: ${read.skipped[0].reason})` : "";
    throw new DataError(
      `${sources.captions.path} holds no captions: text_c10/<class>/<image>.txt is looked for, one caption a line${first}`,
    );
  }
  signal?.throwIfAborted();
  const { decoded, skipped } = await decodeImages(
    { name, source: sources.images, find: captionFinder(read.files), total: read.files.length, size },
    decoding,
    { onProgress, signal },
  );
  if (decoded.length === 0) {
    const first = skipped[0] ? ` (${skipped[0].file}: ${skipped[0].reason})` : "";
    throw new DataError(`${name}: no image of ${sources.images.path} has captions in ${sources.captions.path}${first}`);
  }
  const allSkipped = [...read.skipped, ...skipped, ...withoutImage(read.files, decoded, skipped)];
  const classes = [...new Set(decoded.map(({ file }) => file.className))].sort(byName);
  const classIndex = new Map(classes.map((className, i) => [className, i]));
  decoded.sort((a, b) => byName(a.file.className, b.file.className) || byName(a.file.image, b.file.image));
  const images: PreparedImage[] = decoded.map(({ file, side }) => ({
    name: file.image,
    classIndex: classIndex.get(file.className)!,
    side,
    captions: file.captions,
  }));
  const { split, notes } = findSplit(definition, classes, { ...sources.beside, ...read.lists, ...sources.lists });
  const trained = new Set(split.train);
  const set: PreparedSet = {
    name,
    size,
    classes,
    split,
    alphabet: chooseAlphabet(
      alphabet,
      images.filter((image) => trained.has(image.classIndex)),
    ),
    report: {
      images: images.length,
      captions: images.reduce((sum, image) => sum + image.captions.length, 0),
      skipped: allSkipped,
      notes: [`captions from ${sources.captions.name}`, ...notes, ...read.notes],
    },
    images,
  };
  return { set, rows: decoded };
}

/** From an image's path to its captions, by class folder and name, or by name alone where the images are not in class folders; or why there are none. */
function captionFinder(files: readonly CaptionFile[]): (path: string) => CaptionFile | string {
  const byPath = new Map<string, CaptionFile>();
  const byImage = new Map<string, CaptionFile[]>();
  for (const file of files) {
    byPath.set(`${file.className}/${file.image}`, file);
    byImage.set(file.image, [...(byImage.get(file.image) ?? []), file]);
  }
  return (path) => {
    const parts = withoutEnding(path).split("/");
    const image = parts.at(-1)!;
    const exact = parts.length > 1 ? byPath.get(`${parts.at(-2)!}/${image}`) : undefined;
    const alike = byImage.get(image) ?? [];
    if (exact ?? alike.length === 1) {
      return exact ?? alike[0]!;
    }
    return alike.length === 0
      ? "no captions"
      : `captions in several classes (${alike[0]!.className}, ${alike[1]!.className}), and the image in no class folder`;
  };
}

/** Caption files whose image is not there at all; those whose image was skipped are accounted for already. */
function withoutImage(files: readonly CaptionFile[], decoded: readonly Decoded<CaptionFile>[], skipped: readonly Skipped[]): Skipped[] {
  const used = new Set(decoded.map(({ file }) => file));
  const damaged = new Set(skipped.map(({ file }) => withoutEnding(baseName(file))));
  return files
    .filter((file) => !used.has(file) && !damaged.has(file.image))
    .map((file) => ({ file: `${file.className}/${file.image}.txt`, reason: "no image for these captions" }))
    .sort((a, b) => byName(a.file, b.file));
}
