/** Pictures for people: enlarged grids with the captions of their rows, the progress of a run as animation and page. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { captionedPng, enlarge } from "../../../src/node/files/captioned.js";
import { encodePng } from "../../../src/node/files/png.js";
import { writeProgress } from "../../../src/node/files/sample-progress.js";
import { imageGrid } from "../../../src/pictures/image-grid.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-captioned-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two rows of three images of one colour each. */
const grid = imageGrid(
  Float32Array.from({ length: 6 * 3 * 64 * 64 }, (_, i) => (Math.floor(i / 4096) % 7) / 3.5 - 1),
  64,
  { columns: 3 },
);
const COLUMN = 232;

/** How many pixels of a part of a picture are lighter than its ground. */
function light(png: PNG, left: number, right: number, top: number, bottom: number): number {
  let count = 0;
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) if (png.data[4 * (y * png.width + x)]! > 100) count++;
  return count;
}

describe("captionedPng", () => {
  const draw = async (...captions: [string, string]) => PNG.sync.read(Buffer.from(await captionedPng(grid, captions, 2)));

  it("keeps the grid, each pixel a square, right of the captions", async () => {
    const png = await draw("red petals", "blue petals");
    expect([png.width, png.height]).toEqual([COLUMN + 2 * grid.width, 2 * grid.height]);
    const larger = enlarge(grid, 2);
    for (let y = 0; y < png.height; y += 3)
      for (let x = 0; x < larger.width; x++)
        for (let c = 0; c < 3; c++)
          if (png.data[4 * (y * png.width + COLUMN + x) + c] !== larger.pixels[3 * (y * larger.width + x) + c]) expect.fail(`${x}, ${y}`);
    expect([0, 1, 2].map((c) => larger.pixels[3 * (5 * larger.width + 7) + c])).toEqual(
      [0, 1, 2].map((c) => grid.pixels[3 * (2 * grid.width + 3) + c]),
    );
  });

  it("writes each caption beside its row, in any script, from the right where it is read so", async () => {
    const middle = grid.height;
    const one = await draw("red", "");
    expect(light(one, 0, COLUMN, 0, middle)).toBeGreaterThan(30);
    expect(light(one, 0, COLUMN, middle, 2 * middle)).toBe(0);
    // Latin begins at the left, Hebrew at the right.
    const two = await draw("red", "אדום");
    expect(light(two, COLUMN / 2, COLUMN, 0, middle)).toBe(0);
    expect(light(two, 0, COLUMN / 2, middle, 2 * middle)).toBe(0);
    expect(light(two, COLUMN / 2, COLUMN, middle, 2 * middle)).toBeGreaterThan(20);
    // Letters of many scripts have glyphs of their own: different characters, different pictures.
    const [red, flower] = [await draw("红", "x"), await draw("花", "x")];
    expect(red.data.equals(flower.data)).toBe(false);
    expect(light(red, 0, COLUMN, 0, middle)).toBeGreaterThan(20);
  });

  it("reads no markup, and cuts what is longer than its row at a whole line", async () => {
    await expect(draw("a < b & <b>", "\u0000\n")).resolves.toBeDefined();
    const long = await draw("petals ".repeat(200), "x");
    const rows = Math.floor(long.height / 2);
    expect(light(long, 0, COLUMN, rows - 8, rows + 8)).toBe(0);
  });
});

describe("writeProgress", () => {
  const warnings: string[] = [];
  const samples = join(folder, "samples");

  it("plays the grids in their order and lists them with their captions, newest first", async () => {
    mkdirSync(samples);
    for (const step of [100, 1000, 200]) {
      const shade = { ...grid, pixels: grid.pixels.map(() => step / 5) };
      writeFileSync(join(samples, `step-${String(step).padStart(6, "0")}.png`), encodePng(shade));
      writeFileSync(join(samples, `step-${String(step).padStart(6, "0")}.txt`), `row 1: <red> ${step}\n`);
    }
    await writeProgress(folder, (text) => warnings.push(text));
    const gif = await sharp(join(samples, "progress.gif"), { pages: -1 }).raw().toBuffer({ resolveWithObject: true });
    expect(gif.info.pages).toBe(3);
    const page = gif.data.length / 3;
    [20, 40, 200].forEach((shade, i) => expect(Math.abs(gif.data[i * page]! - shade)).toBeLessThan(4));
    const html = readFileSync(join(samples, "index.html"), "utf8");
    expect([...html.matchAll(/Step (\d+)/g)].map(([, step]) => step)).toEqual(["1000", "200", "100"]);
    expect(html).toContain('<li dir="auto">row 1: &lt;red&gt; 1000</li>');
    expect(warnings).toEqual([]);
  });

  it("warns where a grid is damaged, and leaves a run without grids alone", async () => {
    writeFileSync(join(samples, "step-000300.png"), "no picture");
    await writeProgress(folder, (text) => warnings.push(text));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/samples: the progress of the samples was not written: /);
    await writeProgress(join(folder, "nowhere"), (text) => warnings.push(text));
    expect(warnings).toHaveLength(1);
  });
});
