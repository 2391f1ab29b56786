/** Sampling options: truncated noise, and which of a run's two generators draws. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../../src/node/files/load-model.js";
import { MODEL_NAME } from "../../src/train/run/names.js";
import { normalNoise } from "../../src/train/gan/noise.js";
import { sample } from "../../src/node/drawing.js";
import { tinyRun } from "../node/files/tiny-run.js";

let folder: string;
let run: string;
let plain: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-sampling-"));
  run = (await tinyRun(join(folder, "run"))).path;
  plain = (await tinyRun(join(folder, "plain"), { ema: 0 })).path;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("truncated noise", () => {
  const [count, size] = [40, 50];
  const free = normalNoise(count, size, 3);

  it("stays within its limit and keeps what lies within", () => {
    const cut = normalNoise(count, size, 3, 0.8);
    let kept = 0;
    cut.forEach((value, i) => {
      expect(Math.abs(value)).toBeLessThanOrEqual(0.8);
      if (Math.abs(free[i]!) <= 0.8) expect([value, kept++ >= 0]).toEqual([free[i], true]);
    });
    expect(kept / cut.length).toBeCloseTo(0.576, 1);
  });

  it("has the truncated normal distribution, not values piled up at the limit", () => {
    const cut = normalNoise(400, size, 3, 0.8);
    // 1 − 2a·φ(a) / (2Φ(a) − 1) for a = 0.8.
    expect(cut.reduce((sum, v) => sum + v * v, 0) / cut.length).toBeCloseTo(0.196, 2);
    expect(cut.reduce((sum, v) => sum + v, 0) / cut.length).toBeCloseTo(0, 1);
    expect(new Set(cut).size).toBeGreaterThan(0.99 * cut.length);
  });

  it("gives a row the same values whatever the count", () => {
    expect([...normalNoise(3, size, 3, 0.5).subarray(2 * size)]).toEqual([...normalNoise(5, size, 3, 0.5).subarray(2 * size, 3 * size)]);
  });
});

describe("the generator that draws", () => {
  const request = { texts: ["red petals"], count: 2, seed: 1 };
  const images = async (source: string, more = {}) => [...(await sample({ ...request, source, ...more })).images];

  it("is the average by default, the trained one when asked for", async () => {
    const average = await images(run);
    expect(await images(run, { generator: "ema" })).toEqual(average);
    expect(await images(join(run, MODEL_NAME), { generator: "ema" })).toEqual(average);
    const raw = await images(run, { generator: "raw" });
    expect(raw).not.toEqual(average);
    expect((await loadModel(run, "raw")).path).toMatch(/step-000001\.safetensors$/);
    expect(Math.max(...raw)).toBeGreaterThan(0.05);
  });

  it("is the only one of a run without an average", async () => {
    expect(await images(plain, { generator: "raw" })).toEqual(await images(plain));
    await expect(images(plain, { generator: "ema" })).rejects.toThrow(/plain was trained with --ema 0.*only --generator raw/);
  });

  it("is not to be had from a model file that holds the other", async () => {
    await expect(loadModel(join(run, MODEL_NAME), "raw")).rejects.toThrow(/holds the ema generator only: for --generator raw give the run/);
    await expect(loadModel(join(plain, MODEL_NAME), "ema")).rejects.toThrow(/holds the raw generator only/);
    await expect(loadModel(join(folder, "nothing"))).rejects.toThrow(/no such run or model file/);
    await expect(loadModel(folder)).rejects.toThrow(/has no model\.safetensors yet/);
  });

  it("draws from truncated noise when asked to", async () => {
    expect(await images(run, { truncation: 0.3 })).not.toEqual(await images(run));
    expect(await images(run, { truncation: 10 })).toEqual(await images(run));
  });
});
