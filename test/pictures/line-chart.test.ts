/** Curves as SVG text. */
import { describe, expect, it } from "vitest";
import { curvesSvg } from "../../src/pictures/line-chart.js";

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
