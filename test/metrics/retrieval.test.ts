/** Measures of joint embeddings on inputs of known value: perfect ones, random ones, ties, and small cases done by hand. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { bySentences, chance, instanceRecall, mostAp50, pairRecall, sentenceCounts, type Task } from "../../src/metrics/retrieval.js";
import { scoreZeroShot, zeroShot } from "../../src/train/text/zero-shot.js";

const [CLASSES, IMAGES, CAPTIONS, SIZE] = [5, 60, 150, 8];
const classesOf = (each: number) => Array.from({ length: CLASSES * each }, (_, i) => Math.floor(i / each));

/** A class's direction in every row, and as much noise as asked for. */
function task(noise: number, signal = 1, similarity: Task["similarity"] = "cosine", seed = 1): Task {
  const random = new RandomStream(seed);
  const rows = (each: number) => ({
    values: Float32Array.from({ length: CLASSES * each * SIZE }, (_, at) => {
      const own = at % SIZE === Math.floor(at / SIZE / each);
      return (own ? signal : 0) + noise * random.normal();
    }),
    classes: classesOf(each),
  });
  return { images: rows(IMAGES), texts: rows(CAPTIONS), classes: CLASSES, size: SIZE, similarity };
}

const measured = (t: Task) => zeroShot(t.images, t.texts, t.classes, t.size, t.similarity);

describe("zero-shot", () => {
  it.each(["cosine", "dot"] as const)("is 1 for a perfect embedding by %s, and chance for a random one", (similarity) => {
    expect(measured(task(0.01, 1, similarity))).toEqual({ top1: 1, ap50: 1 });
    const runs = Array.from({ length: 20 }, (_, seed) => measured(task(1, 0, similarity, seed)));
    const { top1, ap50 } = chance.zeroShot(CLASSES);
    expect(Math.abs(runs.reduce((sum, run) => sum + run.top1 / 20, 0) - top1)).toBeLessThan(0.03);
    expect(Math.abs(runs.reduce((sum, run) => sum + run.ap50 / 20, 0) - ap50)).toBeLessThan(0.03);
  });

  it("is what one counts by hand: top-1 over images, AP@50 over classes", () => {
    // Three images of class 0, one of class 1. The scores send one of class 0 astray.
    const scores = Float32Array.of(...[2, 1], ...[2, 1], ...[0, 1], ...[0, 3]);
    const { top1, ap50 } = scoreZeroShot(scores, [0, 0, 0, 1], 2);
    expect(top1).toBeCloseTo(3 / 4, 9);
    // All four images are among the first 50 of each class.
    expect(ap50).toBeCloseTo((3 / 50 + 1 / 50) / 2, 9);
  });

  it("looks at the first 50 images of a class only", () => {
    // 60 images a class; class 0's score ranks all of class 1 before its own.
    const scores = Float32Array.from({ length: 240 }, (_, at) => {
      const [image, c] = [Math.floor(at / 2), at % 2];
      return c === 0 ? image : image / 1000;
    });
    const classes = Array.from({ length: 120 }, (_, i) => (i < 60 ? 0 : 1));
    expect(scoreZeroShot(scores, classes, 2).ap50).toBe(0.5);
  });

  it("gives nothing for ties: embeddings that say nothing find nothing", () => {
    const flat = task(0, 0, "dot");
    expect(measured(flat).top1).toBe(0);
  });

  it("by cosine is blind to lengths, by dot product is not", () => {
    const t = task(0.3);
    const longer = { ...t, texts: { ...t.texts, values: t.texts.values.map((v, at) => (at < CAPTIONS * SIZE ? 50 * v : v)) } };
    expect(measured(longer)).toEqual(measured(t));
    expect(measured({ ...longer, similarity: "dot" }).top1).toBeLessThan(measured({ ...t, similarity: "dot" }).top1);
  });
});

describe("by sentences", () => {
  it("goes by powers of two to all captions, which is the plain measure", () => {
    const t = task(0.8);
    expect(sentenceCounts(t)).toEqual([1, 2, 4, 8, 16, 32, 64, 128]);
    const results = bySentences(t, { draws: 6 });
    expect(results.map(({ sentences }) => sentences)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 150]);
    expect(results.at(-1)).toEqual({ sentences: 150, deviation: 0, ...measured(t) });
  });

  it("grows with them, and varies between draws of few", () => {
    const results = bySentences(task(1), { draws: 10 });
    expect(results[0]!.top1).toBeLessThan(results[3]!.top1);
    expect(results[3]!.top1).toBeLessThan(results.at(-1)!.top1 + 0.02);
    expect(results[0]!.deviation).toBeGreaterThan(results[7]!.deviation);
    expect(bySentences(task(1), { draws: 10 })).toEqual(results);
    expect(bySentences(task(1), { draws: 10, seed: 2 })[0]).not.toEqual(results[0]);
  });
});

describe("recall of instances", () => {
  const size = 16;
  const random = new RandomStream(4);
  const [n, each] = [200, 5];
  const images = Float32Array.from({ length: n * size }, () => random.normal());
  const imageOf = Uint32Array.from({ length: n * each }, (_, j) => Math.floor(j / each));
  const near = (noise: number) =>
    Float32Array.from({ length: n * each * size }, (_, at) =>
      noise < Infinity ? images[imageOf[Math.floor(at / size)]! * size + (at % size)]! + noise * random.normal() : random.normal(),
    );

  it("is 1 for a perfect embedding", () => {
    const { captionToImage, imageToCaption } = instanceRecall(images, near(0.01), imageOf, { size, similarity: "cosine" });
    expect([captionToImage, imageToCaption]).toEqual([
      { 1: 1, 5: 1, 10: 1 },
      { 1: 1, 5: 1, 10: 1 },
    ]);
  });

  it("is chance for a random one", () => {
    const { captionToImage, imageToCaption } = instanceRecall(images, near(Infinity), imageOf, { size, similarity: "cosine" });
    const expected = { captionToImage: chance.captionToImage(n), imageToCaption: chance.imageToCaption(each, n * each) };
    expect(expected.captionToImage).toEqual({ 1: 1 / 200, 5: 5 / 200, 10: 10 / 200 });
    expect(expected.imageToCaption[10]).toBeCloseTo(1 - 0.95, 2);
    for (const k of [1, 5, 10] as const) {
      expect(Math.abs(captionToImage[k] - expected.captionToImage[k])).toBeLessThan(0.02);
      expect(Math.abs(imageToCaption[k] - expected.imageToCaption[k])).toBeLessThan(0.05);
    }
  });

  it("is what one counts by hand, in both directions, ties against it", () => {
    const [a, b] = [Float32Array.of(1, 0, 0, 1), Float32Array.of(1, 0, 0, 1, 1, 1)];
    // Caption 0 is image 0's and finds it; caption 1 is image 0's and finds the other; caption 2 is a tie, image 1's.
    const { captionToImage, imageToCaption } = instanceRecall(a, b, [0, 0, 1], { size: 2, similarity: "dot" });
    expect(captionToImage).toEqual({ 1: 1 / 3, 5: 1, 10: 1 });
    // Image 0's own caption 0 ties with caption 2; image 1's caption 2 with caption 1.
    expect(imageToCaption).toEqual({ 1: 0, 5: 1, 10: 1 });
  });

  it("of pairs of captions", () => {
    const first = near(0.01).subarray(0, n * size);
    expect(pairRecall(first, first, { size, similarity: "cosine" })[1]).toBe(1);
    expect(pairRecall(first, new Float32Array(first.length), { size, similarity: "dot" })[10]).toBe(0);
  });
});

describe("what can be reached", () => {
  it("is less than 1 where classes have fewer than 50 images", () => {
    expect(mostAp50(task(1))).toBe(1);
    expect(mostAp50({ images: { values: new Float32Array(0), classes: [0, 0, 1] }, classes: 2 })).toBeCloseTo(1.5 / 50, 9);
  });

  it("chance of finding one of several captions: by counting for two of four among two", () => {
    // 1 − (2/4 · 1/3), the share of pairs without either.
    const two = chance.imageToCaption(2, 4);
    expect(two[1]).toBeCloseTo(1 / 2, 9);
    expect(two[5]).toBe(1);
  });
});
