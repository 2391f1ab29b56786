/** The power of period two in stripes of known amplitude. */
import { describe, expect, it } from "vitest";
import { checkerboard } from "../../src/metrics/checkerboard.js";

describe("the power of period two", () => {
  const size = 8;
  const image = (value: (x: number, y: number) => number) =>
    Float32Array.from({ length: 2 * 3 * size * size }, (_, at) => value(at % size, Math.floor(at / size) % size));
  const stripe = (i: number) => 0.1 * (-1) ** i;

  it("is half the squared amplitude of stripes either way, their sum where both lie over each other", () => {
    const squared = (0.1 * 127.5) ** 2;
    expect(checkerboard(image(stripe), size)).toBeCloseTo(squared / 2, 3);
    expect(
      checkerboard(
        image((_, y) => stripe(y)),
        size,
      ),
    ).toBeCloseTo(squared / 2, 3);
    expect(
      checkerboard(
        image((x, y) => stripe(x) - stripe(y)),
        size,
      ),
    ).toBeCloseTo(squared, 3);
  });

  it("is nothing for even images, and for stripes of period four", () => {
    expect(
      checkerboard(
        image(() => 0.7),
        size,
      ),
    ).toBeCloseTo(0, 8);
    expect(
      checkerboard(
        image((x) => (x % 4 < 2 ? 0.5 : -0.5)),
        size,
      ),
    ).toBeCloseTo(0, 8);
  });
});
