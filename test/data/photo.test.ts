/** A photograph as the data set's images are: the centre, whole, on white where it is transparent. */
import { describe, expect, it } from "vitest";
import { DataError } from "../../src/data/dataset.js";
import { photoImage } from "../../src/data/photo.js";
import { resizeArea } from "../../src/data/resize.js";

/** A ramp that differs by channel. */
const ramp = (width: number, height: number): Uint8Array =>
  Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + (i % 3) * 50) % 256);

/** RGB with an opacity. */
const withOpacity = (rgb: Uint8Array, opacity: (pixel: number) => number): Uint8ClampedArray =>
  Uint8ClampedArray.from({ length: (rgb.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? opacity(Math.floor(i / 4)) : rgb[3 * Math.floor(i / 4) + (i % 4)]!,
  );

describe("photoImage", () => {
  it("is the centre of the photograph as a data set stores it, planes of [-1, 1]", () => {
    const pixels = ramp(40, 33);
    const stored = resizeArea(pixels, 40, 33, 19, 19);
    const image = photoImage({ width: 40, height: 33, pixels }, 16);
    expect(image.length).toBe(3 * 16 * 16);
    for (const [c, y, x] of [
      [0, 0, 0],
      [1, 5, 9],
      [2, 15, 15],
    ] as const)
      expect(image[(c * 16 + y) * 16 + x]).toBeCloseTo(stored[((y + 1) * 19 + x + 1) * 3 + c]! / 127.5 - 1, 6);
  });

  it("is taken whole where it is no larger than what is wanted", () => {
    const pixels = ramp(4, 4);
    const image = photoImage({ width: 4, height: 4, pixels }, 4);
    expect([image[0], image[16], image[47]]).toEqual([pixels[0], pixels[1], pixels[47]].map((byte) => Math.fround(byte! / 127.5 - 1)));
  });

  it("stands on white where it is transparent", () => {
    const rgb = ramp(4, 4);
    expect(photoImage({ width: 4, height: 4, pixels: withOpacity(rgb, () => 255) }, 4)).toEqual(
      photoImage({ width: 4, height: 4, pixels: rgb }, 4),
    );
    const some = photoImage({ width: 4, height: 4, pixels: withOpacity(rgb, (pixel) => (pixel === 0 ? 0 : pixel === 1 ? 51 : 255)) }, 4);
    expect([some[0], some[16], some[32]]).toEqual([1, 1, 1]);
    // A fifth of the green, four fifths white.
    expect(some[17]).toBeCloseTo(Math.round((rgb[4]! * 51 + 255 * 204) / 255) / 127.5 - 1, 6);
  });

  it("is refused where its bytes are no such pixels", () => {
    for (const [width, height, bytes] of [
      [4, 4, 16],
      [4, 4, 47],
      [0, 4, 0],
      [-4, -4, 48],
    ] as const)
      expect(() => photoImage({ width, height, pixels: new Uint8Array(bytes) }, 4)).toThrow(DataError);
  });
});
