/** The layout of the originals inside an archive, or in archives inside a folder: images and captions are parts of one source. */
import { DataError } from "../../dataset.js";
import type { FileSource } from "../../files/source.js";
import type { Contents } from "../layout.js";
import type { ReedSources } from "./prepare.js";

const CAPTIONS = /(?:^|\/)(?:text_c10(?:[_-]([^/]+))?|caption_all_([^/]+))\/[^/]+\/[^/]+\.txt$/i;
/** Folders of images, where any are called so: CUB-200-2011 has its segmentations beside them, under the same names. */
const IMAGES = /(?:^|\/)(?:jpg|images)\//i;

/** A part of a source. */
export const part = (source: FileSource, keep: (path: string) => boolean): FileSource => ({
  ...{ path: source.path, name: source.name, size: () => source.size() },
  read: ({ wanted, ...reading }) => source.read({ ...reading, wanted: (path) => keep(path) && wanted(path) }),
});

/**
 * Images and captions in the layout of the originals; undefined where the source has none.
 * @param wanted Which captions, by their tag; undefined: "en", else the only ones.
 * @throws DataError where it has several, and it is not said which
 */
export function reedParts({ source, files }: Contents, wanted: string | undefined): ReedSources | undefined {
  const tagOf = (path: string): string | undefined => {
    const match = CAPTIONS.exec(path);
    return match ? (match[1] ?? match[2] ?? "en") : undefined;
  };
  const tags = [...new Set(files.flatMap((path) => tagOf(path) ?? []))];
  if (tags.length === 0) return undefined;
  const tag = wanted ?? (tags.includes("en") ? "en" : tags.length === 1 ? tags[0]! : undefined);
  if (tag === undefined) throw new DataError(`${source.path} holds captions ${tags.join(", ")}: say which with --captions`);
  if (!tags.includes(tag)) throw new DataError(`no captions "${tag}" in ${source.path}: there are ${tags.join(", ")}`);
  const named = files.some((path) => IMAGES.test(path));
  return {
    images: part(source, (path) => !named || IMAGES.test(path)),
    captions: part(source, (path) => (tagOf(path) ?? tag) === tag),
    lists: {},
  };
}
