/** Whole runs of the tiny preset: the same bits when repeated or resumed, and what happens when something goes wrong. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainEvent } from "../../src/train/run/events.js";
import type { GivenOptions } from "../../src/train/gan/options.js";
import { openRun } from "../../src/node/files/run-folder.js";
import { sample } from "../../src/node/drawing.js";
import { train } from "../../src/node/train.js";

const TIMEOUT = 600_000;
/** With a reader of the noise, so that all networks that learn are there to be stopped and resumed. */
const OPTIONS: GivenOptions = {
  preset: "tiny",
  steps: 10,
  textSteps: 6,
  checkpointEvery: 4,
  sampleEvery: 5,
  seed: 3,
  infoWeight: 0.5,
  upsampling: "smooth",
};

let folder: string;
/** Not XDG_CACHE_HOME, under which the driver keeps its compiled kernels. */
const cacheBefore = process.env.PETALGRAD_CACHE;
/** Drivers may take a NaN for 0 in a maximum: it shows in a loss, or when the weights are to be saved. */
const NOT_FINITE =
  /(^step \d+|step-\d+\.safetensors): .* (is NaN|holds values that are not finite); the last good checkpoint is .*--resume/;
const inside = (name: string) => join(folder, name);

/** Trains, collecting the events; `stopAt` aborts when it says so. */
async function run(request: { given?: GivenOptions; run?: string; resume?: string }, stopAt?: (event: TrainEvent) => boolean) {
  const controller = new AbortController();
  const events: TrainEvent[] = [];
  const onEvent = (event: TrainEvent): void => {
    events.push(event);
    if (stopAt?.(event)) controller.abort();
  };
  const result = await train({ given: {}, ...request }, { onEvent, signal: controller.signal });
  return { result, events };
}

const bytes = (name: string, file: string) => readFileSync(join(inside(name), file)).toString("base64");
const checkpoints = (name: string) => readdirSync(join(inside(name), "checkpoint")).sort();
/** metrics.jsonl without the speeds, which differ from run to run. */
const metrics = (name: string) =>
  readFileSync(join(inside(name), "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => ({ ...(JSON.parse(line) as object), imagesPerSecond: 0 }));

/** Dispatches of a step, as the run told. */
const dispatches = (events: readonly TrainEvent[]): number => {
  const told = events.map((e) => (e.kind === "message" ? /a step: (\d+) dispatches/.exec(e.text)?.[1] : undefined));
  return Number(told.find((text) => text !== undefined));
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-run-"));
  process.env.PETALGRAD_CACHE = join(folder, "cache");
  const { result, events } = await run({ given: OPTIONS, run: inside("straight") });
  expect(result).toMatchObject({ end: "finished", step: 10 });
  expect(events.filter((e) => e.kind === "warning")).toEqual([]);
}, TIMEOUT);

afterAll(() => {
  if (cacheBefore === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

describe("a run", () => {
  it("leaves what the README promises", () => {
    expect(readdirSync(inside("straight")).sort()).toEqual(
      ["checkpoint", "config.json", "curves.svg", "metrics.jsonl", "model.safetensors", "samples", "text-encoder.safetensors"].sort(),
    );
    expect(readdirSync(join(inside("straight"), "samples")).sort()).toEqual([
      "index.html",
      "progress.gif",
      "step-000005.png",
      "step-000005.txt",
      "step-000010.png",
      "step-000010.txt",
    ]);
    expect(checkpoints("straight")).toEqual(["step-000008.safetensors", "step-000010.safetensors"]);
    expect(metrics("straight")).toHaveLength(16);
  });

  it(
    "stopped while its text encoder trains, then in the GAN, and resumed, has the bits of one never stopped",
    async () => {
      // Without the encoder kept by the straight run, which would be taken over.
      process.env.PETALGRAD_CACHE = join(folder, "cache-2");
      const first = await run(
        { given: OPTIONS, run: inside("split") },
        (e) => e.kind === "step" && e.stage === "text encoder" && e.step === 3,
      );
      expect(first.result).toMatchObject({ end: "stopped", step: 0 });
      // Activations computed again are the same bits from more dispatches.
      const second = await run(
        { given: { recompute: true }, resume: inside("split") },
        (e) => e.kind === "step" && e.stage === "GAN" && e.step === 4,
      );
      expect(second.result.end).toBe("stopped");
      expect(second.result.step).toBeLessThan(10);
      const third = await run({ given: { recompute: false }, resume: inside("split") });
      expect(dispatches(second.events)).toBeGreaterThan(dispatches(third.events));
      process.env.PETALGRAD_CACHE = join(folder, "cache");
      expect(third.result).toMatchObject({ end: "finished", step: 10 });
      for (const file of [
        "text-encoder.safetensors",
        "model.safetensors",
        "checkpoint/step-000010.safetensors",
        "samples/step-000010.png",
      ]) {
        expect(bytes("split", file) === bytes("straight", file), file).toBe(true);
      }
      expect(metrics("split")).toEqual(metrics("straight"));
    },
    TIMEOUT,
  );

  it(
    "whose newest checkpoint is damaged goes on from the one before, says so, and comes to the same end",
    async () => {
      await run({ given: OPTIONS, run: inside("damaged") });
      const newest = join(inside("damaged"), "checkpoint", "step-000010.safetensors");
      const contents = readFileSync(newest);
      contents[contents.length >> 1]! ^= 1;
      writeFileSync(newest, contents);
      const { result, events } = await run({ resume: inside("damaged") });
      expect(events.some((e) => e.kind === "warning" && e.text.includes("step-000010.safetensors"))).toBe(true);
      expect(result).toMatchObject({ end: "finished", step: 10 });
      expect(bytes("damaged", "model.safetensors") === bytes("straight", "model.safetensors")).toBe(true);
    },
    TIMEOUT,
  );

  it(
    "that is tuned keeps its kernels: from a cache of the same decisions, stopped and resumed without it, it has the same bits",
    async () => {
      const given: GivenOptions = { ...OPTIONS, steps: 6, tune: "cached" };
      const tuning = join(folder, "cache", "tuning.json");
      await run({ given, run: inside("tuned") });
      // A run's record is in the form of the cache, and complete, whatever the time allowed for.
      copyFileSync(join(inside("tuned"), "tuning.json"), tuning);
      const first = await run({ given, run: inside("tuned-split") }, (e) => e.kind === "step" && e.stage === "GAN" && e.step === 3);
      expect(first.result.end).toBe("stopped");
      writeFileSync(tuning, "{");
      const second = await run({ resume: inside("tuned-split") });
      expect(second.result).toMatchObject({ end: "finished", step: 6 });
      for (const { events } of [first, second]) expect(events.filter((e) => e.kind === "work" && e.unit === "kernels")).toEqual([]);
      expect(second.events).toContainEqual({ kind: "warning", text: expect.stringContaining(`${tuning} is damaged`) as string });
      for (const file of ["tuning.json", "model.safetensors", "samples/step-000006.png"])
        expect(bytes("tuned-split", file) === bytes("tuned", file), file).toBe(true);
      rmSync(tuning);
    },
    TIMEOUT,
  );

  it(
    "with another seed is another run",
    async () => {
      await run({ given: { ...OPTIONS, seed: 4, steps: 2 }, run: inside("other") });
      expect(metrics("other")[6]).not.toEqual(metrics("straight")[6]);
    },
    TIMEOUT,
  );

  it(
    "ends with a clear word when its numbers are not finite, and says how to go on",
    async () => {
      await run({ given: { ...OPTIONS, steps: 4 }, run: inside("poisoned") });
      const poisoned = await openRun(inside("poisoned"));
      const { tensors } = await poisoned.loadCheckpoint();
      (tensors.get("generator.deconv1.weight")!.data as Float32Array).fill(NaN);
      await poisoned.saveCheckpoint(5, tensors, {});
      await expect(run({ resume: inside("poisoned"), given: { steps: 10 } })).rejects.toThrow(NOT_FINITE);
      expect(checkpoints("poisoned")).toContain("step-000004.safetensors");
    },
    TIMEOUT,
  );
});

describe("sampling", () => {
  it(
    "draws the same from the run and its model file, whatever the count",
    async () => {
      const texts = ["a flower with red petals", "blue petals"];
      const many = await sample({ source: inside("straight"), texts, count: 3, seed: 5 });
      const few = await sample({ source: join(inside("straight"), "model.safetensors"), texts, count: 2, seed: 5 });
      const each = 3 * 16 * 16;
      expect(many.images).toHaveLength(6 * each);
      const part = (images: Float32Array, i: number) => [...images.subarray(i * each, (i + 1) * each)];
      part(few.images, 0).forEach((v, i) => expect(v).toBeCloseTo(many.images[i]!, 5));
      part(few.images, 3).forEach((v, i) => expect(v).toBeCloseTo(part(many.images, 4)[i]!, 5));
      expect(part(many.images, 0)).not.toEqual(part(many.images, 1));
      expect(part(many.images, 0)).not.toEqual(part(many.images, 3));
    },
    TIMEOUT,
  );

  it(
    "says what of a sentence the model does not know",
    async () => {
      const { warnings } = await sample({ source: inside("straight"), texts: ["rote Blüte"], count: 1, seed: 1 });
      expect(warnings.join()).toContain('"rote Blüte": the model knows none of its words');
    },
    TIMEOUT,
  );

  it("refuses what holds no model", async () => {
    await expect(sample({ source: inside("nothing"), texts: ["a"], count: 1, seed: 1 })).rejects.toThrow(/nothing: no such run/);
    await expect(sample({ source: join(inside("straight"), "text-encoder.safetensors"), texts: ["a"], count: 1, seed: 1 })).rejects.toThrow(
      /generator\.options/,
    );
  });
});
