/** The colour-histogram classifier, on discs of one colour. */
import { describe, expect, it } from "vitest";
import { ColourClassifier, colourHistogram } from "../../src/metrics/colour-histogram.js";
import type { Colour } from "../../src/metrics/colour-match.js";
import { RandomStream } from "../../src/random/philox.js";

describe("the colour-histogram classifier", () => {
  /** A disc of one colour, with some noise, on a background of any. */
  const flower = (r: number, g: number, b: number, seed: number, side = 16): Float32Array => {
    const random = new RandomStream(seed);
    const background = [random.uniform(), random.uniform(), random.uniform()];
    const image = new Float32Array(3 * side * side);
    for (let c = 0; c < 3; c++) {
      for (let at = 0; at < side * side; at++) {
        const [x, y] = [at % side, Math.floor(at / side)];
        const inside = Math.hypot(x - side / 2 + 0.5, y - side / 2 + 0.5) < side * 0.4;
        image[c * side * side + at] = 2 * (inside ? [r, g, b][c]! + 0.1 * random.normal() : background[c]!) - 1;
      }
    }
    return image;
  };
  const COLOURS: readonly [Colour, number, number, number][] = [
    ["red", 0.9, 0.1, 0.1],
    ["blue", 0.1, 0.2, 0.9],
    ["white", 0.95, 0.95, 0.95],
  ];
  const histograms = (count: number, seed: number) =>
    Array.from({ length: count }, (_, i) => {
      const [colour, r, g, b] = COLOURS[i % 3]!;
      return { colour, histogram: colourHistogram(flower(r, g, b, seed + i), 16) };
    });

  it("learns which colours go by which name", () => {
    const lesson = histograms(30, 0);
    const classifier = ColourClassifier.train(
      lesson.map(({ histogram }) => histogram),
      lesson.map(({ colour }) => colour),
      60,
    );
    const fresh = histograms(30, 1000);
    expect(fresh.filter(({ colour, histogram }) => classifier.colourOf(histogram) === colour).length).toBe(30);
    const sum = classifier.probabilities(fresh[0]!.histogram).reduce((a, b) => a + b);
    expect(sum).toBeCloseTo(1, 10);
  });

  it("looks at the middle of the image only", () => {
    const [a, b] = [flower(0.9, 0.1, 0.1, 1), flower(0.9, 0.1, 0.1, 1)];
    for (let at = 0; at < 3 * 16; at++) b[at] = a[at]! > 0 ? -1 : 1;
    expect(colourHistogram(b, 16)).toEqual(colourHistogram(a, 16));
    expect(colourHistogram(a, 16).reduce((sum, root) => sum + root ** 2, 0)).toBeCloseTo(1, 10);
  });
});
