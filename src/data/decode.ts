// An image file as the pixels that a data set stores, and as a batch of one wants them.

import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { centreViews, fillImages } from "./batch.js";
import { DataError } from "./dataset.js";
import { resizeArea } from "./resize.js";

/** Room for random crops: an image is stored 76 pixels wide where 64 are taken, as in the original program. */
const MARGIN = 76 / 64;

/** Side at which an image is stored: with a margin to crop from where the source is larger than `size`, else without. */
export function storedSide(width: number, height: number, size: number): number {
  return Math.min(width, height) > size ? Math.round(size * MARGIN) : size;
}

/**
 * Decodes an image of any format sharp reads, upright, on white where it is transparent, and resizes it, aspect ratio ignored, to a square.
 * @param size Side that batches are made of; the stored side may be larger. @throws Error where the bytes are no sound image.
 */
export async function decodeImage(bytes: Uint8Array, size: number): Promise<{ side: number; pixels: Uint8Array }> {
  // Warnings alone (stray bytes between markers, as some photographs have) are no damage; missing or unreadable data is.
  const { data, info } = await sharp(bytes, { failOn: "error" })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const rgb = info.channels === 3 ? data : spread(data, info.channels);
  const side = storedSide(info.width, info.height, size);
  return { side, pixels: resizeArea(rgb, info.width, info.height, side, side) };
}

/** Grey (with or without opacity) as RGB. */
function spread(grey: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array((grey.length / channels) * 3);
  for (let i = 0; i < out.length; i++) {
    out[i] = grey[Math.floor(i / 3) * channels];
  }
  return out;
}

/**
 * A photograph as evaluation sees the images of a data set: resized as they are, then the centre. @returns [3, size, size] in [-1, 1].
 * @throws DataError where the file is missing or no image.
 */
export async function readPhoto(path: string, size: number): Promise<Float32Array> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(error.code === "ENOENT" ? `${path}: no such image` : `${path} cannot be read (${error.code ?? error.message})`);
  });
  const { side, pixels } = await decodeImage(bytes, size).catch((error: Error) => {
    throw new DataError(`${path} cannot be decoded as an image (${error.message.split("\n")[0]!.trim()})`);
  });
  const photo = { size, side: () => side, pixels: () => pixels };
  return fillImages(photo, [0], centreViews(photo, [0]));
}
