/** Bilinear enlargement, against PyTorch's. */
import { describe, expect, it } from "vitest";
import { resizeBilinear } from "../../src/metrics/resize-bilinear.js";

describe("bilinear enlargement", () => {
  it("goes by the pixels' centres, as PyTorch's does", () => {
    // F.interpolate([[1, 2], [3, 4]], size 4, align_corners False): 1, 1.25, 1.75, 2 in the first row, and so on.
    const image = Float32Array.of(1, 2, 3, 4, 0, 0, 0, 0, 5, 5, 5, 5);
    const enlarged = resizeBilinear(image, 2, 4);
    const first = [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4];
    first.forEach((value, i) => expect(enlarged[i]).toBeCloseTo(value, 6));
    expect([...enlarged.subarray(32)]).toEqual(new Array(16).fill(5));
    expect([...resizeBilinear(image, 2, 2)]).toEqual([...image]);
  });
});
