/** Kernel distances, by the formula and without bias. */
import { describe, expect, it } from "vitest";
import { kernelDistance } from "../../src/metrics/kernel-distance.js";
import { RandomStream } from "../../src/random/philox.js";
import { normal } from "./matrices.js";

describe("the kernel distance", () => {
  it("is what the formula says for a few rows", () => {
    // size 1: k(x, y) = (xy + 1)³; within a: k(1, 2) = 27; within b: k(0, −1) = 1; across: k(1,0)=1, k(1,−1)=0, k(2,0)=1, k(2,−1)=−1.
    expect(kernelDistance(Float32Array.of(1, 2), Float32Array.of(0, -1), 1, new RandomStream(1))).toBeCloseTo(27 + 1 - 2 * (1 / 4), 10);
    // size 2: x·y is divided by it.
    const value = kernelDistance(Float32Array.of(2, 0, 2, 2), Float32Array.of(0, 0, 0, 0), 2, new RandomStream(1));
    expect(value).toBeCloseTo((4 / 2 + 1) ** 3 + 1 - 2, 10);
  });

  it("is unbiased: 0 on average between sets of one distribution, however few they are", () => {
    const values = Array.from({ length: 300 }, (_, i) =>
      kernelDistance(normal(10, 2 * i, [0, 1], [1, 1]), normal(10, 2 * i + 1, [0, 1], [1, 1]), 2, new RandomStream(i)),
    );
    const mean = values.reduce((a, b) => a + b) / values.length;
    const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / values.length;
    expect(Math.abs(mean)).toBeLessThan(3 * error);
    expect(Math.min(...values)).toBeLessThan(0);
  });

  it("averages over subsets of large sets, and comes to the same", () => {
    const [a, b] = [normal(400, 1, [0, 0], [1, 1]), normal(400, 2, [1, 0], [1, 1])];
    const whole = kernelDistance(a, b, 2, new RandomStream(1));
    const parts = kernelDistance(a, b, 2, new RandomStream(1), { subsetSize: 100, subsets: 40 });
    expect(whole).toBeGreaterThan(1);
    expect(Math.abs(parts / whole - 1)).toBeLessThan(0.2);
    expect(kernelDistance(a, b, 2, new RandomStream(9), { subsetSize: 100, subsets: 1 })).not.toBe(parts);
  });
});
