/** Sample grids and curves. */
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { curvesSvg } from "../src/pictures/line-chart.js";
import { encodePng } from "../src/node/files/png.js";
import { captionList, imageGrid } from "../src/pictures/image-grid.js";

describe("imageGrid", () => {
  /** `count` images of 2x2, image i with red i/10, green -1, blue a ramp over its pixels. */
  const images = (count: number) =>
    Float32Array.from({ length: count * 12 }, (_, at) => {
      const channel = Math.floor((at % 12) / 4);
      return channel === 0 ? Math.floor(at / 12) / 10 : channel === 1 ? -1 : (at % 4) / 3;
    });

  const grid = (...words: Parameters<typeof imageGrid>) => encodePng(imageGrid(...words));

  function pixel(png: Uint8Array, x: number, y: number): number[] {
    const { data, width } = PNG.sync.read(Buffer.from(png));
    return [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
  }

  it("places image i at row i / columns, column i % columns, channels apart", () => {
    const png = grid(images(5), 2, { columns: 3, gap: 1 });
    const { width, height } = PNG.sync.read(Buffer.from(png));
    expect([width, height]).toEqual([3 * 3 + 1, 2 * 3 + 1]);
    expect(pixel(png, 1, 1)).toEqual([128, 0, 128]);
    // Image 4 is the second of the second row; its last pixel has blue 1.
    expect(pixel(png, 5, 5)).toEqual([Math.round(1.4 * 127.5), 0, 255]);
    // Between the images, and where the sixth would be.
    expect(pixel(png, 3, 1)).toEqual([24, 24, 24]);
    expect(pixel(png, 8, 5)).toEqual([24, 24, 24]);
  });

  it("enlarges without blurring", () => {
    const png = grid(images(1), 2, { columns: 4, gap: 0, scale: 3 });
    expect(PNG.sync.read(Buffer.from(png))).toMatchObject({ width: 6, height: 6 });
    expect([0, 1, 2, 3, 4, 5].map((x) => pixel(png, x, 0)[2])).toEqual([128, 128, 128, 170, 170, 170]);
  });

  it("clips what lies outside, and shows NaN as black", () => {
    const png = grid(Float32Array.of(7, -7, NaN), 1, { columns: 1, gap: 0 });
    expect(pixel(png, 0, 0)).toEqual([255, 0, 0]);
  });

  it("gives the same bytes for the same images, and refuses what is no batch of images", () => {
    expect(grid(images(3), 2, { columns: 2 })).toEqual(grid(images(3), 2, { columns: 2 }));
    expect(() => imageGrid(new Float32Array(13), 2, { columns: 2 })).toThrow("13 values are no images of 3x2x2");
    expect(() => imageGrid(new Float32Array(0), 2, { columns: 2 })).toThrow(RangeError);
  });

  it("lists captions by row", () => {
    expect(captionList(["a red flower", "یک گل"])).toBe("row 1: a red flower\nrow 2: یک گل\n");
  });
});

describe("curvesSvg", () => {
  const line = (n: number, f: (i: number) => number) => Array.from({ length: n }, (_, i) => [i + 1, f(i)] as const);
  /** End points of the drawn lines of a class, as [x, y] pairs. */
  const drawn = (svg: string, name: "raw" | "line") =>
    [...svg.matchAll(new RegExp(`class="${name}"[^>]*d="([^"]*)"`, "g"))].map(([, d = ""]) =>
      [...d.matchAll(/[ML]([-\d.]+) ([-\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const),
    );

  it("draws each series raw and smoothed, with a legend, a title, ticks and escaped names", () => {
    const svg = curvesSvg("run <1>", [{ title: "losses", series: [{ name: "D & G", points: line(400, (i) => (i % 2) + 1) }] }]);
    expect(svg).toContain("run &lt;1&gt;");
    expect(svg).toContain("D &amp; G");
    expect(svg).toContain(">losses</text>");
    const [raw, smooth] = [drawn(svg, "raw")[0]!, drawn(svg, "line")[0]!];
    expect([raw.length, smooth.length]).toEqual([400, 400]);
    const spread = (points: typeof raw) => Math.max(...points.map(([, y]) => y)) - Math.min(...points.map(([, y]) => y));
    expect(spread(smooth)).toBeLessThan(spread(raw) * 0.6);
    // Larger steps stand further right, larger values higher up.
    expect(raw[399]![0]).toBeGreaterThan(raw[0]![0]);
    expect(raw[1]![1]).toBeLessThan(raw[0]![1]);
  });

  it("places decades evenly on a log axis, and leaves out what has no logarithm", () => {
    const points = [1, 10, 100, 0, -1, NaN, 1000].map((value, i) => [i, value] as const);
    const [line] = drawn(curvesSvg("x", [{ title: "t", scale: "log", exact: true, series: [{ name: "a", points }] }]), "line");
    expect(line).toHaveLength(4);
    const [a, b, c, d] = line!.map(([, y]) => y) as [number, number, number, number];
    expect(a - b).toBeCloseTo(b - c, 0);
    expect(b - c).toBeCloseTo(c - d, 0);
  });

  it("labels ticks without rounding noise", () => {
    const svg = curvesSvg("x", [{ title: "t", scale: "log", series: [{ name: "a", points: line(4, (i) => 1e-6 * 10 ** i) }] }]);
    expect(svg).toContain(">1e-5<");
    const linear = curvesSvg("x", [{ title: "t", range: [0, 1], series: [{ name: "a", points: line(4, () => 0.3) }] }]);
    for (const tick of ["0", "0.2", "0.4", "0.6", "0.8", "1"]) expect(linear).toContain(`>${tick}</text>`);
  });

  it("keeps the spikes of a long series, in a small file", () => {
    const points = line(100_000, (i) => (i === 54_321 ? 100 : Math.sin(i)));
    const svg = curvesSvg("x", [{ title: "t", series: [{ name: "a", points }] }]);
    expect(svg.length).toBeLessThan(60_000);
    const [raw] = drawn(svg, "raw");
    const top = Math.min(...raw!.map(([, y]) => y));
    expect(raw!.find(([, y]) => y === top)![0]).toBeCloseTo(64 + (54_322 / 100_000) * 752, 0);
  });

  it("copes with nothing, with one point and with a constant", () => {
    expect(curvesSvg("x", [])).toContain("no values yet");
    expect(curvesSvg("x", [{ title: "t", series: [{ name: "a", points: [] }] }])).toContain("no values yet");
    for (const points of [line(1, () => 0), line(9, () => 5), line(3, () => NaN), line(3, () => -2e-4)]) {
      const svg = curvesSvg("x", [{ title: "t", series: [{ name: "a", points }] }]);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
});
