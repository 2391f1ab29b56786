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

/** Pixels → [3, height, width] in [−1, 1]; what is transparent lies on white. */
export function fromPixels({ width, height, data }: Pixels): Float32Array {
  const plane = width * height;
  const image = new Float32Array(3 * plane);
  for (let p = 0; p < plane; p++) {
    const alpha = data[4 * p + 3]! / 255;
    for (let c = 0; c < 3; c++) image[c * plane + p] = (data[4 * p + c]! * alpha + 255 * (1 - alpha)) / 127.5 - 1;
  }
  return image;
}
