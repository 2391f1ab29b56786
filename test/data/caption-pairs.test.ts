/** Pairs of captions of one image, for training on sentences alone. */
import { describe, expect, it } from "vitest";
import { CaptionPairSampler } from "../../src/data/caption-pairs.js";
import { tinyDataset } from "./tiny-dataset.js";

const dataset = tinyDataset({
  classes: 5,
  imagesPerClass: 4,
  captionsOf: (i) => Array.from({ length: i === 3 ? 1 : 4 }, (_, j) => `${i} ${j}`),
});
const images = dataset.imagesOfSplit("train");

describe("CaptionPairSampler", () => {
  it("draws two different captions of each of different images, as a function of seed and step", () => {
    const sampler = new CaptionPairSampler(dataset, { batch: 6, seed: 1, images });
    const pairs = new Set<string>();
    for (let step = 0; step < 200; step++) {
      const { first, second } = sampler.batch(step);
      const of = (captions: Uint32Array) => [...captions].map((caption) => dataset.imageOfCaption(caption));
      expect(of(first)).toEqual(of(second));
      expect(new Set(of(first)).size).toBe(6);
      expect(of(first)).not.toContain(3);
      first.forEach((caption, row) =>
        pairs.add(`${caption - dataset.firstCaption(of(first)[row]!)} ${second[row]! - dataset.firstCaption(of(first)[row]!)}`),
      );
      expect(of(first).every((image) => images.includes(image))).toBe(true);
    }
    // All ordered pairs of two different ones of four.
    expect(pairs.size).toBe(12);
    expect([...pairs].some((pair) => pair[0] === pair[2])).toBe(false);
    expect(new CaptionPairSampler(dataset, { batch: 6, seed: 1, images }).batch(7)).toEqual(sampler.batch(7));
    expect(sampler.batch(8)).not.toEqual(sampler.batch(7));
  });

  it("draws from the first captions only, where so asked", () => {
    const { first, second } = new CaptionPairSampler(dataset, { batch: 12, seed: 1, images, sentences: 2 }).batch(0);
    for (const caption of [...first, ...second]) expect(caption - dataset.firstCaption(dataset.imageOfCaption(caption))).toBeLessThan(2);
  });

  it("says when there are too few images", () => {
    expect(() => new CaptionPairSampler(dataset, { batch: 16, seed: 1, images })).toThrow(
      "15 images have two captions or more, and a batch needs 16",
    );
  });
});
