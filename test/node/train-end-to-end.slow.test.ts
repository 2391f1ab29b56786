/** The text encoder trained with the GAN: its gradient, whole runs from scratch and from a trained encoder, the same bits when resumed. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { TextEncoder } from "../../src/models/text-encoder.js";
import { Gan } from "../../src/train/gan/gan.js";
import type { TrainEvent } from "../../src/train/run/events.js";
import { readTextEncoder } from "../../src/train/text/encoder-file.js";
import type { GivenOptions } from "../../src/train/gan/options.js";
import { resolveOptions } from "../../src/train/gan/resolve-options.js";
import { textSource } from "../../src/train/gan/text-source.js";
import { sample } from "../../src/node/drawing.js";
import { TrainedText } from "../../src/train/gan/trained-text.js";
import { train } from "../../src/node/train.js";
import { tinyDataset } from "../data/tiny-dataset.js";
import { device } from "../device.js";
import { readPath } from "../../src/node/files/read-bytes.js";

const OPTIONS: GivenOptions = { preset: "tiny", steps: 6, textSteps: 4, checkpointEvery: 4, sampleEvery: 5, seed: 3 };

let folder: string;
const cacheBefore = process.env.PETALGRAD_CACHE;
const inside = (...names: string[]) => join(folder, ...names);

async function run(request: { given?: GivenOptions; run?: string; resume?: string }, stopAt?: (event: TrainEvent) => boolean) {
  const controller = new AbortController();
  const onEvent = (event: TrainEvent): void => {
    if (stopAt?.(event)) controller.abort();
  };
  return train({ given: {}, ...request }, { onEvent, signal: controller.signal });
}

const weights = async (file: string, name: string) => (await (await readPath(file, readTextEncoder)).encoder.parameters.read()).get(name)!;
const distance = (a: Float32Array, b: Float32Array) => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-e2e-"));
  process.env.PETALGRAD_CACHE = inside("cache");
});

afterAll(() => {
  if (cacheBefore === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

describe("the gradient", () => {
  it.each(["image", "text"] as const)("of the discriminator's loss reaches the characters' first layer (wrong %s)", async (mismatch) => {
    const dataset = tinyDataset({ classes: 8, size: 16, captionsOf: (i) => [`a flower ${i}`, `${i} petals and more`] });
    const batch = 4;
    const options = {
      ...resolveOptions({ preset: "tiny", batch, mismatch, numCaptions: 2, ema: 0, infoWeight: 0 }, { software: true }),
      textSize: 8,
    };
    const encoder = new TextEncoder({ alphabet: dataset.alphabet.size, width: 4, embedding: 8, cell: "gru" }, new RandomStream(1));
    const normalisation = { center: new Float32Array(8).fill(0.05), scale: 4 };
    const gan = new Gan(options, new RandomStream(2));
    gan.text = await TrainedText.begin(await device(), dataset, { encoder, alphabet: dataset.alphabet, normalisation }, 2, false, {
      beta1: 0.5,
    });
    const program = await gan.compile(await device(), { given: true });
    const random = new RandomStream(3);
    const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
    const captions = (first: number) => gan.text!.index(Uint32Array.from({ length: 2 * batch }, (_, i) => first + i));
    const inputs: Record<string, ArrayLike<number>> = {
      ...{ real: normal(batch * 768), text: captions(0), rateD: [0, 1], rateG: [0, 1] },
      ...(mismatch === "image" ? { wrong: normal(batch * 768) } : { wrongText: captions(20) }),
      ...{ noiseD: normal(batch * options.noiseSize), noiseG: normal(1.5 * batch * options.noiseSize) },
    };
    // A rate of zero changes no weight, but the first moment becomes half the gradient.
    const loss = async () => (await program.run(inputs)).lossD[0]!;
    const before = await loss();
    const moment = (await gan.text.adam.first.read()).get("conv1.weight")!;
    const gradient = moment.map((m) => 2 * m);
    const norm = Math.hypot(...gradient);
    expect(norm).toBeGreaterThan(1e-4);
    const values = await encoder.parameters.read();
    const at = async (step: number) => {
      const moved = values.get("conv1.weight")!.map((w, i) => w + (step * gradient[i]!) / norm);
      encoder.parameters.write(new Map([...values, ["conv1.weight", moved]]));
      return loss();
    };
    // So small because of the kinks of the layers between.
    const step = 1e-3;
    const slope = ((await at(step)) - (await at(-step))) / (2 * step);
    expect(Math.abs(slope - norm)).toBeLessThan(0.05 * norm);
    expect(Number.isFinite(before)).toBe(true);
    program.destroy();
  });
});

describe("a run", () => {
  it("end to end trains the encoder from scratch, and has the same bits when stopped and resumed", async () => {
    const given = { ...OPTIONS, textEncoder: "end-to-end", textSteps: undefined };
    const starts: Float32Array[] = [];
    await run({ given, run: inside("straight") });
    const first = await run({ given, run: inside("split") }, (e) => e.kind === "step" && e.stage === "GAN" && e.step === 2);
    expect(first.end).toBe("stopped");
    expect((await run({ resume: inside("split") })).end).toBe("finished");
    for (const file of ["text-encoder.safetensors", "model.safetensors", "checkpoint/step-000006.safetensors", "samples/step-000006.png"])
      expect(readFileSync(inside("split", file)).equals(readFileSync(inside("straight", file))), file).toBe(true);
    await run({ given: { ...given, steps: 1 }, run: inside("one") });
    for (const name of ["one", "straight"]) starts.push(await weights(inside(name, "text-encoder.safetensors"), "conv1.weight"));
    expect(distance(starts[0]!, starts[1]!)).toBeGreaterThan(1e-5);
    const { images } = await sample({ source: inside("straight"), texts: ["red petals", "blue petals"], count: 1, seed: 1 });
    const raw = await sample({ source: inside("straight"), texts: ["red petals", "blue petals"], count: 1, seed: 1, generator: "raw" });
    expect(images).toHaveLength(2 * 768);
    expect(raw.images).not.toEqual(images);
  });

  it("fine-tunes a trained encoder from where it stands", async () => {
    const file = inside("straight", "text-encoder.safetensors");
    const given = { ...OPTIONS, steps: 3, textSteps: undefined, textEncoder: `fine-tune:${file}` };
    await run({ given: { ...given, learningRate: 1e-8 }, run: inside("slow") });
    await run({ given, run: inside("tuned") });
    const [start, slow, tuned] = await Promise.all(
      [file, inside("slow", "text-encoder.safetensors"), inside("tuned", "text-encoder.safetensors")].map((path) =>
        weights(path, "conv1.weight"),
      ),
    );
    expect(distance(start!, slow!)).toBeLessThan(1e-6);
    expect(distance(start!, tuned!)).toBeGreaterThan(1e-5);
  });

  it("fine-tunes the encoder that it trained beforehand", async () => {
    const events: string[] = [];
    const hooks = {
      onEvent: (event: TrainEvent) => void (event.kind === "step" && events.push(event.stage)),
      signal: new AbortController().signal,
    };
    await train({ given: { ...OPTIONS, steps: 2, textEncoder: "fine-tune" }, run: inside("both") }, hooks);
    expect([...new Set(events)]).toEqual(["text encoder", "GAN"]);
    expect((await readPath(inside("both", "text-encoder.safetensors"), readTextEncoder)).image).toBeUndefined();
  });
});

describe("--text-encoder", () => {
  it.each([
    [null, { file: null, trained: false, scratch: false }],
    ["a.safetensors", { file: "a.safetensors", trained: false, scratch: false }],
    ["end-to-end", { file: null, trained: true, scratch: true }],
    ["fine-tune", { file: null, trained: true, scratch: false }],
    ["fine-tune:a.safetensors", { file: "a.safetensors", trained: true, scratch: false }],
  ])("%s", (textEncoder, expected) => {
    expect(textSource({ textEncoder })).toEqual(expected);
  });

  it.each([
    [{ textEncoder: "end-to-end", textSteps: 3 }, "--text-steps has no meaning with --text-encoder end-to-end"],
    [{ textEncoder: "fine-tune:x", textWidth: 8 }, "--text-width has no meaning with --text-encoder FILE"],
  ])("%o is refused", (given, message) => {
    expect(() => resolveOptions(given, { software: true })).toThrow(message);
    expect(resolveOptions({ textEncoder: "end-to-end", textCell: "lstm", textWidth: 8 }, { software: true }).textCell).toBe("lstm");
  });
});
