/** R-precision of embeddings that fit, do not, or say nothing. */
import { describe, expect, it } from "vitest";
import { cosine, rPrecision } from "../../src/metrics/r-precision.js";
import { RandomStream } from "../../src/random/philox.js";

const normal = (count: number, seed: number): Float32Array => {
  const random = new RandomStream(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

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
