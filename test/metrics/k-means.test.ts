/** Clusters of points that lie apart. */
import { describe, expect, it } from "vitest";
import { kMeans } from "../../src/metrics/k-means.js";
import { RandomStream } from "../../src/random/philox.js";

describe("k-means", () => {
  /** 30 blobs on a grid, ten points each, far from one another. */
  const blobs = () => {
    const random = new RandomStream(1);
    return Float64Array.from({ length: 300 * 2 }, (_, i) => {
      const blob = Math.floor(i / 20);
      return (i % 2 === 0 ? blob % 6 : Math.floor(blob / 6)) * 10 + 0.1 * random.normal();
    });
  };

  it("finds blobs that lie apart, each as one cluster, whatever the seed", () => {
    for (let seed = 0; seed < 5; seed++) {
      const { assignment, inertia } = kMeans(blobs(), 2, 30, new RandomStream(seed));
      const found = Array.from({ length: 30 }, (_, blob) => new Set(assignment.subarray(10 * blob, 10 * (blob + 1))));
      expect(found.map((clusters) => clusters.size)).toEqual(new Array(30).fill(1));
      expect(new Set(found.map((clusters) => [...clusters][0])).size).toBe(30);
      // 600 coordinates of variance .01, but for the 30 means fitted to them.
      expect(inertia).toBeGreaterThan(3);
      expect(inertia).toBeLessThan(9);
    }
  });

  it("puts each centre at the mean of its points", () => {
    const { centres, assignment } = kMeans(Float64Array.of(0, 1, 2, 10, 12), 1, 2, new RandomStream(3));
    expect([...centres].sort((a, b) => a - b)).toEqual([1, 11]);
    expect(assignment[0]).toBe(assignment[2]);
    expect(assignment[0]).not.toBe(assignment[3]);
  });

  it("is a function of the seed, and makes no more clusters than there are points", () => {
    const points = Float64Array.from({ length: 200 }, (_, i) => Math.sin(i * 7.3));
    expect(kMeans(points, 2, 9, new RandomStream(4))).toEqual(kMeans(points, 2, 9, new RandomStream(4)));
    expect(kMeans(Float64Array.of(1, 1, 5, 5, 5), 1, 4, new RandomStream(5)).centres).toHaveLength(2);
  });
});
