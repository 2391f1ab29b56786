/** What a layout of captioned images is: how it is told by the names of its files, and how its captions are read. */
import type { Skipped, SplitName } from "../dataset.js";
import { baseName, folderOf, joined } from "../files/paths.js";
import type { FileSource } from "../files/source.js";
import type { LayoutName } from "../layout-names.js";
import { isImageName, nameForm, withoutEnding } from "../names.js";
import type { LayoutOptions } from "./options.js";

/** The files of a folder or archive: their paths in it, in the form in which names are compared. */
export interface Contents {
  readonly source: FileSource;
  readonly files: readonly string[];
  /** Texts of some of the files, in their order; files that are no text are told and left out. @throws DataError where one is too large */
  texts(paths: readonly string[], onSkipped: (one: Skipped) => void): AsyncIterable<{ readonly path: string; readonly text: string }>;
}

/** One image and what its files say of it. */
export interface OwnImage {
  /** Its file. */
  readonly path: string;
  readonly captions: readonly string[];
  /** The class it is in, where the layout has classes: all images of a set, or none. */
  readonly className?: string;
  /** The part of the data set's own split, where it has one. */
  readonly part?: SplitName | undefined;
}

export interface OwnSet {
  readonly images: readonly OwnImage[];
  readonly skipped: readonly Skipped[];
  readonly notes: readonly string[];
}

export type OwnOptions = Pick<LayoutOptions, "captions" | "captionTemplate" | "signal">;

export interface Layout {
  readonly name: Exclude<LayoutName, "reed">;
  /** What a folder lacks that is not of this layout. */
  readonly lacking: string;
  /** What chooses among its captions, or makes them; none by default. */
  readonly takes?: "captions" | "captionTemplate";
  /** The smallest example, a line each. */
  readonly example: readonly string[];
  /** Files that show this layout; none where it is another. @param about The name of what holds them; whether this layout was asked for. */
  signs(files: readonly string[], about: { readonly name: string; readonly asked: boolean }): readonly string[];
  /** @throws DataError where the captions cannot be read at all */
  read(contents: Contents, signs: readonly string[], options: OwnOptions): Promise<OwnSet>;
}

/** The part of a split that a path says by one of its folders. */
export function partOf(path: string): SplitName | undefined {
  for (const folder of path.toLowerCase().split("/").slice(0, -1)) {
    // A shard is as a folder here: train-00000-of-00002.parquet, val-{0000..0003}.tar.
    const name = folder.replace(/[-_.]?\d*(?:-of-\d+)?\.(?:parquet|tar|tar\.gz|tgz)$/, "");
    if (/^train(?:ing)?(?:20\d\d)?$/.test(name)) return "train";
    if (/^(?:val|valid|validation|dev|test|testing)(?:20\d\d)?$/.test(name)) return "test";
  }
  return undefined;
}

/** A file named in another file, from the folder of that one. */
export const besideOf = (file: string, name: string): string => nameForm(joined(folderOf(file), name.replaceAll("\\", "/")));

/** From a name to the image of that path, or to the only image whose path ends in it, or to the only one of that file name. */
export function imageFinder(files: readonly string[]): (path: string) => string | undefined {
  const paths = new Set<string>();
  const byName = new Map<string, string | undefined>();
  for (const path of files.filter(isImageName)) {
    paths.add(path);
    const name = baseName(path);
    byName.set(name, byName.has(name) ? undefined : path);
  }
  return (path) => (paths.has(path) ? path : byName.get(baseName(path)));
}

/** Captions as they are kept: on one line, without surrounding blanks; empty ones left out. */
export const cleanCaptions = (texts: readonly string[]): string[] =>
  texts.map((text) => text.replace(/\s+/g, " ").trim()).filter((text) => text !== "");

/** The texts in a value that holds one or several. */
export function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

export { isImageName, withoutEnding };
