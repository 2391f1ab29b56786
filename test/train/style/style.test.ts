/** The style encoder: what it is, how its recovery is measured, and its training in a run's folder. */
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RandomStream } from "../../../src/random/philox.js";
import { ganInitializers } from "../../../src/models/initializers.js";
import { StyleEncoder } from "../../../src/models/style-encoder.js";
import { compile } from "../../../src/tensor/compile.js";
import { mul } from "../../../src/tensor/elementwise.js";
import { keyInput, randomKey, randomNormal } from "../../../src/tensor/random.js";
import { mean } from "../../../src/tensor/reduce.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import { loadModel } from "../../../src/node/files/load-model.js";
import { networkDigest, networkTensors } from "../../../src/train/run/network-file.js";
import { normalNoise } from "../../../src/train/gan/noise.js";
import { Painter } from "../../../src/train/gan/painter.js";
import { mismatch } from "../../../src/train/style/file.js";
import { styleOfRun } from "../../../src/node/files/style-of-run.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { type GivenStyleOptions, resolveStyleOptions, styleOptionsFromJson } from "../../../src/train/style/options.js";
import { StyleReader } from "../../../src/train/style/reader.js";
import { determination } from "../../../src/train/style/recovery.js";
import { trainStyle } from "../../../src/node/train.js";
import { StyleTraining } from "../../../src/train/style/step.js";
import { tinyFolder } from "../../node/datasets/tiny-folder.js";
import { device } from "../../device.js";
import { tinyRun } from "../../node/files/tiny-run.js";

let folder: string;
let data: string;
const cacheBefore = process.env.PETALGRAD_CACHE;
const inside = (...parts: string[]) => join(folder, ...parts);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-style-"));
  process.env.PETALGRAD_CACHE = inside("cache");
  data = tinyFolder(inside("data"));
});

afterAll(() => {
  if (cacheBefore === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

describe("determination", () => {
  it("is 1 for the truth, 0 for its mean, and each dimension's own", () => {
    // Dimension 0: 1, 2, 3, 6 (mean 3, deviations² 14); dimension 1: found exactly; dimension 2: its mean; dimension 3: worse than that.
    const truth = Float32Array.of(1, 5, 0, 1, 2, -1, 2, -1, 3, 0, 4, 1, 6, 2, 6, -1);
    const found = Float32Array.of(2, 5, 3, -1, 2, -1, 3, 1, 3, 0, 3, -1, 4, 2, 3, 1);
    expect(determination(truth, found, 4)).toEqual([1 - 5 / 14, 1, 0, -3]);
  });
});

describe("the style encoder", () => {
  it("is the discriminator's trunk and a linear layer: as many parameters as that makes", () => {
    const options = { imageSize: 64, width: 64, noiseSize: 100, residual: true, missingLeakyRelu: "restore" } as const;
    // 4,382,756 with the convolutions' 1,728 biases, which batch norm makes useless.
    expect(new StyleEncoder(options, ganInitializers(new RandomStream(0))).size).toBe(4_382_756 - 1_728);
  });

  it("learns to find the noise behind images of a generator that it leaves as it is", async () => {
    const run = await tinyRun(inside("learn"));
    const { generator } = await loadModel(run.path);
    const { noiseSize, textSize, imageSize } = generator.options;
    const network = { imageSize, noiseSize, width: 8, residual: true, missingLeakyRelu: "restore" } as const;
    const options = { batch: 16, batchNorm: "running", learningRate: 4e-3, steps: 150 } as const;
    const training = new StyleTraining(generator, network, options, new RandomStream(2));
    const before = await networkTensors("", generator);
    const program = await training.compile(await device());
    const text = new Float32Array(options.batch * textSize).fill(0.3);
    const losses: number[] = [];
    for (let step = 1; step <= options.steps; step++) {
      const { loss } = await program.run({ text, key: randomKey(1, step), rate: training.rate(step) });
      losses.push(loss[0]!);
    }
    // The last layer is zero at first: the first loss is the mean square of the noise itself.
    const noiseAlone = await compile(await device(), () => {
      const z = randomNormal([options.batch, noiseSize], keyInput(), 1);
      return { loss: mean(mul(z, z)) };
    });
    expect(losses[0]).toBeCloseTo((await noiseAlone.run({ key: randomKey(1, 1) })).loss[0]!, 5);
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    expect(await networkTensors("", generator)).toEqual(before);

    const noise = normalNoise(64, noiseSize, 9);
    const painter = await Painter.create(await device(), generator);
    const reader = await StyleReader.create(await device(), training.style);
    const found = await reader.read(await painter.paint(noise, new Float32Array(64 * textSize).fill(0.3)));
    const r2 = determination(noise, found, noiseSize);
    expect(r2.reduce((a, b) => a + b) / noiseSize).toBeGreaterThan(0.4);
  });
});

describe("the digest of a generator", () => {
  it("is that of its names and values, in their order: files of other versions must stay recognisable", async () => {
    const { generator } = await loadModel((await tinyRun(inside("digest"))).path);
    const hash = createHash("sha256");
    for (const store of [generator.parameters, generator.statistics])
      for (const [name, values] of await store.read()) hash.update(`generator.${name}`).update(new Uint8Array(values.buffer));
    expect(await networkDigest(generator)).toBe(hash.digest("hex"));
  });
});

describe("the options", () => {
  const run = resolveOptions({ preset: "tiny", dataset: "flowers", dataDir: "there", tune: "full" }, { software: true });

  it("follow from the run's own, unless given", () => {
    const options = resolveStyleOptions({ steps: 7, seed: undefined }, run);
    const fromRun = { batch: 8, width: 8, dataDir: "there", sampleEvery: 50, checkpointEvery: 50, tune: "full", generator: "ema" };
    expect(options).toEqual({ ...fromRun, steps: 7, seed: 0, learningRate: 1e-3, batchNorm: "running", texts: "captions" });
    expect(resolveStyleOptions({ width: 12 }, { ...run, ema: 0 })).toMatchObject({ generator: "raw", width: 12 });
    expect(styleOptionsFromJson(JSON.parse(JSON.stringify(options)), "config.json")).toEqual(options);
  });

  it("are refused in one line where they make no sense", () => {
    expect(() => resolveStyleOptions({ learningRate: 0 }, run)).toThrow("--learning-rate must be a number from 1e-8 to 1, not 0");
    expect(() => resolveStyleOptions({ dataDir: "x" }, { ...run, dataset: "petals" })).toThrow("--data-dir has no meaning");
    expect(() => styleOptionsFromJson({ ...resolveStyleOptions({}, run), step: 3 }, "config.json")).toThrow('unknown option "step"');
  });
});

describe("train-style", () => {
  const OPTIONS: GivenStyleOptions = { steps: 8, batch: 4, checkpointEvery: 3, sampleEvery: 4 };
  const bytes = (...path: string[]) => readFileSync(inside(...path)).toString("base64");
  const metrics = (run: string) =>
    readFileSync(inside(run, "style", "metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => ({ ...(JSON.parse(line) as object), imagesPerSecond: 0 }));

  async function train(run: string, given: GivenStyleOptions, { resume = false, stopAt = Infinity } = {}) {
    const controller = new AbortController();
    const events: TrainEvent[] = [];
    const onEvent = (event: TrainEvent): void => {
      events.push(event);
      if (event.kind === "step" && event.step === stopAt) controller.abort();
    };
    const result = await trainStyle({ given, run: inside(run), resume }, { onEvent, signal: controller.signal });
    return { result, events };
  }

  beforeAll(async () => {
    for (const name of ["straight", "split", "other"]) await tinyRun(inside(name), { dataset: data });
    const { result, events } = await train("straight", OPTIONS);
    expect(result).toMatchObject({ end: "finished", step: 8, folder: inside("straight", "style") });
    expect(events.filter((e) => e.kind === "warning")).toEqual([]);
  });

  it("leaves its folder in the run's", () => {
    expect(readdirSync(inside("straight", "style")).sort()).toEqual([
      "checkpoint",
      "config.json",
      "curves.svg",
      "metrics.jsonl",
      "recovery.json",
      "samples",
      "style-encoder.safetensors",
    ]);
    expect(readdirSync(inside("straight", "style", "samples"))).toEqual([
      "step-000004.png",
      "step-000004.txt",
      "step-000008.png",
      "step-000008.txt",
    ]);
    const recovery = JSON.parse(readFileSync(inside("straight", "style", "recovery.json"), "utf8")) as Record<string, unknown>;
    expect(recovery).toMatchObject({ step: 8, images: 512, captions: "unseen classes" });
    expect(recovery.byDimension).toHaveLength(16);
  });

  it("stopped and resumed, has the bits of one never stopped", async () => {
    expect((await train("split", OPTIONS, { stopAt: 4 })).result.end).toBe("stopped");
    expect((await train("split", {}, { resume: true })).result).toMatchObject({ end: "finished", step: 8 });
    for (const file of [
      "style-encoder.safetensors",
      "recovery.json",
      join("checkpoint", "step-000008.safetensors"),
      join("samples", "step-000008.png"),
    ])
      expect(bytes("split", "style", file) === bytes("straight", "style", file), file).toBe(true);
    expect(metrics("split")).toEqual(metrics("straight"));
  });

  it("is another with mixtures of texts, with the batch's statistics, and for the raw generator", async () => {
    const last = (run: string) => metrics(run).at(-2);
    for (const given of [{ texts: "interpolated" }, { batchNorm: "batch" }, { generator: "raw" }] as const) {
      await train("other", { ...OPTIONS, ...given });
      expect(last("other"), JSON.stringify(given)).not.toEqual(last("straight"));
      rmSync(inside("other", "style"), { recursive: true });
    }
  });

  it("is taken from the run's folder with its numbers, and says when the generator is another", async () => {
    const model = await loadModel(inside("straight"));
    const file = await styleOfRun(inside("straight"));
    expect(file.kind).toBe("ema");
    expect(await mismatch(file, model.generator, model.path)).toBeUndefined();
    const images = normalNoise(2, 3 * 16 * 16, 4);
    const reader = await StyleReader.create(await device(), file.style);
    const styles = await reader.read(images);
    expect(styles).toHaveLength(2 * 16);
    expect(styles.some((v) => v !== 0)).toBe(true);
    const raw = await loadModel(inside("straight"), "raw");
    expect(await mismatch(file, raw.generator, raw.path)).toMatch(/trained with another generator/);
  });

  it("refuses in one line what makes no sense", async () => {
    await expect(train("straight", OPTIONS)).rejects.toThrow(/already holds a style encoder: go on with it by --resume .*straight/);
    await expect(train("straight", { learningRate: 0.1 }, { resume: true })).rejects.toThrow(
      /--learning-rate 0.1: the style encoder was begun/,
    );
    await expect(train("other", {}, { resume: true })).rejects.toThrow(/other has no style encoder yet: .*train-style -- --run/);
    await expect(train("nothing", {})).rejects.toThrow(/holds no run/);
    await expect(styleOfRun(inside("other"))).rejects.toThrow(/no style encoder yet: npm run train-style -- --run .*other/);
    await expect(styleOfRun(inside("other", "model.safetensors"))).rejects.toThrow(
      /model\.safetensors has no style encoder: a file gets it by .*export -- RUN --with style/,
    );
    await expect(styleOfRun(inside("nowhere"))).rejects.toThrow(/holds no run, and only a run/);
    await expect(train("other", { steps: 0 })).rejects.toThrow("--steps must be a whole number of at least 1, not 0");
  });

  it("refuses to go on for a generator that was trained on meanwhile", async () => {
    await tinyRun(inside("moved"), { dataset: data });
    await train("moved", OPTIONS, { stopAt: 4 });
    const other = await tinyRun(inside("replacement"), { dataset: data, seed: 5 });
    copyFileSync(other.inside("model.safetensors"), inside("moved", "model.safetensors"));
    await expect(train("moved", {}, { resume: true })).rejects.toThrow(
      /generator has changed since .*: remove .*style and train the style encoder anew/,
    );
  });
});
