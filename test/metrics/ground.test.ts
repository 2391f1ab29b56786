/** What decides the background of drawn images, on layouts whose components of variance are known. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { borderColours, carriedOver, varianceShares } from "../../src/metrics/ground.js";

/** [rows, columns] of a function. */
const layout = (rows: number, columns: number, of: (r: number, c: number) => number) =>
  Float64Array.from({ length: rows * columns }, (_, i) => of(Math.floor(i / columns), i % columns));

const normals = (count: number, deviation: number, seed: number) => {
  const random = new RandomStream(seed);
  return Array.from({ length: count }, () => deviation * random.normal());
};

describe("shares of variance", () => {
  it("of sums of rows and columns are those of their variances", () => {
    // Sample variances 1 (of 1, 2, 3) and 4 (of 0, 0, 4, 0), nothing between them.
    const { rows, columns, both } = varianceShares(
      layout(3, 4, (r, c) => r + [0, 0, 4, 0][c]!),
      3,
      4,
      1,
    );
    expect(rows).toBeCloseTo(1 / 5, 12);
    expect(columns).toBeCloseTo(4 / 5, 12);
    expect(both).toBeCloseTo(0, 12);
  });

  it("of what rows and columns only make together are theirs together", () => {
    // By hand: means of all rows and columns are 0, so that the mean squares of both are 0 and their components negative.
    expect(varianceShares(Float64Array.of(1, -1, -1, 1), 2, 2, 1)).toEqual({ rows: 0, columns: 0, both: 1 });
    // Independent values: the rows' means over 8 columns vary by an eighth of the whole, of which none is theirs.
    const shares = Array.from({ length: 40 }, (_, seed) => varianceShares(normals(32 * 8, 1, seed), 32, 8, 1));
    const mean = (of: (share: (typeof shares)[number]) => number) => shares.reduce((sum, share) => sum + of(share), 0) / shares.length;
    expect(mean(({ rows }) => rows)).toBeLessThan(0.03);
    expect(mean(({ columns }) => columns)).toBeLessThan(0.03);
  });

  it("find the components that a layout was made of, over several coordinates", () => {
    const [a, b] = [normals(150, 2, 1), normals(150, 1, 2)];
    const e = normals(150 * 150, Math.sqrt(3), 3);
    // The second coordinate does not vary.
    const values = Array.from(e, (x, i) => [a[Math.floor(i / 150)]! + b[i % 150]! + x, 7]).flat();
    const { rows, columns, both } = varianceShares(values, 150, 150, 2);
    expect(Math.abs(rows - 4 / 8)).toBeLessThan(0.08);
    expect(Math.abs(columns - 1 / 8)).toBeLessThan(0.04);
    expect(rows + columns + both).toBeCloseTo(1, 12);
  });

  it("of equal values are none", () => {
    expect(varianceShares(new Float64Array(12).fill(3), 3, 4, 1)).toEqual({ rows: 0, columns: 0, both: 0 });
  });
});

describe("what is carried over", () => {
  it("is all of it where colours are a straight line of the others, whatever its slope", () => {
    const x = normals(30, 1, 1);
    const lines = x.map((v, i) => [2, -0.1, 5][i % 3]! * v + [3, 0, 1][i % 3]!);
    expect(carriedOver(x, lines)).toBeCloseTo(1, 12);
  });

  it("is the correlation's square, weighed by how much each channel varies", () => {
    // By hand: red r² = ½ of squares that sum to 8, green r² = 0 of 4, blue does not vary.
    const [x, y] = [
      [1, 1, 0, 1, -1, 0, -1, 1, 0, -1, -1, 0],
      [2, 1, 7, 0, 1, 7, 0, -1, 7, -2, -1, 7],
    ];
    const red = (2 * 1 + 0 + 0 + 2 * 1) ** 2 / 4 / 8;
    const green = (1 - 1 - 1 + 1) ** 2 / 4 / 4;
    expect(carriedOver(x!, y!)).toBeCloseTo((red * 8 + green * 4) / 12, 12);
    expect(carriedOver(x!, new Array<number>(12).fill(0.3))).toBe(0);
  });

  it("is next to nothing of colours that do not hang together", () => {
    expect(carriedOver(normals(3000, 1, 1), normals(3000, 1, 2))).toBeLessThan(0.01);
  });
});

describe("the colour of a drawn image's border", () => {
  it("is a mean an eighth of the side wide, from planes in [−1, 1]", () => {
    const side = 16;
    const images = new Float32Array(2 * 3 * side * side);
    [-1, -0.5, 0, 0.5, 1, 0.2].forEach((value, plane) => {
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const inside = y >= 2 && y < side - 2 && x >= 2 && x < side - 2;
          images[(plane * side + y) * side + x] = inside ? 0.9 : value;
        }
    });
    const colours = borderColours(images, side);
    [0, 0.25, 0.5, 0.75, 1, 0.6].forEach((mean, i) => expect(colours[i]).toBeCloseTo(mean, 6));
  });
});
