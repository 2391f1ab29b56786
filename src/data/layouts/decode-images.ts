/**
 * Decoding the images of a folder or archive that have captions, several at a time, into rows that are put away as they come; whatever is
 * left out is named.
 */
import { DataError, type Skipped } from "../dataset.js";
import type { FileSource } from "../files/source.js";
import { endingOf, isImageName } from "../names.js";
import type { LayoutOptions } from "./options.js";
import type { DecodedImage, Row, Rows } from "./rows.js";

/** Bytes of the largest image file that is read. */
export const LARGEST_IMAGE = 2 ** 27;
/** What may stand beside images under their names: it is no image of another kind. */
const NO_IMAGE = /\.(?:txt|captions?|jsonl?|csv|tsv|token|xml|ya?ml|md|html?|t7|npy|npz|mat|h5|pkl|pickle|pt|pth|safetensors)$/i;
/** Images decoded at a time, where nothing else is said. */
const AT_ONCE = 4;
/** Fewer, where their files have more bytes than this in all. */
const BYTES_AT_ONCE = 2 ** 28;
/** Pixels decoded of a source, and for each byte of it, before it counts as made to keep a machine busy: photographs have 40 a byte at most. */
const MOST_PIXELS = 2 ** 27;
const MOST_PIXELS_A_BYTE = 1024;
/** What an image that took too long counts. */
const GIVEN_UP = 2 ** 26;

/**
 * Decodes an image, and resizes it, aspect ratio ignored, to a square: what a runtime has for that.
 * @param size Side that batches are made of; the stored side may be larger.
 * @throws Error that says what is wrong with the bytes
 */
export type ImageDecoder = (bytes: Uint8Array, size: number) => Promise<DecodedImage>;

/** How images are decoded, and where their pixels go. */
export interface Decoding {
  readonly decode: ImageDecoder;
  readonly rows: Rows;
  /** Images decoded at a time (default 4). */
  readonly atOnce?: number;
}

/** A decoded image: what was known of it, and where its pixels are. */
export interface Decoded<T> extends Row {
  readonly file: T;
}

/** Where images come from and what is known of them. */
export interface ImageSource<T> {
  /** The data set's name, for messages. */
  readonly name: string;
  readonly source: FileSource;
  /** What is known of the image at a path; or why it is left out. */
  readonly find: (path: string) => T | string;
  /** Images expected. */
  readonly total: number;
  /** Side of the images that batches are made of. */
  readonly size: number;
}

/** @throws DataError where the images are more than fit the source's size; the signal's reason where it is stopped */
export async function decodeImages<T extends object>(
  { name, source, find, total, size }: ImageSource<T>,
  { decode, rows, atOnce = AT_ONCE }: Decoding,
  { onProgress, signal }: Pick<LayoutOptions, "onProgress" | "signal">,
): Promise<{ decoded: Decoded<T>[]; skipped: Skipped[] }> {
  const decoded: Decoded<T>[] = [];
  const skipped: Skipped[] = [];
  const taken = new Set<T>();
  const otherKinds = new Map<T, string>();
  const running = new Set<Promise<void>>();
  const mostPixels = MOST_PIXELS + MOST_PIXELS_A_BYTE * (await source.size());
  let pixelsDone = 0;
  let bytesRunning = 0;
  const failed = (path: string, reason: string): void => {
    skipped.push({ file: `${source.name}/${path}`, reason: `cannot be decoded (${reason})` });
  };
  for (const [path, outcome] of rows.done) {
    const file = find(path);
    if (typeof file === "string") continue;
    taken.add(file);
    pixelsDone += outcome.work;
    if ("at" in outcome) decoded.push({ file, side: outcome.side, at: outcome.at });
    else failed(path, outcome.reason);
  }
  const wanted = (path: string): boolean => {
    const other = isImageName(path) || NO_IMAGE.test(path) ? "" : find(path);
    if (typeof other !== "string") otherKinds.set(other, path);
    return isImageName(path) && !rows.done.has(path);
  };
  const tell = (): void => onProgress?.({ phase: "prepare", what: name, done: decoded.length + skipped.length, total });
  if (decoded.length > 0) tell();
  /** What ends the preparation: no fault of one image. */
  let failure: Error | undefined;
  const putAway = async (file: T, path: string, bytes: Uint8Array): Promise<void> => {
    const image = await decode(bytes, size).catch((error: unknown) => firstLine(error));
    if (typeof image === "string") {
      const work = /^timeout/.test(image) ? GIVEN_UP : 0;
      rows.fail(path, image, work);
      failed(path, image);
      pixelsDone += work;
    } else {
      decoded.push({ file, ...rows.add(path, image) });
      pixelsDone += image.work;
    }
  };
  try {
    for await (const { path, bytes } of source.read({ wanted, largest: LARGEST_IMAGE, onSkipped: (one) => skipped.push(one) })) {
      signal?.throwIfAborted();
      if (pixelsDone > mostPixels) {
        throw new DataError(
          `${source.path} holds images of more than ${mostPixels} pixels, which no photographs of its size have: make them smaller`,
        );
      }
      const found = find(path);
      if (typeof found === "string" || taken.has(found)) {
        const reason = typeof found === "string" ? found : "a second image of this name";
        skipped.push({ file: `${source.name}/${path}`, reason });
        continue;
      }
      taken.add(found);
      const work = putAway(found, path, bytes)
        .catch((error: Error) => void (failure ??= error))
        .finally(() => {
          running.delete(work);
          bytesRunning -= bytes.length;
          tell();
        });
      running.add(work);
      bytesRunning += bytes.length;
      while (running.size >= atOnce || bytesRunning > BYTES_AT_ONCE) {
        await Promise.race(running);
      }
      if (failure) throw failure;
    }
  } finally {
    await Promise.all(running);
  }
  // No other work changes it any more.
  if (failure) throw failure as Error;
  for (const [file, path] of otherKinds) {
    if (!taken.has(file)) {
      const kind = endingOf(path) === "" ? "without an ending that says its kind" : `of a kind that is not read (${endingOf(path)})`;
      skipped.push({ file: `${source.name}/${path}`, reason: `an image ${kind}: save it as JPEG or PNG` });
    }
  }
  return { decoded, skipped: skipped.sort((a, b) => byName(a.file, b.file)) };
}

/** By code units: the same order everywhere, whatever the language of the machine. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!.trim();
}
