/** Grids of images as pixels, and the captions of their rows. */
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { encodePng } from "../../src/node/files/png.js";
import { captionList, imageGrid } from "../../src/pictures/image-grid.js";

describe("imageGrid", () => {
  /** `count` images of 2x2, image i with red i/10, green -1, blue a ramp over its pixels. */
  const images = (count: number) =>
    Float32Array.from({ length: count * 12 }, (_, at) => {
      const channel = Math.floor((at % 12) / 4);
      return channel === 0 ? Math.floor(at / 12) / 10 : channel === 1 ? -1 : (at % 4) / 3;
    });

  const grid = (...words: Parameters<typeof imageGrid>) => encodePng(imageGrid(...words));

  function pixel(png: Uint8Array, x: number, y: number): number[] {
    const { data, width } = PNG.sync.read(Buffer.from(png));
    return [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
  }

  it("places image i at row i / columns, column i % columns, channels apart", () => {
    const png = grid(images(5), 2, { columns: 3, gap: 1 });
    const { width, height } = PNG.sync.read(Buffer.from(png));
    expect([width, height]).toEqual([3 * 3 + 1, 2 * 3 + 1]);
    expect(pixel(png, 1, 1)).toEqual([128, 0, 128]);
    // Image 4 is the second of the second row; its last pixel has blue 1.
    expect(pixel(png, 5, 5)).toEqual([Math.round(1.4 * 127.5), 0, 255]);
    // Between the images, and where the sixth would be.
    expect(pixel(png, 3, 1)).toEqual([24, 24, 24]);
    expect(pixel(png, 8, 5)).toEqual([24, 24, 24]);
  });

  it("enlarges without blurring", () => {
    const png = grid(images(1), 2, { columns: 4, gap: 0, scale: 3 });
    expect(PNG.sync.read(Buffer.from(png))).toMatchObject({ width: 6, height: 6 });
    expect([0, 1, 2, 3, 4, 5].map((x) => pixel(png, x, 0)[2])).toEqual([128, 128, 128, 170, 170, 170]);
  });

  it("clips what lies outside, and shows NaN as black", () => {
    const png = grid(Float32Array.of(7, -7, NaN), 1, { columns: 1, gap: 0 });
    expect(pixel(png, 0, 0)).toEqual([255, 0, 0]);
  });

  it("gives the same bytes for the same images, and refuses what is no batch of images", () => {
    expect(grid(images(3), 2, { columns: 2 })).toEqual(grid(images(3), 2, { columns: 2 }));
    expect(() => imageGrid(new Float32Array(13), 2, { columns: 2 })).toThrow("13 values are no images of 3x2x2");
    expect(() => imageGrid(new Float32Array(0), 2, { columns: 2 })).toThrow(RangeError);
  });

  it("lists captions by row", () => {
    expect(captionList(["a red flower", "یک گل"])).toBe("row 1: a red flower\nrow 2: یک گل\n");
  });
});
