/** The table of an evaluation. */
import { describe, expect, it } from "vitest";
import { format, markdownTable, SECTIONS, textTable } from "../../src/evaluate/report.js";
import { report } from "./small-report.js";

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
