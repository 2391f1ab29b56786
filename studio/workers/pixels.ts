/** Images between the engine's numbers and a canvas's bytes. */

/** An image as a canvas takes it: [height, width, 4] bytes. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** [3, size, size] in [−1, 1] → pixels. Uint8ClampedArray rounds and clips, as the PNG files of the command line do. */
export function toPixels(image: Float32Array, size: number): Pixels {
  const plane = size * size;
  const data = new Uint8ClampedArray(4 * plane);
  for (let p = 0; p < plane; p++) {
    for (let c = 0; c < 3; c++) data[4 * p + c] = (image[c * plane + p]! + 1) * 127.5;
    data[4 * p + 3] = 255;
  }
  return { width: size, height: size, data };
}

/** [N, 3, size, size] in [−1, 1] → the pixels of each. */
export function allPixels(images: Float32Array, size: number): Pixels[] {
  const each = 3 * size * size;
  return Array.from({ length: images.length / each }, (_, i) => toPixels(images.subarray(i * each, (i + 1) * each), size));
}
