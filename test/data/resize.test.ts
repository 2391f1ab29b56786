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
});
