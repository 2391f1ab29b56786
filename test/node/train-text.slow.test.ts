/** Whole trainings by train-text: the same bits when resumed, the best step, patience, and what is said to bad input. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainEvent } from "../../src/train/run/events.js";
import { readTextEncoder } from "../../src/train/text/encoder-file.js";
import { writeSafetensors } from "../../src/formats/safetensors.js";
import type { GivenTextOptions } from "../../src/train/text/options.js";
import { trainText } from "../../src/node/train.js";
import { train } from "../../src/node/train.js";
import { readPath } from "../../src/node/files/read-bytes.js";

const OPTIONS: GivenTextOptions = {
  ...{ imageSize: 16, width: 8, size: 16, imageWidth: 4, batch: 8, steps: 10, seed: 3 },
  ...{ validateEvery: 3, checkpointEvery: 4, dropout: 0.1, weightDecay: 0.01 },
};

let folder: string;
const cacheBefore = process.env.PETALGRAD_CACHE;
const inside = (name: string) => join(folder, name);

async function run(request: { given?: GivenTextOptions; run?: string; resume?: string }, stopAt?: (event: TrainEvent) => boolean) {
  const controller = new AbortController();
  const events: TrainEvent[] = [];
  const onEvent = (event: TrainEvent): void => {
    events.push(event);
    if (stopAt?.(event)) controller.abort();
  };
  const result = await trainText({ given: {}, ...request }, { onEvent, signal: controller.signal });
  return { result, events };
}

const bytes = (name: string, file: string) => readFileSync(join(inside(name), file)).toString("base64");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-text-"));
  process.env.PETALGRAD_CACHE = join(folder, "cache");
});

afterAll(() => {
  if (cacheBefore === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

describe("a training", () => {
  it("stopped between two validations and resumed has the bits of one never stopped", async () => {
    const straight = await run({ given: OPTIONS, run: inside("straight") });
    expect(straight.result).toMatchObject({ end: "finished", step: 10 });
    expect(straight.events.filter((e) => e.kind === "warning")).toEqual([]);
    expect(straight.events.flatMap((e) => (e.kind === "validation" ? [e.step] : []))).toEqual([3, 6, 9, 10]);
    const stopped = await run({ given: OPTIONS, run: inside("split") }, (e) => e.kind === "step" && e.step === 4);
    expect(stopped.result.end).toBe("stopped");
    expect(stopped.result.step).toBeLessThan(9);
    const resumed = await run({ resume: inside("split") });
    expect(resumed.result).toMatchObject({ end: "finished", step: 10, best: straight.result.best });
    for (const file of ["text-encoder.safetensors", "checkpoint/step-000010.safetensors", "metrics.jsonl", "curves.svg", "config.json"])
      expect(bytes("split", file) === bytes("straight", file), file).toBe(true);
    expect(readdirSync(inside("straight")).sort()).toEqual(
      ["checkpoint", "config.json", "curves.svg", "metrics.jsonl", "text-encoder.safetensors"].sort(),
    );
  });

  it("keeps the best step's encoder, not the last's", async () => {
    const { result, events } = await run({
      given: { ...OPTIONS, learningRate: 0.3, schedule: "constant", validateEvery: 1, steps: 6 },
      run: inside("best"),
    });
    const scores = events.flatMap((e) =>
      e.kind === "validation" ? [{ step: e.step, score: (e.measures.top1! + e.measures.ap50!) / 2 }] : [],
    );
    const best = scores.reduce((a, b) => (b.score > a.score ? b : a));
    expect(result.best!.step).toBe(best.step);
    expect(result.best!.score).toBeCloseTo(best.score, 6);
    const { tensors } = await import("../../src/formats/safetensors.js").then((m) =>
      m.readSafetensors(readFileSync(join(inside("best"), "checkpoint/step-000006.safetensors")), "checkpoint"),
    );
    const { encoder } = await readPath(result.encoder!, readTextEncoder);
    expect([...(await encoder.parameters.read()).get("project.weight")!]).toEqual([...tensors.get("best.text.project.weight")!.data]);
    expect(await readPath(result.encoder!, readTextEncoder)).toMatchObject({ similarity: "cosine" });
  });

  it("ends when it is out of patience, also when resumed", async () => {
    const given: GivenTextOptions = { ...OPTIONS, learningRate: 1e-8, steps: 40, validateEvery: 1, patience: 2, dropout: 0 };
    const { result } = await run({ given, run: inside("patience") });
    expect(result).toMatchObject({ end: "finished", best: { step: result.step - 2 } });
    expect(result.step).toBeLessThan(40);
    expect((await run({ resume: inside("patience") })).result.step).toBe(result.step);
  });

  it("without images keeps no image side, and its encoder conditions a GAN", async () => {
    const { result } = await run({
      given: { objective: "text-only", imageSize: 16, width: 8, size: 32, batch: 8, steps: 3, validateEvery: 2 },
      run: inside("text-only"),
    });
    expect(await readPath(result.encoder!, readTextEncoder)).toMatchObject({ image: undefined, similarity: "dot" });
    const gan = await train(
      { given: { preset: "tiny", steps: 2, textEncoder: result.encoder! }, run: inside("gan") },
      { onEvent: () => undefined, signal: new AbortController().signal },
    );
    expect(gan.end).toBe("finished");
  });

  it("reads image features, and says what is wrong with them", async () => {
    const write = async (rows: number, file: string) =>
      writeFileSync(
        inside(file),
        await writeSafetensors(
          [["features", { dtype: "F32", shape: [rows, 4], data: Float32Array.from({ length: rows * 4 }, (_, i) => Math.sin(i)) }]],
          {},
        ),
      );
    await write(10, "few.safetensors");
    const given: GivenTextOptions = { imageSize: 16, width: 8, batch: 8, steps: 2, validateEvery: 2 };
    const few = run({ given: { ...given, imageFeatures: inside("few.safetensors") }, run: inside("features") });
    const message =
      (await few.then(
        () => "none",
        (error: Error) => error.message,
      )) ?? "";
    const rows = Number(/for petals they must be \[(\d+), size\]/.exec(message)?.[1]);
    expect(message).toContain("the features are [10, 4]");
    await write(rows, "all.safetensors");
    const { result } = await run({ given: { ...given, imageFeatures: inside("all.safetensors") }, run: inside("features") });
    expect((await readPath(result.encoder!, readTextEncoder)).image!.options).toEqual({ features: 4, embedding: 4 });
    await expect(run({ given: { ...given, imageFeatures: "x.mat" } })).rejects.toThrow("x.mat: a .safetensors or .npy file is wanted");
  });

  it("is told from a GAN's run", async () => {
    const hooks = { onEvent: () => undefined, signal: new AbortController().signal };
    await expect(train({ given: {}, resume: inside("straight") }, hooks)).rejects.toThrow(
      "was begun by train-text, so it goes on by: npm run train-text -- --resume",
    );
    await expect(run({ given: OPTIONS, run: inside("straight") })).rejects.toThrow("already holds a run");
  });
});
