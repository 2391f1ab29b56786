/** The ablation's printed page: a file of its own with picture and measures beside it, where docs/results has them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { reproduce } from "../../../src/cli/reproduce.js";
import { type AblationPage, writePage } from "../../../src/node/reproduce/ablation-page.js";
import { keepReports, keptReports } from "../../../src/node/reproduce/ablation-reports.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = { path: "runs/x", seed: 3, given: { dataset: "petals", preset: "small", variant: "gan-cls", seed: 3 } } as const;
const page: AblationPage = {
  ...{ name: "petals-small", heading: "GAN-CLS on petals, preset small", command: "npm run reproduce -- --what ablation" },
  ...{ about: "10 steps of 4, one seed.", notes: ["A note."] },
  columns: [
    { label: "real", values: { zeroShot: { value: 0.5 } } },
    { label: "gan-cls ema", values: { zeroShot: { value: 0.25 } } },
    { label: "gan-cls raw", values: { zeroShot: { value: 0.125 } } },
  ],
  picture: { png: new Uint8Array([1, 2, 3]), captions: ["red petals", "blue petals"], runs: [run] },
};

it("is NAME.md with NAME.png beside it, and takes the place of what was printed before", () => {
  const results = join(folder, "docs", "results");
  writePage(results, page);
  expect(readdirSync(results).sort()).toEqual(["petals-small.md", "petals-small.png"]);
  expect([...readFileSync(join(results, "petals-small.png"))]).toEqual([1, 2, 3]);
  const text = readFileSync(join(results, "petals-small.md"), "utf8");
  expect(text).toMatch(
    /^# GAN-CLS on petals, preset small\n\n {4}npm run reproduce -- --what ablation\n\n10 steps of 4, one seed\. Arrows say/,
  );
  expect(text).toMatch(/\| real \| gan-cls \|[^]*50\.0 % \| 25\.0 %[^]*without the moving average[^]*12\.5 %/);
  expect(text).toContain("\nA note.\n");
  expect(text).toContain("](petals-small.png)");
  expect(text).toContain("all of seed 3, from the same noise.\n\n1. red petals\n2. blue petals\n");

  writePage(results, { ...page, about: "Another day." });
  expect(readFileSync(join(results, "petals-small.md"), "utf8")).toBe(text.replace("10 steps of 4, one seed.", "Another day."));
});

it("says what is in the way", () => {
  const file = join(folder, "results.md");
  writeFileSync(file, "");
  const way = /--results .*results\.md is a file; name the folder/;
  expect(() => keptReports(file, "petals-small", {})).toThrow(way);
  expect(() => keepReports(file, "petals-small", {}, new Map())).toThrow(way);
});

it("goes by default to the folder that holds the printed pages and the measures of each seed", () => {
  const spec = reproduce.options.results as { readonly default?: unknown };
  expect(spec.default).toBe("docs/results");
  for (const name of ["petals-small", "flowers-medium"])
    for (const kind of [".md", ".png", "-seed-0.json"]) expect(existsSync(join("docs/results", name + kind)), name + kind).toBe(true);
  // What is committed is of the form that is printed.
  expect(readFileSync("docs/results/petals-small.md", "utf8")).toMatch(/^# .*\n\n {4}npm run reproduce -- [^\n]*\n\n.* Arrows say which/);
});
