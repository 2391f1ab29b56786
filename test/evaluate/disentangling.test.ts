/** Style verification: which pairs are made, and what perfect, useless and misleading vectors get. */
import { describe, expect, it } from "vitest";
import type { Dataset } from "../../src/data/dataset.js";
import { drawStyle, petalsClasses } from "../../src/data/petals-classes.js";
import { RandomStream } from "../../src/random/philox.js";
import { backgrounds, pairsByCluster, poses, verify } from "../../src/evaluate/disentangling.js";

/** 400 points in 100 tight groups of four on a circle; groups that are next to each other share nothing. */
const groups = Float32Array.from({ length: 800 }, (_, i) => {
  const angle = (2 * Math.PI * Math.floor(i / 8)) / 100;
  return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
});

const styles = (count: number) => {
  const random = new RandomStream(1);
  return Array.from({ length: count }, () => drawStyle(random));
};

/** As much of a data set of petals as is asked for. */
const petals = (list: ReturnType<typeof styles>, classes = 130): Dataset =>
  ({ attributes: (image: number) => ({ named: petalsClasses()[image % classes], style: list[image] }) }) as unknown as Dataset;

describe("pairs of one cluster", () => {
  it("are of one group, the others of two, and there are as many of both", () => {
    const { pairs, positive } = pairsByCluster({ values: groups, size: 2 }, 1);
    expect(positive.filter(Boolean)).toHaveLength(100 * 6);
    expect(pairs).toHaveLength(2 * 600);
    pairs.forEach(([i, j], at) => {
      expect(i).not.toBe(j);
      expect(Math.floor(i / 4) === Math.floor(j / 4)).toBe(positive[at]);
    });
    const kept = new Set(pairs.filter((_, at) => positive[at]).map(([i, j]) => `${Math.max(i, j)} ${Math.min(i, j)}`));
    expect(kept.size).toBe(600);
  });

  it("are told apart by vectors that say the group, not by those that say nothing", () => {
    const pairs = pairsByCluster({ values: groups, size: 2 }, 1);
    expect(verify(pairs, groups, 2, 1).area.value).toBe(1);
    const random = new RandomStream(2);
    const { area, curve } = verify(
      pairs,
      Float32Array.from({ length: 800 }, () => random.normal()),
      2,
      1,
    );
    expect(Math.abs(area.value - 0.5)).toBeLessThan(0.05);
    expect(area.deviation).toBeGreaterThan(0);
    expect([curve[0], curve.at(-1)]).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });
});

describe("what is known of petals", () => {
  const list = styles(300);
  const images = list.map((_, i) => i);

  it("are the colours of the backgrounds", () => {
    const { values, size } = backgrounds(petals(list), images);
    expect(size).toBe(3);
    expect(values[3]).toBeCloseTo(list[1]!.backgroundColour[0] / 255, 12);
    expect(values[899]).toBeCloseTo(list[299]!.backgroundColour[2] / 255, 12);
  });

  it("are the poses, every coordinate with deviation 1", () => {
    const { values, size } = poses(petals(list), images)!;
    for (let d = 0; d < size; d++) {
      const column = images.map((i) => values[i * size + d]!);
      const mean = column.reduce((a, b) => a + b) / column.length;
      expect(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length).toBeCloseTo(1, 8);
    }
    // The first coordinate is the place from left to right.
    expect(values[0]! / values[size]!).toBeCloseTo(list[0]!.x / list[1]!.x, 10);
  });

  it("count a turn by one petal as no turn, and half of that as one", () => {
    const turned = (share: number) => ({
      ...list[0]!,
      rotation: list[0]!.rotation + (share * 2 * Math.PI) / petalsClasses()[0]!.petalCount,
    });
    const { values, size } = poses(petals([list[0]!, turned(1), turned(0.5)], 1), [0, 1, 2])!;
    const apart = (i: number) =>
      Math.hypot(values[size - 2]! - values[i * size + size - 2]!, values[size - 1]! - values[i * size + size - 1]!);
    expect(apart(1)).toBeCloseTo(0, 6);
    expect(apart(2)).toBeGreaterThan(1);
  });
});

describe("the background of photographs", () => {
  it("is the mean colour of the border, an eighth of the side wide", () => {
    const side = 16;
    const pixels = new Uint8Array(3 * side * side).fill(200);
    for (let y = 2; y < side - 2; y++) for (let x = 2; x < side - 2; x++) pixels.fill(0, 3 * (y * side + x), 3 * (y * side + x + 1));
    for (let x = 0; x < side; x++) pixels[3 * x] = 0;
    const dataset = { side: () => side, pixels: () => pixels } as unknown as Dataset;
    const border = side * side - 12 * 12;
    const { values } = backgrounds(dataset, [3]);
    [((border - side) / border) * 200, 200, 200].forEach((mean, c) => expect(values[c]).toBeCloseTo(mean / 255, 12));
    expect(poses(dataset, [0])).toBeUndefined();
  });
});
