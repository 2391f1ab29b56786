/** No measure is taken of what is not finite. */
import { describe, expect, it } from "vitest";
import { predictions } from "../../src/evaluate/classifier.js";
import { inceptionScore, softmaxRows } from "../../src/metrics/inception-score.js";
import { checkerboard } from "../../src/metrics/checkerboard.js";
import { colourHistogram } from "../../src/metrics/colour-histogram.js";
import { colourMatch } from "../../src/metrics/colour-match.js";
import { gaussianOf } from "../../src/metrics/frechet.js";
import { varianceShares } from "../../src/metrics/ground.js";
import { kMeans } from "../../src/metrics/k-means.js";
import { kernelDistance } from "../../src/metrics/kernel-distance.js";
import { bySentences, instanceRecall } from "../../src/metrics/retrieval.js";
import { pixelDeviation, withinDistance } from "../../src/metrics/variety.js";
import { rPrecision } from "../../src/metrics/r-precision.js";
import { rocCurve } from "../../src/metrics/roc.js";
import { RandomStream } from "../../src/random/philox.js";

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
