/** The charts of an evaluation. */
import { describe, expect, it } from "vitest";
import { barsSvg, rocSvg } from "../../src/evaluate/charts.js";
import { report } from "./small-report.js";

describe("the charts", () => {
  it("draw a bar as long as its value against the longest of its measure", () => {
    const svg = barsSvg(report);
    const widths = [...svg.matchAll(/<rect x[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]));
    // Of lower-is-better, noise does not count for the scale; areas are of 1.
    expect(widths).toEqual([480, 9.6, 320, 480, 480, 384]);
    expect(svg).toContain("a&lt;b ema");
    expect(svg).not.toContain("NaN");
  });

  it("draw a curve through its points", () => {
    const svg = rocSvg(report.curves);
    // 340 pixels from (60, 420) on.
    expect(svg).toContain('d="M60 420L145 250L400 80"');
    expect(svg).toContain("a&lt;b style");
  });
});
