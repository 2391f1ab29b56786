/** Images as an animation: GIF, or WebP where colours matter more than old programs. */
import sharp from "sharp";
import { imageGrid } from "../../pictures/image-grid.js";

/** How an animation is laid out, and how fast it plays. */
export interface AnimationOptions {
  readonly format: "gif" | "webp";
  /** Images beside one another in a frame. */
  readonly columns: number;
  /** Milliseconds a frame. */
  readonly delay: number;
  /** Each pixel becomes a square of this side (default 1). */
  readonly scale?: number;
}

/**
 * Plays frames to the last and back again, for ever.
 * @param frames [N, 3, size, size] each, in [−1, 1]
 */
export async function animation(
  frames: readonly Float32Array[],
  size: number,
  { format, columns, delay, scale }: AnimationOptions,
): Promise<Uint8Array> {
  const loop = [...frames, ...frames.slice(1, -1).reverse()];
  const pages = loop.map((images) => imageGrid(images, size, { columns, scale }));
  const { width, height } = pages[0]!;
  // One tall picture, of which sharp makes a page of every so many lines.
  const tall = Buffer.concat(pages.map(({ pixels }) => pixels));
  const raw = { width, height: height * pages.length, channels: 3 as const, pageHeight: height };
  const timing = { loop: 0, delay: loop.map(() => delay) };
  const picture = sharp(tall, { raw });
  return format === "gif" ? picture.gif(timing).toBuffer() : picture.webp({ ...timing, quality: 90 }).toBuffer();
}
