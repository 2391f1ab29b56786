/** Clusters, variety and colours, on inputs whose value is known. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { ColourClassifier, colourHistogram } from "../../src/metrics/colour-histogram.js";
import type { Colour } from "../../src/metrics/colour-match.js";
import { kMeans } from "../../src/metrics/k-means.js";
import { checkerboard } from "../../src/metrics/checkerboard.js";
import { pixelDeviation, withinDistance } from "../../src/metrics/variety.js";

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
        image[c * side * side + at] = 2 * (inside ? [r, g, b][c] + 0.1 * random.normal() : background[c]) - 1;
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
      const [colour, r, g, b] = COLOURS[i % 3];
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
    const sum = classifier.probabilities(fresh[0].histogram).reduce((a, b) => a + b);
    expect(sum).toBeCloseTo(1, 10);
  });

  it("looks at the middle of the image only", () => {
    const [a, b] = [flower(0.9, 0.1, 0.1, 1), flower(0.9, 0.1, 0.1, 1)];
    for (let at = 0; at < 3 * 16; at++) b[at] = a[at] > 0 ? -1 : 1;
    expect(colourHistogram(b, 16)).toEqual(colourHistogram(a, 16));
    expect(colourHistogram(a, 16).reduce((sum, root) => sum + root ** 2, 0)).toBeCloseTo(1, 10);
  });
});
