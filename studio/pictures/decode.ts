/** A picture's bytes as the pixels that a data set stores, decoded by the browser: upright, on white where it is transparent. */
import type { DecodedImage } from "../../src/data/layouts/rows.js";
import { storedSide } from "../../src/data/photo.js";
import { resizeArea } from "../../src/data/resize.js";

/** Pixels of the largest picture: each takes some ten bytes on the way. */
const MOST_PIXELS = 2 ** 26;

/** @throws Error that says what is wrong with it */
export async function decodePicture(bytes: Uint8Array, size: number): Promise<DecodedImage> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), { imageOrientation: "from-image" });
  } catch {
    throw new Error("damaged, or of a kind that this browser does not read");
  }
  const { width, height } = bitmap;
  try {
    if (width * height > MOST_PIXELS) throw new Error(`${width}x${height} pixels, more than are read: make it smaller`);
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false })!;
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    const rgb = withoutAlpha(context.getImageData(0, 0, width, height).data);
    const side = storedSide(width, height, size);
    return { side, pixels: resizeArea(rgb, width, height, side, side), work: Math.max(64, width) * Math.max(64, height) };
  } finally {
    bitmap.close();
  }
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from]!;
    rgb[to++] = rgba[from + 1]!;
    rgb[to++] = rgba[from + 2]!;
  }
  return rgb;
}
