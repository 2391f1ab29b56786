/** The pattern of period two that transposed convolutions of stride two can leave in images (Odena et al. 2016, "Deconvolution and checkerboard artifacts"). */
import { requireFinite } from "./finite.js";

/**
 * Power at period two along rows and along columns, averaged over lines: a stripe pattern of amplitude a along one of them has a² / 2.
 * @param images [N, 3, S, S] in [−1, 1]
 * @param size S, even
 * @returns in squared grey levels of 255
 */
export function checkerboard(images: Float32Array, size: number): number {
  requireFinite(images, "the pixels of images");
  const plane = size * size;
  let power = 0;
  for (let start = 0; start < images.length; start += plane) {
    for (let line = 0; line < size; line++) {
      let [row, column] = [0, 0];
      for (let i = 0; i < size; i++) {
        const sign = i % 2 === 0 ? 1 : -1;
        row += sign * images[start + line * size + i]!;
        column += sign * images[start + i * size + line]!;
      }
      power += row ** 2 + column ** 2;
    }
  }
  const lines = (2 * images.length) / size;
  return (power / lines) * (127.5 / size) ** 2;
}
