/** ROC curves of scores whose areas are known. */
import { describe, expect, it } from "vitest";
import { areaOverFolds, areaUnder, rocCurve } from "../../src/metrics/roc.js";
import { RandomStream } from "../../src/random/philox.js";

const normal = (count: number, seed: number): Float32Array => {
  const random = new RandomStream(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

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
