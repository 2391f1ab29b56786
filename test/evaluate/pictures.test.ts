/** Which images the measures are taken on: real ones, and noise; and which captions. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { joined } from "../../src/tensor/rows.js";
import { drawPairs, halves, noiseImages, otherCaptions, realImages, rivals } from "../../src/evaluate/pictures.js";
import { tinyDataset } from "../data/tiny-dataset.js";

const dataset = tinyDataset({ classes: 10, imagesPerClass: 6 });

describe("pairs of images and captions", () => {
  it("take every image equally often, each with one of its own captions", () => {
    const images = dataset.imagesOfSplit("test");
    const pairs = drawPairs(dataset, images, 24, new RandomStream(1));
    for (const image of images) expect(pairs.images.filter((other) => other === image)).toHaveLength(2);
    pairs.captions.forEach((caption, i) => expect(dataset.imageOfCaption(caption)).toBe(pairs.images[i]));
    expect(new Set(pairs.captions.map((caption) => caption % 2)).size).toBe(2);
    expect(drawPairs(dataset, images, 5, new RandomStream(1)).images).toHaveLength(5);
    expect(drawPairs(dataset, images, 24, new RandomStream(2))).not.toEqual(pairs);
  });

  it("compete with captions of other classes only", () => {
    const { captions } = drawPairs(dataset, dataset.imagesOfSplit("train"), 40, new RandomStream(3));
    const classOf = (place: number) => dataset.classOf(dataset.imageOfCaption(captions[place]!));
    const others = otherCaptions(dataset, captions, 9, 1)!;
    others.forEach((places, i) => {
      expect(places).toHaveLength(9);
      expect(new Set(places).size).toBe(9);
      for (const place of places) expect(classOf(place)).not.toBe(classOf(i));
    });
    expect(new Set(others.flat()).size).toBeGreaterThan(30);
    expect(otherCaptions(dataset, captions.slice(0, 1), 9, 1)).toBeUndefined();
  });

  it("compete with different sentences, as many as are asked for or none at all", () => {
    // Every image of a class has the class's own sentence and one that all have.
    const said = tinyDataset({ classes: 10, imagesPerClass: 6, captionsOf: (image) => [`class ${Math.floor(image / 6)}`, "an image"] });
    const captions = Array.from({ length: said.captions }, (_, i) => i);
    const text = (place: number) => said.caption(captions[place]!);
    // Nine other classes, and what all say is no other's.
    expect(rivals(said, captions)).toBe(9);
    const others = otherCaptions(said, captions, 9, 1)!;
    others.forEach((places, i) => {
      const own = Math.floor(said.imageOfCaption(captions[i]!) / 6);
      expect(places.map(text).sort()).toEqual(said.classes.flatMap((_, c) => (c === own ? [] : [`class ${c}`])));
    });
    expect(otherCaptions(said, captions, 10, 1)).toBeUndefined();
    expect(rivals(said, [])).toBe(0);
  });
});

describe("the images of a split", () => {
  it("are held against each other in halves that share none", () => {
    const [a, b] = halves(dataset, "train", 1000, 1);
    expect([a.length, b.length]).toEqual([24, 24]);
    expect(new Set([...a, ...b]).size).toBe(48);
    expect(halves(dataset, "train", 10, 1).map((half) => half.length)).toEqual([10, 10]);
  });

  it("come in parts that together are all of them, in order", () => {
    const large = tinyDataset({ classes: 5, imagesPerClass: 40 });
    const images = Array.from({ length: 200 }, (_, i) => 199 - i);
    const parts = [...realImages(large, images)];
    expect(parts.length).toBeGreaterThan(1);
    const all = joined(parts);
    // The red of image i is i, of 255.
    images.forEach((image, i) => expect(all[i * 3 * 16]).toBeCloseTo(image / 127.5 - 1, 6));
  });

  it("have noise as their other end: independent values over the whole range", () => {
    const all = joined([...noiseImages(4, 300, 1)]);
    expect(all).toHaveLength(300 * 48);
    const mean = all.reduce((a, b) => a + b) / all.length;
    const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1 / 3)).toBeLessThan(0.01);
  });
});
