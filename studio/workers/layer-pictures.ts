/** Values of layers as pictures: kernels, responses, and a heat map of derivatives. */
import type { LayerValues } from "../../src/drawing/layers.js";
import type { Pixels } from "./pixels.js";

/** Tiles of a layer that are shown: more are beyond what an eye compares. */
const MOST_TILES = 64;

/** Grey pictures [height, width], each value from black (−most) over grey to white (most). */
function grey(values: ArrayLike<number>, width: number, height: number, most: number): Pixels {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let p = 0; p < width * height; p++) data.fill(127.5 + (127.5 * values[p]!) / (most || 1), 4 * p, 4 * p + 3);
  return { width, height, data };
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * Kernels as tiles: in colour where they read or write an image's three channels, else a grey one for each pair of channels.
 * @param transposed Whether the shape is [in, out, K, K] instead of [out, in, K, K].
 */
export function kernelTiles({ shape, values }: LayerValues, transposed: boolean): Pixels[] {
  const [first, second, side] = shape as [number, number, number];
  const most = largest(values);
  const plane = side * side;
  // The image's channels come second in both: a convolution reads them, a transposed one writes them.
  if (second === 3)
    return Array.from({ length: Math.min(first, MOST_TILES) }, (_, i) => {
      const data = new Uint8ClampedArray(4 * plane).fill(255);
      for (let p = 0; p < plane; p++)
        for (let c = 0; c < 3; c++) data[4 * p + c] = 127.5 + (127.5 * values[(3 * i + c) * plane + p]!) / (most || 1);
      return { width: side, height: side, data };
    });
  const tiles: Pixels[] = [];
  const [outs, ins] = transposed ? [second, first] : [first, second];
  // A square of pairs: the first channels in with the first channels out.
  const each = Math.ceil(Math.sqrt(MOST_TILES));
  for (let o = 0; o < Math.min(each, outs); o++)
    for (let i = 0; i < Math.min(each, ins); i++) {
      const at = (transposed ? i * second + o : o * second + i) * plane;
      tiles.push(grey(values.subarray(at, at + plane), side, side, most));
    }
  return tiles;
}

/** One tile a channel. */
export function responseTiles({ shape, values }: LayerValues): Pixels[] {
  const [channels, height, width] = shape as [number, number, number];
  const most = largest(values);
  return Array.from({ length: Math.min(channels, MOST_TILES) }, (_, c) =>
    grey(values.subarray(c * height * width, (c + 1) * height * width), width, height, most),
  );
}

/** How strongly each pixel pulls: black for nothing, over red and yellow to white for the most. @param gradient [3, size, size] */
export function heatMap(gradient: Float32Array, size: number): Pixels {
  const plane = size * size;
  const strength = Float32Array.from({ length: plane }, (_, p) => Math.hypot(...[0, 1, 2].map((c) => gradient[c * plane + p]!)));
  const most = largest(strength) || 1;
  const data = new Uint8ClampedArray(4 * plane).fill(255);
  strength.forEach((value, p) => {
    const heat = (3 * value) / most;
    for (let c = 0; c < 3; c++) data[4 * p + c] = 255 * Math.min(1, Math.max(0, heat - c));
  });
  return { width: size, height: size, data };
}
