/** Runs on given embeddings, and with an imported text encoder: trained, resumed, sampled from, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Alphabet } from "../../src/data/alphabet.js";
import { writeNpy } from "../../src/formats/npy.js";
import { openDataset } from "../../src/node/datasets/open.js";
import { RandomStream } from "../../src/random/philox.js";
import { TextEncoder } from "../../src/models/text-encoder.js";
import { readGan } from "../../src/train/gan/model-file.js";
import { encodeTextEncoder, readTextEncoder } from "../../src/train/text/encoder-file.js";
import type { TrainEvent } from "../../src/train/run/events.js";
import type { GivenOptions } from "../../src/train/gan/options.js";
import { sample } from "../../src/node/drawing.js";
import { isNormalised } from "../../src/train/text/text-model.js";
import { train } from "../../src/node/train.js";
import { readPath } from "../../src/node/files/read-bytes.js";

const SIZE = 12;
const cacheBefore = process.env.PETALGRAD_CACHE;
let folder: string;
const inside = (name: string) => join(folder, name);
const put = (name: string, bytes: Uint8Array): string => {
  writeFileSync(inside(name), bytes);
  return inside(name);
};
const OPTIONS: GivenOptions = { preset: "tiny", steps: 4, checkpointEvery: 2, sampleEvery: 4, seed: 3 };

async function run(request: { given?: GivenOptions; run?: string; resume?: string }, stopAt?: number) {
  const controller = new AbortController();
  const events: TrainEvent[] = [];
  const onEvent = (event: TrainEvent): void => {
    events.push(event);
    if (event.kind === "step" && event.stage === "GAN" && event.step === stopAt) controller.abort();
  };
  const result = await train({ given: {}, ...request }, { onEvent, signal: controller.signal });
  return { result, events };
}

/** An encoder as imports are: not normalised, without an image side. */
async function importedEncoder(name: string, embedding = SIZE): Promise<string> {
  const random = new RandomStream(9);
  const encoder = new TextEncoder({ alphabet: 70, width: 8, embedding }, random);
  const normalisation = { center: new Float32Array(embedding), scale: 1 };
  return put(name, await encodeTextEncoder({ encoder, alphabet: Alphabet.original(), normalisation, image: undefined, similarity: "dot" }));
}

let embeddings: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-given-"));
  process.env.PETALGRAD_CACHE = inside("cache");
  const { captions } = await openDataset("petals", { size: 16 });
  const random = new RandomStream(1);
  const values = Float32Array.from({ length: captions * SIZE }, (_, i) => 5 + (i % SIZE) + 0.1 * random.normal());
  embeddings = put("embeddings.npy", writeNpy([captions, SIZE], values));
  put(
    "others.npy",
    writeNpy(
      [captions, SIZE],
      values.map((v, i) => (i === 7 ? v + 1 : v)),
    ),
  );
  const { result, events } = await run({ given: { ...OPTIONS, embeddings }, run: inside("straight") });
  expect(result).toMatchObject({ end: "finished", step: 4 });
  expect(events.filter(({ kind }) => kind === "warning")).toEqual([]);
  expect(events.some((e) => e.kind === "step" && e.stage === "text encoder")).toBe(false);
});
afterAll(() => {
  if (cacheBefore === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

const request = { count: 2, seed: 5 };
const pixels = async (more: Omit<Parameters<typeof sample>[0], "count" | "seed">) => [...(await sample({ ...request, ...more })).images];

describe("a run on given embeddings", () => {
  it("has the same bits when it is stopped and resumed, and goes on with its own embeddings only", async () => {
    const first = await run({ given: { ...OPTIONS, embeddings }, run: inside("split") }, 2);
    expect(first.result.end).toBe("stopped");
    const second = await run({ resume: inside("split") });
    expect(second.result).toMatchObject({ end: "finished", step: 4 });
    const picks = { texts: ["1", "17"], embeddings };
    expect(await pixels({ source: inside("split"), ...picks })).toEqual(await pixels({ source: inside("straight"), ...picks }));
    const kept = readFileSync(embeddings);
    writeFileSync(embeddings, readFileSync(inside("others.npy")));
    await expect(run({ resume: inside("split"), given: { steps: 6 } })).rejects.toThrow(
      "holds other embeddings than those that the run was begun with",
    );
    writeFileSync(embeddings, kept);
    await expect(run({ resume: inside("split"), given: { steps: 6, embeddings: inside("others.npy") } })).rejects.toThrow(
      /--embeddings .*others\.npy: the run was begun with/,
    );
  });

  it("draws embeddings, and sentences by the encoder that is named", async () => {
    const source = inside("straight");
    const drawn = await pixels({ source, texts: ["1", "17"], embeddings });
    const each = 3 * 16 * 16;
    expect(drawn).toHaveLength(4 * each);
    expect(drawn.slice(0, each)).not.toEqual(drawn.slice(2 * each, 3 * each));
    await expect(sample({ ...request, source, texts: ["a"] })).rejects.toThrow(
      /was trained on given embeddings and has no text encoder: name the one/,
    );
    await expect(sample({ ...request, source, texts: ["nobody"], embeddings })).rejects.toThrow('has no embeddings of "nobody"');
    const textEncoder = await importedEncoder("encoder.safetensors");
    expect(await pixels({ source, texts: ["red petals"], textEncoder })).toHaveLength(2 * each);
    const longer = await importedEncoder("longer.safetensors", 13);
    await expect(sample({ ...request, source, texts: ["a"], textEncoder: longer })).rejects.toThrow("gives embeddings of 13, and");
    const other = put("five.npy", writeNpy([2, 5], new Float32Array(10)));
    await expect(sample({ ...request, source, texts: ["1"], embeddings: other })).rejects.toThrow(
      /holds embeddings of 5, and .* was trained on some of 12/,
    );
  });
});

describe("a run with an imported encoder", () => {
  it("normalises its embeddings by the training captions, and has the encoder in its model", async () => {
    const textEncoder = await importedEncoder("imported.safetensors");
    await run({ given: { ...OPTIONS, steps: 2, textEncoder }, run: inside("imported") });
    const own = await readPath(join(inside("imported"), "text-encoder.safetensors"), readTextEncoder);
    expect(isNormalised(own)).toBe(true);
    expect(own.image).toBe(undefined);
    const source = join(inside("imported"), "model.safetensors");
    expect((await readPath(source, readGan)).encoder.options.width).toBe(8);
    await expect(sample({ ...request, source, texts: ["a"], textEncoder })).rejects.toThrow(
      "has its own text encoder: leave --text-encoder out",
    );
  });
});
