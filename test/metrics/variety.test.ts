/** Variety within groups, on inputs whose value is known. */
import { describe, expect, it } from "vitest";
import { pixelDeviation, withinDistance } from "../../src/metrics/variety.js";

describe("variety", () => {
  it("is the mean distance of two members of a group", () => {
    // (0,0), (3,4), (0,0): distances 5, 0, 5; then three equal points far away.
    const features = Float32Array.of(0, 0, 3, 4, 0, 0, 100, 100, 100, 100, 100, 100);
    expect(withinDistance(features, 2, 3)).toBeCloseTo((10 / 3 + 0) / 2, 10);
  });

  it("of pixels is their deviation, channels in [0, 1]", () => {
    // Pixel 0: −1 and 1 (0 and 1: deviation ½); pixel 1: constant.
    expect(pixelDeviation(Float32Array.of(-1, 0.3, 1, 0.3), 2, 2)).toBeCloseTo(0.25, 6);
    expect(pixelDeviation(Float32Array.of(-1, -1, 1, 1), 1, 2)).toBeCloseTo(0, 6);
  });
});
