/** An image file as the pixels that a data set stores, and as a batch of one wants them. */
import sharp, { type OutputInfo } from "sharp";
import { DataError } from "../../data/dataset.js";
import { latin1 } from "../../formats/byte-reader.js";
import { LARGEST_IMAGE } from "../../data/layouts/decode-images.js";
import type { DecodedImage } from "../../data/layouts/rows.js";
import { readFileUpTo } from "./read-file.js";
import { type Photo, photoImage, storedSide } from "../../data/photo.js";
import { resizeArea } from "../../data/resize.js";

/** Pixels of the largest image: decoding takes up to ten bytes for each, and preparing may take 1.5 GB in all. */
const MOST_PIXELS = 2 ** 26;
/** Images up to this size are decoded side by side, as many as are asked for; larger ones a few at a time, the largest one at a time. */
const MANY_PIXELS = 2 ** 21;
const FEW_PIXELS = MOST_PIXELS / 4;
const FEW = 4;
/** Longer sides are no picture's. */
const LONGEST_SIDE = 2 ** 16 - 1;
/** Seconds after which decoding is given up. */
const LONGEST_WAIT = 20;

/**
 * Decodes an image, and resizes it, aspect ratio ignored, to a square.
 * @param size Side that batches are made of; the stored side may be larger.
 * @throws Error as `decodePhoto` does.
 */
export async function decodeImage(bytes: Uint8Array, size: number): Promise<DecodedImage> {
  const { width, height, pixels } = await decodePhoto(bytes);
  const side = storedSide(width, height, size);
  return { side, pixels: resizeArea(pixels, width, height, side, side), work: Math.max(64, width) * Math.max(64, height) };
}

/**
 * Decodes an image of any format sharp reads, upright, on white where it is transparent.
 * @returns Its pixels as RGB.
 * @throws Error where the bytes are no sound image, or one of more than 67 million pixels.
 */
async function decodePhoto(bytes: Uint8Array): Promise<Photo> {
  if (/^(?:\xef\xbb\xbf)?\s*</.test(latin1(bytes.subarray(0, 64)))) {
    // A drawing in SVG may ask for anything, and a saved web page is the commoner case.
    throw new Error("a web page, or another text, not a photograph");
  }
  const { data, info } = await decode(bytes, MANY_PIXELS)
    .catch(ifLarger(() => few.run(() => decode(bytes, FEW_PIXELS))))
    .catch(ifLarger(() => one.run(() => decodeLarge(bytes))));
  if (Math.max(info.width, info.height) > LONGEST_SIDE) {
    throw tooManyPixels(info);
  }
  return { width: info.width, height: info.height, pixels: info.channels === 3 ? data : spread(data, info.channels) };
}

interface Raw {
  readonly data: Buffer;
  readonly info: OutputInfo;
}

async function decode(bytes: Uint8Array, mostPixels: number): Promise<Raw> {
  // Warnings alone (stray bytes between markers, as some photographs have) are no damage; missing or unreadable data is.
  return sharp(bytes, { failOn: "error", limitInputPixels: mostPixels })
    .timeout({ seconds: LONGEST_WAIT })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
}

async function decodeLarge(bytes: Uint8Array): Promise<Raw> {
  const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (width * height > MOST_PIXELS || Math.max(width, height) > LONGEST_SIDE) {
    throw tooManyPixels({ width, height });
  }
  return decode(bytes, MOST_PIXELS);
}

function tooManyPixels({ width, height }: { readonly width: number; readonly height: number }): Error {
  return new Error(`${width}x${height} pixels, more than are read: make it smaller`);
}

/** What is done where sharp says that an image has more pixels than it was told to take. */
const ifLarger =
  (decode: () => Promise<Raw>) =>
  (error: Error): Promise<Raw> => {
    if (!/exceeds pixel limit/.test(error.message)) throw error;
    return decode();
  };

/** Pieces of work of which so many at most are done at a time, in the order in which they are given. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(most: number) {
    this.#free = most;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

const few = new Turns(FEW);
const one = new Turns(1);

/** Grey (with or without opacity) as RGB. */
function spread(grey: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array((grey.length / channels) * 3);
  for (let i = 0; i < out.length; i++) {
    out[i] = grey[Math.floor(i / 3) * channels]!;
  }
  return out;
}

/**
 * A photograph as evaluation sees the images of a data set: resized as they are, then the centre. @returns [3, size, size] in [-1, 1].
 * @throws DataError where the file is missing or no image.
 */
export async function readPhoto(path: string, size: number): Promise<Float32Array> {
  const bytes = await readFileUpTo(path, LARGEST_IMAGE).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof DataError) throw error;
    throw new DataError(error.code === "ENOENT" ? `${path}: no such image` : `${path} cannot be read (${error.code ?? error.message})`);
  });
  const photo = await decodePhoto(bytes).catch((error: Error) => {
    throw new DataError(`${path} cannot be decoded as an image (${error.message.split("\n")[0]!.trim()})`);
  });
  return photoImage(photo, size);
}
