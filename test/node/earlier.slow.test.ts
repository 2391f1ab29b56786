/** Runs and models that earlier versions made: a run goes on bit for bit, a model draws as it did. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, expect, it } from "vitest";
import { sample } from "../../src/node/drawing.js";
import { encodePng } from "../../src/node/files/png.js";
import { train } from "../../src/node/train.js";
import { imageGrid } from "../../src/pictures/image-grid.js";
import { device } from "../device.js";

const FIXTURES = "test/fixtures/earlier";
interface Expected {
  readonly adapter: string;
  readonly cpu: string;
  readonly steps: number;
  /** SHA-256 of what `tensorsOf` gives. */
  readonly modelTensors: string;
  readonly checkpoint: string;
  readonly metrics: Readonly<Record<string, number>>;
}
const expected = JSON.parse(readFileSync(join(FIXTURES, "expected.json"), "utf8")) as Expected;

const folder = mkdtempSync(join(tmpdir(), "petalgrad-earlier-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const digest = (...parts: (Uint8Array | string)[]) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

/** The tensors' table and their bytes: a model's file without its metadata, which said more in earlier versions. */
function tensorsOf(file: string): [string, Uint8Array] {
  const bytes = readFileSync(file);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...table } = JSON.parse(bytes.toString("utf8", 8, end)) as Record<string, unknown>;
  return [JSON.stringify(table), bytes.subarray(end)];
}

it("a run goes on with the numbers, and on the same machine the bits, that it had", { timeout: 300_000 }, async () => {
  const run = join(folder, "run");
  cpSync(join(FIXTURES, "run"), run, { recursive: true });
  const hooks = { onEvent: () => undefined, signal: new AbortController().signal };
  const { end } = await train({ given: { steps: expected.steps }, resume: run }, hooks);
  expect(end).toBe("finished");
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  const last = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((r) => r.stage === "GAN" && r.step === expected.steps)!;
  for (const [name, value] of Object.entries(expected.metrics)) expect(last[name], name).toBeCloseTo(value, 3);
  // Other processors and drivers add up in another order.
  if (expected.adapter !== (await device()).description || expected.cpu !== cpus()[0]?.model) return;
  expect(digest(readFileSync(join(run, "checkpoint", "step-000012.safetensors")))).toBe(expected.checkpoint);
  expect(digest(...tensorsOf(join(run, "model.safetensors")))).toBe(expected.modelTensors);
});

it("a model draws what it drew", async () => {
  const texts = ["a flower with red petals", "white petals"];
  const source = join(FIXTURES, "model-399d622.safetensors");
  const { images, size } = await sample({ source, texts, count: 3, seed: 5 });
  const drawn = PNG.sync.read(Buffer.from(encodePng(imageGrid(images, size, { columns: 3 }))));
  const before = PNG.sync.read(readFileSync(join(FIXTURES, "model-399d622.png")));
  expect([drawn.width, drawn.height]).toEqual([before.width, before.height]);
  const largest = drawn.data.reduce((most, level, i) => Math.max(most, Math.abs(level - before.data[i]!)), 0);
  expect(largest).toBeLessThanOrEqual(1);
});
