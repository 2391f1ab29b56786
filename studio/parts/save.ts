/** Giving the person a file, or a line for the clipboard. */
import type { Picture } from "../../src/pictures/image-grid.js";
import type { Pixels } from "../workers/pixels.js";

/** Offers a file for saving. */
export function save(contents: Blob, name: string): void {
  const address = URL.createObjectURL(contents);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Pixels as a PNG file. @param scale Each pixel becomes a square of this side. */
export async function png({ width, height, data }: Pixels, scale = 1): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.putImageData(new ImageData(data, width, height), 0, 0);
  if (scale === 1) return canvas.convertToBlob({ type: "image/png" });
  const larger = new OffscreenCanvas(width * scale, height * scale);
  const context = larger.getContext("2d")!;
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, larger.width, larger.height);
  return larger.convertToBlob({ type: "image/png" });
}

/** The core's pictures have three bytes a pixel, a canvas's four. */
export function withAlpha({ width, height, pixels }: Picture): Pixels {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let p = 0; p < width * height; p++) for (let c = 0; c < 3; c++) data[4 * p + c] = pixels[3 * p + c]!;
  return { width, height, data };
}

/** Images side by side, row by row, with gaps. */
export function grid(images: readonly Pixels[], columns: number, gap = 4): Pixels {
  const { width, height } = images[0]!;
  const rows = Math.ceil(images.length / columns);
  const whole = { width: columns * (width + gap) + gap, height: rows * (height + gap) + gap };
  const data = new Uint8ClampedArray(4 * whole.width * whole.height);
  for (let p = 3; p < data.length; p += 4) data[p] = 255;
  images.forEach((image, i) => {
    const [left, top] = [gap + (i % columns) * (width + gap), gap + Math.floor(i / columns) * (height + gap)];
    for (let y = 0; y < height; y++)
      data.set(image.data.subarray(4 * y * width, 4 * (y + 1) * width), 4 * ((top + y) * whole.width + left));
  });
  return { ...whole, data };
}

/** A sentence as part of a file's name. */
export const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60) || "image";
