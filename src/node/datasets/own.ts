/** A folder or file of captioned images: opened with the archives in it, and its layout recognised. */
import { join } from "node:path";
import { DataError } from "../../data/dataset.js";
import { flagName } from "../../option-spec.js";
import type { DefaultSplit } from "../../data/split.js";
import { withArchives } from "../../data/files/shards.js";
import type { Decoding } from "../../data/layouts/decode-images.js";
import type { Contents } from "../../data/layouts/layout.js";
import { prepareOwn } from "../../data/layouts/prepare-own.js";
import { contentsOf, recognise, type Recognised } from "../../data/layouts/recognise.js";
import { part, reedParts } from "../../data/layouts/reed/packed.js";
import { prepareLayout, type ReedSources } from "../../data/layouts/reed/prepare.js";
import type { Prepared } from "../../data/layouts/rows.js";
import { listFolder, packedAt, sourceAt } from "./archive.js";
import { isFolder } from "./layout.js";
import type { OpenOptions } from "./options.js";

/** What was found, not yet prepared. */
export interface OwnData {
  readonly name: string;
  readonly contents: Contents;
  /** How it is read: by a layout of images on their own, or as the originals. */
  readonly how: Recognised | ReedSources;
}

/**
 * @param keep Which files of a folder belong to it (default: all).
 * @throws DataError where it is in no layout, or not in the one asked for
 */
export async function locateOwn(
  path: string,
  name: string,
  { layout, captions, ...options }: OpenOptions,
  keep?: (path: string) => boolean,
): Promise<OwnData> {
  const contents = await contentsOf(await sourceWithArchives(path, keep));
  const reed = layout === undefined || layout === "reed" ? reedParts(contents, captions) : undefined;
  if (reed === undefined) {
    const how = recognise(contents, name, layout);
    for (const [given, key] of [
      [captions, "captions"],
      [options.captionTemplate, "captionTemplate"],
    ] as const)
      if (given !== undefined && how.layout.takes !== key)
        throw new DataError(`--${flagName(key)} has no meaning for ${name}, which is of layout ${how.layout.name}: leave it out`);
    return { name, contents, how };
  }
  for (const [given, flag] of [
    [options.heldOut, "--held-out"],
    [options.captionTemplate, "--caption-template"],
  ] as const)
    if (given !== undefined) throw new DataError(`${name} has classes and captions: leave ${flag} out`);
  return { name, contents, how: reed };
}

async function sourceWithArchives(path: string, keep?: (path: string) => boolean): ReturnType<typeof withArchives> {
  if (!(await isFolder(path))) return packedAt(path);
  // Names are compared in one form; the file system has its own.
  const real = new Map((await listFolder(path)).map((one) => [one.name, one.path]));
  const folder = keep ? part(sourceAt(path), keep) : sourceAt(path);
  return withArchives(folder, (inner) => packedAt(join(path, real.get(inner) ?? inner)));
}

/** Which layout it was taken for, where that decides what is packed. */
export const layoutOf = ({ how }: OwnData): string => ("layout" in how ? how.layout.name : "reed");

/** @throws DataError as `prepareOwn` and `prepareLayout` do */
export function prepareFound(
  { name, contents, how }: OwnData,
  split: DefaultSplit,
  size: number,
  decoding: Decoding,
  options: OpenOptions,
): Promise<Prepared> {
  if ("layout" in how) return prepareOwn(name, contents, how, size, decoding, options);
  return prepareLayout(split, how, size, decoding, options);
}
