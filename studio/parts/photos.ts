/** Photographs of the person's, decoded by the browser. */
import type { Pixels } from "../workers/pixels.js";

/** A photograph, and what it is called. */
export interface NamedPhoto {
  readonly name: string;
  readonly pixels: Pixels;
}

/** Longest side that is kept: more only fills memory, models look at far less. */
const LONGEST = 1024;

/** @throws Error with one sentence where the file is no image that the browser reads */
export async function readPhoto(file: File): Promise<NamedPhoto> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`${file.name} is no image that this browser reads.`);
  }
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { name: file.name, pixels: { width, height, data: data as Pixels["data"] } };
}
