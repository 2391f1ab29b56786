/** Frames as a GIF file: to choose their colours takes the better part of a second, so it is no work for the page. */
import { applyPalette, GIFEncoder, quantize } from "gifenc";
import type { Pixels } from "./pixels.js";

/** Frames as an endless animation. @param delay Milliseconds a frame. */
export function gif(frames: readonly Pixels[], delay: number): Blob {
  const encoder = GIFEncoder();
  for (const { width, height, data } of frames) {
    const palette = quantize(data, 256);
    encoder.writeFrame(applyPalette(data, palette), width, height, { palette, delay });
  }
  encoder.finish();
  return new Blob([encoder.bytes()], { type: "image/gif" });
}
