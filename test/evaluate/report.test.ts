/** The table, the charts and the files of an evaluation. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { barsSvg, rocSvg } from "../../src/evaluate/charts.js";
import { evaluateToFiles } from "../../src/node/evaluate/files.js";
import { format, markdownTable, type Report, SECTIONS, textTable } from "../../src/evaluate/report.js";

const report: Report = {
  ...{ dataset: "petals", samples: 100, seed: 1 },
  columns: [
    { label: "real", values: { "rPrecision100.test": { value: 0.5 }, "fid.test": { value: 1.25 } } },
    { label: "noise", values: { "rPrecision100.test": { value: 0.01 }, "fid.test": { value: 123.4 } } },
    { label: "a<b ema", values: { "rPrecision100.test": { value: 0.3333 }, "background.style": { value: 0.8, deviation: 0.01 } } },
  ],
  curves: [{ label: "a<b style", task: "background", baseline: false, points: [[0, 0], [0.25, 0.5], [1, 1]] }], // prettier-ignore
  notes: ["a note"],
};

describe("the table", () => {
  it("has a row for each measure that someone has, and a cell for every column", () => {
    const lines = textTable(report).split("\n");
    expect(lines[0]!.trim().split(/\s{2,}/)).toEqual(["real", "noise", "a<b ema"]);
    const row = (title: string) => lines.find((line) => line.startsWith(title))!;
    expect(row("own caption first among 100, unseen classes").split(/\s{2,}/).slice(1)).toEqual(["50.0 %", "1.0 %", "33.3 %"]); // prettier-ignore
    expect(row("FID-petalgrad, unseen classes").split(/\s{2,}/).slice(1)).toEqual(["1.250", "123"]); // prettier-ignore
    expect(row("background, by style")).toMatch(/^\S.* {2,}0\.800 ± 0\.010$/);
    // Right edges stand under one another.
    expect(row("background, by style").length).toBe(lines[0]!.length > 0 ? row("own caption first among 100, unseen").length : 0);
    expect(lines.filter((line) => line.includes("training classes"))).toEqual([]);
    expect(lines.at(-1)).toBe("a note");
  });

  it("is Markdown, too", () => {
    const lines = markdownTable(report).split("\n");
    expect(lines[0]).toBe("|  | real | noise | a<b ema |");
    expect(lines).toContain("| FID-petalgrad, unseen classes ↓ | 1.250 | 123 |  |");
    expect(new Set(lines.map((line) => line.split("|").length)).size).toBe(1);
  });

  it("shows what is not a number as such", () => {
    expect(format({ value: NaN }, "percent")).toBe("- %");
    expect(format({ value: 0.0123 }, "thousandths")).toBe("12.3");
  });

  it("has no two rows of one id", () => {
    const ids = SECTIONS.flatMap(({ rows }) => rows.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

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

describe("the files", () => {
  it("are refused before anything is measured", async () => {
    const hooks = { onEvent: () => undefined, signal: new AbortController().signal };
    const folder = mkdtempSync(join(tmpdir(), "petalgrad-evaluation-"));
    const run = join(folder, "run");
    const request = { runs: [run], samples: 20, seed: 1, zeroShot: false };
    const ask = (json: string) => evaluateToFiles(request, json, hooks);
    try {
      await expect(ask(join(run, "report.json"))).rejects.toThrow("holds no run");
      // A name that was mistyped makes no folder.
      expect(existsSync(run)).toBe(false);
      mkdirSync(run);
      writeFileSync(join(run, "config.json"), "{}");
      await expect(ask("report.txt")).rejects.toThrow("--json report.txt: the name must end in .json");
      await expect(ask(join(run, "config.json", "report.json"))).rejects.toThrow("config.json cannot be written to");
      await expect(ask(join(folder, "report.json"))).rejects.toThrow("config.json does not hold a run's options");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
