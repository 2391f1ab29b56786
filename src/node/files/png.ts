/** Pictures as PNG files. */
import { PNG } from "pngjs";
import type { Picture } from "../../pictures/image-grid.js";

/** @returns an RGB PNG; the same picture gives the same bytes */
export function encodePng({ width, height, pixels }: Picture): Uint8Array {
  const png = new PNG({ width, height, colorType: 2, inputColorType: 2, inputHasAlpha: false });
  png.data = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  return PNG.sync.write(png, { colorType: 2, inputColorType: 2, inputHasAlpha: false });
}
