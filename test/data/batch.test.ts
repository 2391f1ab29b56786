/** Images and captions as the rows of a batch: views of an image, pixels as numbers, characters as columns. */
import { describe, expect, it } from "vitest";
import { Alphabet } from "../../src/data/alphabet.js";
import { centreViews, fillCaptions, fillImages, fillPixels } from "../../src/data/batch.js";
import { PackedDataset } from "../../src/data/packed.js";
import { tinyDataset, tinyPrepared } from "./tiny-dataset.js";

const unit = (byte: number): number => Math.fround(byte / 127.5 - 1);

describe("fillImages", () => {
  const dataset = tinyDataset({ size: 4, side: 7 });

  it("writes NCHW in [-1, 1], cropped at x and y, mirrored left to right", () => {
    const views = { x: Int16Array.of(1, 3), y: Int16Array.of(2, 0), mirror: Uint8Array.of(0, 1) };
    const out = fillImages(dataset, [6, 9], views);
    expect(out).toHaveLength(2 * 3 * 16);
    for (let row = 0; row < 2; row++) {
      for (let y = 0; y < 4; y++) {
        for (let x = 0; x < 4; x++) {
          // Pixel (x, y) of image i is (i, x, y).
          const source = views.mirror[row] ? views.x[row]! + 3 - x : views.x[row]! + x;
          const at = (channel: number): number => out[((row * 3 + channel) * 4 + y) * 4 + x]!;
          expect([at(0), at(1), at(2)]).toEqual([unit([6, 9][row]!), unit(source), unit(views.y[row]! + y)]);
        }
      }
    }
  });

  it("maps 0 to -1 and 255 to 1", () => {
    expect([unit(0), unit(255)]).toEqual([-1, 1]);
  });

  it("repeats edge pixels where a view reaches outside", () => {
    const flat = tinyDataset({ size: 4 });
    const out = fillImages(flat, [0], { x: Int16Array.of(-2), y: Int16Array.of(1), mirror: Uint8Array.of(0) });
    expect([...out.subarray(16, 20)]).toEqual([0, 0, 0, 1].map(unit));
    expect([0, 1, 2, 3].map((y) => out[32 + 4 * y])).toEqual([1, 2, 3, 3].map(unit));
  });

  it("enlarges a part of the crop to the whole, by linear interpolation", () => {
    // Pixel (x, y) of image i is (i, x, y), here times 16. Of the 4 x 4 crop at (2, 1), the middle 2 x 2: the centres of the columns lie at
    // 3.25 ... 4.75 of the stored image, less a half.
    const steep = new PackedDataset({
      ...tinyPrepared({ size: 4, side: 7 }),
      pixels: tinyPrepared({ size: 4, side: 7 }).pixels.map((v) => 16 * v),
    });
    const part = { left: Float32Array.of(1), top: Float32Array.of(1), side: Float32Array.of(2) };
    const views = { x: Int16Array.of(2), y: Int16Array.of(1), mirror: Uint8Array.of(0), part };
    const out = fillPixels(steep, [5], views);
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 4; x++)
        expect([...out.subarray((4 * y + x) * 3, (4 * y + x) * 3 + 3)]).toEqual([80, 16 * (2.75 + x / 2), 16 * (1.75 + y / 2)]);
    const line = (pixels: Uint8Array) => [0, 1, 2, 3].map((x) => pixels[3 * x + 1]);
    expect(line(fillPixels(steep, [5], { ...views, mirror: Uint8Array.of(1) })).reverse()).toEqual(line(out));
    const whole = { left: Float32Array.of(0, 0), top: Float32Array.of(0, 0), side: Float32Array.of(4, 4) };
    const two = { x: Int16Array.of(2, 0), y: Int16Array.of(1, 3), mirror: Uint8Array.of(0, 1) };
    expect(fillPixels(steep, [5, 8], { ...two, part: whole })).toEqual(fillPixels(steep, [5, 8], two));
  });

  it("brightens and darkens about black", () => {
    const views = { x: Int16Array.of(0, 0), y: Int16Array.of(0, 0), mirror: new Uint8Array(2) };
    const plain = fillPixels(dataset, [6, 9], views);
    const lit = fillPixels(dataset, [6, 9], { ...views, light: Float32Array.of(0.5, 40) });
    plain.forEach((value, i) => expect(lit[i]).toBe(Math.min(255, Math.round(value * (i < 48 ? 0.5 : 40)))));
  });

  it("takes the middle for evaluation", () => {
    const views = centreViews(dataset, [0, 1]);
    expect([...views.x, ...views.y, ...views.mirror]).toEqual([1, 1, 1, 1, 0, 0]);
  });

  it("has the same images as bytes, pixel by pixel", () => {
    const big = tinyDataset({ size: 4, side: 7 });
    // Copied by lines; mirrored; reaching outside on the left, on the right, above and below.
    const views = { x: Int16Array.of(2, 3, -1, 5, 1), y: Int16Array.of(1, 0, -2, 5, 2), mirror: Uint8Array.of(0, 1, 0, 0, 1) };
    const images = [0, 1, 2, 3, 4];
    const floats = fillImages(big, images, views);
    const bytes = fillPixels(big, images, views);
    expect(bytes).toHaveLength(floats.length);
    bytes.forEach((byte, i) => {
      const [row, rest] = [Math.floor(i / 48), i % 48];
      const pixel = Math.floor(rest / 3);
      expect(floats[row * 48 + (rest % 3) * 16 + pixel]).toBe(unit(byte));
      const [side, from] = [7, views.mirror[row] ? views.x[row]! + 3 - (pixel % 4) : views.x[row]! + (pixel % 4)];
      const clamped = (v: number) => Math.min(side - 1, Math.max(0, v));
      expect(byte).toBe([images[row], clamped(from), clamped(views.y[row]! + Math.floor(pixel / 4))][rest % 3]);
    });
  });
});

describe("fillCaptions", () => {
  it("writes one row of indices a caption, cut to the columns asked for", () => {
    const dataset = tinyDataset({ captionsOf: () => ["abcd", "b"] });
    expect([...fillCaptions(dataset, [0, 1], 3)]).toEqual([1, 2, 3, 2, 0, 0]);
    expect(fillCaptions(dataset, [0])).toHaveLength(201);
    expect([...fillCaptions(dataset, [1], 2, undefined, Alphabet.fromCaptions(["ab"], 1))]).toEqual([3, 0]);
    expect(() => fillCaptions(dataset, [0], 3, new Uint32Array(4))).toThrow(/need 3 indices, the array has 4/);
  });
});
