/** Scores, rankings and curves, on inputs whose value is known. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { inceptionScore, meanAndDeviation, softmaxRows } from "../../src/metrics/inception-score.js";
import { checkerboard } from "../../src/metrics/checkerboard.js";
import { predictions } from "../../src/evaluate/classifier.js";
import { colourHistogram } from "../../src/metrics/colour-histogram.js";
import { colourMatch } from "../../src/metrics/colour-match.js";
import { gaussianOf } from "../../src/metrics/frechet.js";
import { varianceShares } from "../../src/metrics/ground.js";
import { kMeans } from "../../src/metrics/k-means.js";
import { kernelDistance } from "../../src/metrics/kernel-distance.js";
import { bySentences, instanceRecall } from "../../src/metrics/retrieval.js";
import { pixelDeviation, withinDistance } from "../../src/metrics/variety.js";
import { cosine, rPrecision } from "../../src/metrics/r-precision.js";
import { areaOverFolds, areaUnder, rocCurve } from "../../src/metrics/roc.js";

const normal = (count: number, seed: number): Float32Array => {
  const random = new RandomStream(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

describe("the inception-style score", () => {
  it("is the number of classes where each image is of one and all come equally often", () => {
    const sure = Float32Array.from({ length: 40 * 4 }, (_, i) => (Math.floor(i / 4) % 4 === i % 4 ? 1 : 0));
    expect(inceptionScore(sure, 4)).toEqual({ mean: expect.closeTo(4, 6), deviation: expect.closeTo(0, 6) });
  });

  it("is 1 where all images look alike", () => {
    const alike = Float32Array.from({ length: 20 * 4 }, (_, i) => [0.1, 0.2, 0.3, 0.4][i % 4]);
    expect(inceptionScore(alike, 4).mean).toBeCloseTo(1, 6);
  });

  it("scores parts on their own", () => {
    // Two halves, each sure of one class of its own: 1 in parts, 2 as a whole.
    const halves = Float32Array.from({ length: 20 * 2 }, (_, i) => (i % 2 === (i < 20 ? 0 : 1) ? 1 : 0));
    expect(inceptionScore(halves, 2, 1).mean).toBeCloseTo(2, 6);
    expect(inceptionScore(halves, 2, 2).mean).toBeCloseTo(1, 6);
    expect(inceptionScore(halves.subarray(0, 2), 2).mean).toBeCloseTo(1, 6);
  });

  it("comes from probabilities that add up to 1, large logits or not", () => {
    const rows = softmaxRows(Float32Array.of(0, Math.log(3), 1000, 999), 2);
    [0.25, 0.75, 1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(1))].forEach((p, i) => expect(rows[i]).toBeCloseTo(p, 6));
    expect(meanAndDeviation([1, 2, 3, 4])).toEqual({ mean: 2.5, deviation: expect.closeTo(Math.sqrt(1.25), 12) });
  });
});

describe("what is not finite", () => {
  const sound = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i));
  const classes = [0, 0, 1, 1];
  const task = { classes: 2, size: 4, similarity: "cosine" as const };
  const four = sound.subarray(0, 16);
  const embedded = (values: Float32Array) => ({ values, classes });
  const MEASURES: readonly (readonly [string, (values: Float32Array) => unknown])[] = [
    ["Fréchet distance", (values) => gaussianOf(values, 4)],
    ["kernel distance", (values) => kernelDistance(sound, values, 4, new RandomStream(1))],
    ["kernel distance, the other set", (values) => kernelDistance(values, sound, 4, new RandomStream(1))],
    ["inception score", (values) => inceptionScore(values, 4)],
    ["softmax", (values) => softmaxRows(values, 4)],
    ["R-precision of images", (values) => rPrecision(values, sound, sound, [[1]], 4)],
    ["R-precision of captions", (values) => rPrecision(sound, values, sound, [[1]], 4)],
    ["R-precision of other captions", (values) => rPrecision(sound, sound, values, [[1]], 4)],
    ["ROC", (values) => rocCurve({ scores: values, positive: [...values].map((_, i) => i % 2 === 0) })],
    ["distance within groups", (values) => withinDistance(values, 4, 2)],
    ["deviation of pixels", (values) => pixelDeviation(values, 4, 2)],
    ["power of period two", (values) => checkerboard(values, 4)],
    ["shares of variance", (values) => varianceShares(values, 4, 4, 3)],
    ["colour match", (values) => colourMatch(values, 4, ["red"])],
    ["colour histogram", (values) => colourHistogram(values, 4)],
    ["clusters", (values) => kMeans(Float64Array.from(values), 4, 2, new RandomStream(1))],
    ["classes told", (values) => predictions(values, [4], 0)],
    ["zero-shot of images", (values) => bySentences({ ...task, images: embedded(values.subarray(0, 16)), texts: embedded(four) })],
    ["zero-shot of captions", (values) => bySentences({ ...task, images: embedded(four), texts: embedded(values.subarray(0, 16)) })],
    ["retrieval of images", (values) => instanceRecall(values.subarray(0, 16), four, [0, 1, 2, 3], task)],
    ["retrieval of captions", (values) => instanceRecall(four, values.subarray(0, 16), [0, 1, 2, 3], task)],
  ];

  it.each(MEASURES)("has no %s", (_, measure) => {
    expect(() => measure(sound)).not.toThrow();
    for (const bad of [NaN, Infinity, -Infinity])
      expect(() => measure(sound.with(9, bad))).toThrow(/value 10 of \d+ is (NaN|-?Infinity), so nothing can be measured/);
  });
});

describe("R-precision", () => {
  const [size, rows] = [8, 400];
  const texts = normal(rows * size, 1);
  const others = (count: number) => {
    const random = new RandomStream(2);
    return Array.from({ length: rows }, (_, i) => Array.from({ length: count }, () => (i + 1 + random.below(rows - 1)) % rows));
  };

  it("is 1 where every image lies on its caption, at any length", () => {
    const images = texts.map((value, i) => value * (1 + (Math.floor(i / size) % 5)));
    expect(rPrecision(images, texts, texts, others(99), size)).toBe(1);
  });

  it("is 0 where every image lies opposite, and chance for unrelated ones", () => {
    expect(
      rPrecision(
        texts.map((value) => -value),
        texts,
        texts,
        others(9),
        size,
      ),
    ).toBe(0);
    const share = rPrecision(normal(rows * size, 3), texts, texts, others(9), size);
    expect(Math.abs(share - 0.1)).toBeLessThan(3 * Math.sqrt((0.1 * 0.9) / rows));
  });

  it("gives chance, not success, to an encoder that tells nothing apart", () => {
    const same = new Float32Array(rows * size).fill(1);
    expect(rPrecision(same, same, same, others(99), size)).toBeCloseTo(0.01, 12);
  });

  it("goes by the angle", () => {
    expect(cosine(Float32Array.of(9, 9, 3, 0), 1, Float32Array.of(1, 1), 0, 2)).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosine(Float32Array.of(0, 0), 0, Float32Array.of(1, 1), 0, 2)).toBe(0);
  });
});

describe("ROC curves", () => {
  it("of a perfect, a reversed and a constant score have areas 1, 0 and one half", () => {
    const positive = [true, true, false, false, false];
    expect(areaUnder(rocCurve({ scores: [5, 4, 3, 2, 1], positive }))).toBe(1);
    expect(areaUnder(rocCurve({ scores: [1, 2, 3, 4, 5], positive }))).toBe(0);
    expect(areaUnder(rocCurve({ scores: [7, 7, 7, 7, 7], positive }))).toBeCloseTo(0.5, 12);
  });

  it("go through the rates of each threshold", () => {
    const points = rocCurve({ scores: [0.9, 0.8, 0.8, 0.1], positive: [true, false, true, false] });
    expect(points).toEqual([
      [0, 0],
      [0, 0.5],
      [0.5, 1],
      [1, 1],
    ]);
    // Pairs (positive above negative): 1, 1, ½, 1.
    expect(areaUnder(points)).toBeCloseTo(3.5 / 4, 12);
  });

  it("have the area that two normal distributions say: Φ(d / √2)", () => {
    const scores = normal(8000, 4).map((value, i) => value + (i % 2));
    const positive = Array.from(scores, (_, i) => i % 2 === 1);
    const { mean, deviation } = areaOverFolds({ scores, positive }, 5, new RandomStream(5));
    expect(mean).toBeCloseTo(0.7602, 1);
    expect(Math.abs(mean - 0.7602)).toBeLessThan(0.015);
    expect(deviation).toBeGreaterThan(0);
    expect(deviation).toBeLessThan(0.03);
  });

  it("deal both kinds of pairs out to all folds, each pair to one", () => {
    // A fold without positives would have no area.
    const positive = Array.from({ length: 1000 }, (_, i) => i < 5);
    const { mean, deviation } = areaOverFolds({ scores: positive.map(Number), positive }, 5, new RandomStream(6));
    expect({ mean, deviation }).toEqual({ mean: 1, deviation: 0 });
    // All positives alike, half of the negatives above them: a fold's two negatives are seldom one of each, all ten would be.
    const few = Array.from({ length: 15 }, (_, i) => i < 5);
    const scores = few.map((of, i) => (of ? 0.5 : i % 2));
    const mixed = areaOverFolds({ scores, positive: few }, 5, new RandomStream(7));
    expect(mixed.mean).toBeCloseTo(0.5, 12);
    expect(mixed.deviation).toBeGreaterThan(0.1);
  });
});
