/** The inception-style score, on probabilities whose score is known. */
import { describe, expect, it } from "vitest";
import { inceptionScore, softmaxRows } from "../../src/metrics/inception-score.js";
import { meanAndDeviation } from "../../src/metrics/score.js";

describe("the inception-style score", () => {
  it("is the number of classes where each image is of one and all come equally often", () => {
    const sure = Float32Array.from({ length: 40 * 4 }, (_, i) => (Math.floor(i / 4) % 4 === i % 4 ? 1 : 0));
    expect(inceptionScore(sure, 4)).toEqual({ mean: expect.closeTo(4, 6), deviation: expect.closeTo(0, 6) });
  });

  it("is 1 where all images look alike", () => {
    const alike = Float32Array.from({ length: 20 * 4 }, (_, i) => [0.1, 0.2, 0.3, 0.4][i % 4]!);
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
