/** Decoding the images of a folder or archive that have captions, several at a time; whatever is left out is named. */
import { DataError, type Skipped } from "../dataset.js";
import type { FileSource } from "../files/source.js";
import { endingOf, isImageName } from "../names.js";
import type { LayoutOptions } from "./options.js";

/** Bytes of the largest image file that is read. */
export const LARGEST_IMAGE = 2 ** 27;
/** What may stand beside images under their names: it is no image of another kind. */
const NO_IMAGE = /\.(?:txt|captions?|jsonl?|csv|tsv|token|xml|ya?ml|md|html?|t7|npy|npz|mat|h5|pkl|pickle|pt|pth|safetensors)$/i;
/** Images decoded at a time. */
const AT_ONCE = 4;
/** Pixels decoded of a source, and for each byte of it, before it counts as made to keep a machine busy: photographs have 40 a byte at most. */
const MOST_PIXELS = 2 ** 27;
const MOST_PIXELS_A_BYTE = 1024;
/** What an image that took too long counts. */
const GIVEN_UP = 2 ** 26;

export interface DecodedImage {
  readonly side: number;
  readonly pixels: Uint8Array;
  /** Pixels that were decoded; rows and columns count as 64 at least, since thousands of tiny rows take as long. */
  readonly work: number;
}

/**
 * Decodes an image, and resizes it, aspect ratio ignored, to a square: what a runtime has for that.
 * @param size Side that batches are made of; the stored side may be larger.
 * @throws Error that says what is wrong with the bytes
 */
export type ImageDecoder = (bytes: Uint8Array, size: number) => Promise<DecodedImage>;

/** A decoded image, and what was known of it. */
export interface Decoded<T> {
  readonly file: T;
  readonly side: number;
  readonly pixels: Uint8Array;
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
  decode: ImageDecoder,
  { onProgress, signal }: Pick<LayoutOptions, "onProgress" | "signal">,
): Promise<{ decoded: Decoded<T>[]; skipped: Skipped[] }> {
  const decoded: Decoded<T>[] = [];
  const skipped: Skipped[] = [];
  const taken = new Set<T>();
  const otherKinds = new Map<T, string>();
  const running = new Set<Promise<void>>();
  const mostPixels = MOST_PIXELS + MOST_PIXELS_A_BYTE * (await source.size());
  let pixelsDone = 0;
  const wanted = (path: string): boolean => {
    const other = isImageName(path) || NO_IMAGE.test(path) ? "" : find(path);
    if (typeof other !== "string") otherKinds.set(other, path);
    return isImageName(path);
  };
  try {
    for await (const { path, bytes } of source.read({ wanted, largest: LARGEST_IMAGE, onSkipped: (one) => skipped.push(one) })) {
      signal?.throwIfAborted();
      if (pixelsDone > mostPixels) {
        throw new DataError(
          `${source.path} holds images of more than ${mostPixels} pixels, which no photographs of its size have: make them smaller`,
        );
      }
      const named = `${source.name}/${path}`;
      const found = find(path);
      if (typeof found === "string" || taken.has(found)) {
        skipped.push({ file: named, reason: typeof found === "string" ? found : "a second image of this name" });
        continue;
      }
      taken.add(found);
      const work = decode(bytes, size)
        .then(
          (image) => {
            decoded.push({ file: found, side: image.side, pixels: image.pixels });
            pixelsDone += image.work;
          },
          (error: unknown) => {
            skipped.push({ file: named, reason: `cannot be decoded (${firstLine(error)})` });
            pixelsDone += /^timeout/.test(firstLine(error)) ? GIVEN_UP : 0;
          },
        )
        .finally(() => {
          running.delete(work);
          onProgress?.({ phase: "prepare", what: name, done: decoded.length + skipped.length, total });
        });
      running.add(work);
      if (running.size >= AT_ONCE) {
        await Promise.race(running);
      }
    }
  } finally {
    await Promise.all(running);
  }
  for (const [file, path] of otherKinds) {
    if (!taken.has(file)) {
      const kind = endingOf(path) === "" ? "without an ending that says its kind" : `of a kind that is not read (${endingOf(path)})`;
      skipped.push({ file: `${source.name}/${path}`, reason: `an image ${kind}: save it as JPEG or PNG` });
    }
  }
  return { decoded, skipped: skipped.sort((a, b) => byName(a.file, b.file)) };
}

/** All pixels one after the other. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** By code units: the same order everywhere, whatever the language of the machine. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!.trim();
}
