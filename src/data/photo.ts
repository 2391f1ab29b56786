/** A photograph that is no data set's, from its pixels: in a page those of a canvas, in Node those that a decoder gives. */
import { centreViews, fillImages } from "./batch.js";
import { DataError } from "./dataset.js";
import { resizeArea } from "./resize.js";

/** Room for random crops: an image is stored 76 pixels wide where 64 are taken, as in the original program. */
const MARGIN = 76 / 64;

/** Side at which an image is stored: with a margin to crop from where the source is larger than `size`, else without. */
export function storedSide(width: number, height: number, size: number): number {
  return Math.min(width, height) > size ? Math.round(size * MARGIN) : size;
}

export interface Photo {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] of RGB, or [height, width, 4] of RGBA, opacity not multiplied in (the `data` of a page's ImageData). */
  readonly pixels: Uint8Array | Uint8ClampedArray;
}

/**
 * A photograph as evaluation sees the images of a data set: on white where it is transparent, resized as they are (aspect ratio ignored),
 * then the centre.
 * @param size Side of the result.
 * @returns [3, size, size] in [-1, 1].
 * @throws DataError where it has no pixels, or another number of them than its sides say
 */
export function photoImage({ width, height, pixels }: Photo, size: number): Float32Array {
  const channels = pixels.length / (width * height);
  if (!(width > 0 && height > 0 && (channels === 3 || channels === 4)))
    throw new DataError(`a photograph of ${width}x${height} pixels has 3 or 4 bytes for each, not ${pixels.length} in all`);
  const side = storedSide(width, height, size);
  const stored = resizeArea(channels === 3 ? pixels : onWhite(pixels), width, height, side, side);
  const photo = { size, side: () => side, pixels: () => stored };
  return fillImages(photo, [0], centreViews(photo, [0]));
}

/** RGBA as RGB. */
function onWhite(pixels: Photo["pixels"]): Uint8Array {
  const out = new Uint8Array((pixels.length / 4) * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4) {
    const opacity = pixels[from + 3]!;
    for (let c = 0; c < 3; c++) out[to++] = Math.round((pixels[from + c]! * opacity + 255 * (255 - opacity)) / 255);
  }
  return out;
}
