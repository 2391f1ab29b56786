/** Making images smaller by area and larger by lines between the corners. */
import { describe, expect, it } from "vitest";
import { resizeArea } from "../../src/data/resize.js";

/** Grey as RGB. */
const rgb = (values: readonly number[]): Uint8Array => Uint8Array.from(values.flatMap((value) => [value, value, value]));
const red = (pixels: Uint8Array): number[] => Array.from({ length: pixels.length / 3 }, (_, i) => pixels[3 * i]!);

describe("resizeArea", () => {
  it("keeps an image of the right size as it is", () => {
    const pixels = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => (i * 37) % 256);
    expect(resizeArea(pixels, 5, 4, 5, 4)).toEqual(pixels);
  });

  it("averages over the source area, each axis by itself", () => {
    expect(red(resizeArea(rgb([0, 100, 200, 60]), 4, 1, 2, 1))).toEqual([50, 130]);
    // Three into two: the middle one counts half on either side.
    expect(red(resizeArea(rgb([30, 90, 240]), 3, 1, 2, 1))).toEqual([50, 190]);
    expect(red(resizeArea(rgb([0, 10, 20, 30, 40, 50]), 2, 3, 1, 1))).toEqual([25]);
  });

  it("rounds to the nearest byte", () => {
    expect(red(resizeArea(rgb([1, 1, 1, 0]), 4, 1, 1, 1))).toEqual([1]);
    expect(red(resizeArea(rgb([1, 0, 0, 0]), 4, 1, 1, 1))).toEqual([0]);
  });

  it("keeps the channels apart", () => {
    expect([...resizeArea(Uint8Array.of(10, 20, 30, 30, 40, 50), 2, 1, 1, 1)]).toEqual([20, 30, 40]);
  });

  it("enlarges linearly between the corners", () => {
    expect(red(resizeArea(rgb([0, 100]), 2, 1, 5, 1))).toEqual([0, 25, 50, 75, 100]);
    expect(red(resizeArea(rgb([7]), 1, 1, 3, 1))).toEqual([7, 7, 7]);
  });

  it("has the bits of sums in their plain order", () => {
    for (const [width, height, newWidth, newHeight] of [
      [640, 480, 76, 76],
      [480, 37, 76, 19],
      [77, 999, 76, 76],
      [131, 97, 19, 19],
      [76, 76, 76, 76],
    ] as const) {
      let state = width * 31 + height;
      const pixels = Uint8Array.from({ length: width * height * 3 }, () => {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
        return state >> 16;
      });
      expect(
        Buffer.compare(resizeArea(pixels, width, height, newWidth, newHeight), plain(pixels, width, height, newWidth, newHeight)),
      ).toBe(0);
    }
  });
});

/** The mean over the source area, added up place by place: rows first, then columns, each sum kept as a float. */
function plain(pixels: Uint8Array, width: number, height: number, newWidth: number, newHeight: number): Uint8Array {
  const shares = (length: number, newLength: number) =>
    Array.from({ length: newLength }, (_, i) => {
      const [start, end] = [(i * length) / newLength, ((i + 1) * length) / newLength];
      const first = Math.floor(start);
      const count = Math.min(length, Math.ceil(end - 1e-9)) - first;
      return Array.from({ length: count }, (_unused, j) => {
        const covered = Math.min(end, first + j + 1) - Math.max(start, first + j);
        return { place: first + j, weight: Math.fround(covered / (end - start)) };
      });
    });
  const [columns, rows] = [shares(width, newWidth), shares(height, newHeight)];
  const narrow = new Float32Array(height * newWidth * 3);
  for (let y = 0; y < height; y++) {
    columns.forEach((places, x) => {
      for (let c = 0; c < 3; c++)
        narrow[(y * newWidth + x) * 3 + c] = places.reduce(
          (sum, { place, weight }) => sum + weight * pixels[(y * width + place) * 3 + c]!,
          0,
        );
    });
  }
  return Uint8Array.from({ length: newHeight * newWidth * 3 }, (_, i) => {
    const [y, x] = [Math.floor(i / (newWidth * 3)), i % (newWidth * 3)];
    return rows[y]!.reduce((sum, { place, weight }) => Math.fround(sum + weight * narrow[place * newWidth * 3 + x]!), 0.5);
  });
}
