/** Each example runs as its first lines say, and shows what it promises. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { sample } from "../src/node/drawing.js";
import { encodePng } from "../src/node/files/png.js";
import { imageGrid } from "../src/pictures/image-grid.js";
import { tinyModels } from "./train/gan/tiny-model.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [model, drawn] = [join(folder, "model.safetensors"), join(folder, "drawn.png")];

/** What an example is given to work on. */
const GIVEN: Readonly<Record<string, () => Promise<string[]>>> = {
  "draw.ts": async () => {
    writeFileSync(model, (await tinyModels()).gan);
    return [model, "red petals", drawn];
  },
};

/** What an example's output must show. */
const PROMISES: Readonly<Record<string, (output: string) => void | Promise<void>>> = {
  "draw.ts": async () => {
    const { images, size } = await sample({ source: model, texts: ["red petals"], count: 4, seed: 1 });
    expect(Buffer.compare(readFileSync(drawn), encodePng(imageGrid(images, size, { columns: 4 })))).toBe(0);
  },
  "autograd-by-hand.ts": (output) => {
    const value = (name: string) => Number(new RegExp(`^${name} +(\\S+)$`, "m").exec(output)?.[1]);
    expect(value("dL/dw by grad")).toBeCloseTo(value("dL/dw by hand"), 5);
    expect(value("dL/db by grad")).toBeCloseTo(value("dL/db by hand"), 5);
    // Of the numbers in the file, in float64.
    expect(value("loss")).toBeCloseTo(0.031427, 5);
    expect(value("d2L/dw2")).toBeCloseTo(0.463464, 4);
  },
  "custom-kernel.ts": (output) => {
    expect(output).toContain("running sums: 1 3 6 10 10 30 60 100");
    expect(output).toMatch(/gradcheck: \d+ derivatives agree/);
  },
  "digits.ts": (output) => expect(Number(/([\d.]+) % of the last ten batches/.exec(output)?.[1])).toBeGreaterThan(95),
  "train-petals.ts": (output) => {
    expect(output).toMatch(/^GAN 30\/30 \{.*"lossG":\d/m);
    const [count, least, most] = /drawn: (\d+) images, values from (\S+) to (\S+)/.exec(output)!.slice(1).map(Number);
    expect(count).toBe(4);
    expect(least).toBeGreaterThanOrEqual(-1);
    expect(most).toBeLessThanOrEqual(1);
    expect(most! - least!).toBeGreaterThan(0.1);
  },
  "conditional-gan.ts": (output) => expect(Number(/([\d]+) %\s*$/.exec(output)?.[1])).toBeGreaterThan(90),
};

it.each(readdirSync("examples").filter((name) => name.endsWith(".ts")))("%s", async (name) => {
  const given = (await GIVEN[name]?.()) ?? [];
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", `examples/${name}`, ...given], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  expect(PROMISES[name], `say in this test what ${name} promises`).toBeDefined();
  await PROMISES[name]!(stdout);
});
