/** Training text encoders: every objective, every option, the same bits after a restore. */
import { describe, expect, it } from "vitest";
import { PackedDataset } from "../../../src/data/packed.js";
import { Vocabulary } from "../../../src/data/vocabulary.js";
import type { FeatureEncoder } from "../../../src/models/image-encoder.js";
import { ALONE } from "../../../src/train/run/world.js";
import { fillFeatures, type ImageFeatures } from "../../../src/train/text/image-features.js";
import { JointEmbedding } from "../../../src/train/text/joint-embedding.js";
import type { JointTraining, TextData } from "../../../src/train/text/joint-training.js";
import { type Objective, OBJECTIVES, RECIPES, scheduledRate } from "../../../src/train/text/objectives.js";
import { tinyPrepared } from "../../data/tiny-dataset.js";
import { device } from "../../device.js";

const COLOURS = ["red", "blue", "white", "pink", "gold"];
/** Captions name the class, at several lengths; images are of one colour a class. */
const prepared = tinyPrepared({
  classes: 5,
  imagesPerClass: 6,
  size: 16,
  captionsOf: (i) =>
    [0, 1, 2].map((j) => {
      const colour = COLOURS[Math.floor(i / 6)]!;
      return `${j % 2 ? "a flower of" : "it is"} ${`${colour} `.repeat(3)}${"and more ".repeat((i + j) % 3)}${colour}`;
    }),
});
const each = 16 * 16 * 3;
const pixels = prepared.pixels.map((value, at) => {
  const colour = Math.floor(at / (6 * each));
  return value + ((colour + 1) & (1 << (at % 3)) ? 180 : 20);
});
const dataset = new PackedDataset({ ...prepared, pixels });
const data: TextData = { dataset, symbols: dataset.alphabet, classes: [0, 1, 2, 3, 4] };

const training = (objective: Objective, changes: Partial<JointTraining> = {}): JointTraining => {
  const { batch, schedule, warmUp, lrDecay, lrDecayEvery, learningRate } = RECIPES[objective];
  return {
    ...{ objective, margin: 1, others: "sum", steps: 100, seed: 1, batch, schedule, warmUp, lrDecay, lrDecayEvery, learningRate },
    ...{ mirror: true, shift: 1, crop: 1, light: 0, numCaptions: 1, sentences: null, dropout: 0, weightDecay: 0 },
    ...{ text: { width: 8, embedding: 8 }, imageWidth: 4 },
    ...changes,
  };
};

const never = new AbortController().signal;

async function losses(steps: number, options: JointTraining, used: TextData = data): Promise<number[]> {
  const joint = new JointEmbedding(await device(), used, options);
  const seen: number[] = [];
  await joint.train(steps, (_, loss) => seen.push(loss), never);
  await joint.destroy();
  return seen;
}

describe("training", () => {
  it.each(OBJECTIVES)("by %s lowers the loss", async (objective) => {
    const changes = {
      schedule: "constant",
      warmUp: 0,
      learningRate: objective === "text-only" ? 1e-2 : 3e-3,
      batch: objective === "text-only" ? 8 : 5,
    } as const;
    const seen = await losses(60, training(objective, changes));
    const mean = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
    expect(seen).toHaveLength(60);
    expect(mean(seen.slice(-8))).toBeLessThan(0.8 * mean(seen.slice(0, 4)));
  });

  it.each<[string, Objective, Partial<JointTraining>]>([
    ["margin", "ds-sje", { margin: 0.5 }],
    ["others", "ds-sje", { others: "max" }],
    ["symmetry", "da-sje", {}],
    ["dropout", "info-nce", { dropout: 0.5 }],
    ["mirror", "info-nce", { mirror: false }],
    ["shift", "info-nce", { shift: 0 }],
    ["crop", "info-nce", { crop: 0.5 }],
    ["light", "info-nce", { light: 0.5 }],
    ["numCaptions", "info-nce", { numCaptions: 2 }],
    ["sentences", "info-nce", { sentences: 1 }],
    ["batch", "info-nce", { batch: 3 }],
    ["state", "info-nce", { text: { width: 8, embedding: 8, state: "last" } }],
    ["seed", "info-nce", { seed: 2 }],
  ])("%s is not ignored", async (_, objective, changes) => {
    const [base] = await losses(1, training(objective === "info-nce" ? objective : "ds-sje"));
    const [other] = await losses(1, training(objective, changes));
    expect(other).not.toBe(base);
    expect(Number.isFinite(other)).toBe(true);
  });

  it("decays weights by rate times decay, and spares biases, norms and the temperature", async () => {
    const rate = 1e-2;
    const after = async (weightDecay: number) => {
      const options = training("info-nce", { schedule: "constant", warmUp: 0, learningRate: rate, weightDecay });
      const joint = new JointEmbedding(await device(), data, options);
      const before = new Map((await joint.model.tensors()).map(([name, { data }]) => [name, data as Float32Array]));
      await joint.train(1, () => undefined, never);
      const tensors = new Map((await joint.model.tensors()).map(([name, t]) => [name, t]));
      await joint.destroy();
      return { before, tensors };
    };
    const [plain, decayed] = [await after(0), await after(0.5)];
    let weights = 0;
    for (const [name, { shape, data }] of plain.tensors) {
      if (!/^(text|image|temperature)\.(?!adam)/.test(name)) continue;
      const share = shape.length > 1 ? rate * 0.5 : 0;
      weights += share > 0 ? 1 : 0;
      const expected = (data as Float32Array).map((value, i) => value - share * plain.before.get(name)![i]!);
      const actual = decayed.tensors.get(name)!.data as Float32Array;
      expected.forEach((value, i) => expect(Math.abs(actual[i]! - value), name).toBeLessThan(1e-6));
    }
    expect(weights).toBeGreaterThan(6);
  });

  it.each(["info-nce", "ds-sje"] as const)("by %s goes on after a restore with the same bits", async (objective) => {
    const options = training(objective, { dropout: 0.25, weightDecay: 0.1, numCaptions: 2, crop: 0.7, steps: 8 });
    const straight = new JointEmbedding(await device(), data, options);
    await straight.train(4, () => undefined, never);
    const saved = new Map(await straight.model.tensors());
    await straight.train(8, () => undefined, never);
    const resumed = new JointEmbedding(await device(), data, options);
    resumed.restore(4, saved, "saved");
    await resumed.train(8, () => undefined, never);
    expect(await resumed.model.tensors()).toEqual(await straight.model.tensors());
    expect([...saved.values()]).not.toEqual((await straight.model.tensors()).map(([, tensor]) => tensor));
    await Promise.all([straight.destroy(), resumed.destroy()]);
  });

  it("on more ranks than a batch has rows is refused", async () => {
    const [gpu, options] = [await device(), training("info-nce")];
    expect(() => new JointEmbedding(gpu, data, options, { ...ALONE, size: 6 })).toThrow(
      /^a batch has 5 rows, too few for 6 ranks: start at most 5$/,
    );
  });

  it.each(["char-cnn", "word-cnn-rnn", "bag-of-words"] as const)("trains a %s", async (form) => {
    const symbols =
      form === "char-cnn"
        ? dataset.alphabet
        : Vocabulary.fromCaptions(
            dataset.imagesOfSplit("train").flatMap((i) => dataset.captionsOf(i)),
            1,
          );
    const options = training("info-nce", { schedule: "constant", warmUp: 0, learningRate: 1e-2, text: { form, width: 8, embedding: 8 } });
    const seen = await losses(40, { ...options, dropout: 0.1 }, { ...data, symbols });
    expect(seen.at(-1)).toBeLessThan(0.8 * seen[0]!);
  });
});

describe("image features", () => {
  /** Two views of four values: the class of the image, then the view. */
  const views = 2;
  const size = 4;
  const values = Float32Array.from({ length: dataset.images * views * size }, (_, at) => {
    const [image, view, d] = [Math.floor(at / (views * size)), Math.floor(at / size) % views, at % size];
    return d === 3 ? 0.1 * view : Math.sin(dataset.classOf(image) * (d + 1));
  });
  const features: ImageFeatures = { size, views, values, file: "f.npy" };

  it("are the image side as they are where the embedding is as long, else are projected", async () => {
    const side = async (embedding: number) => {
      const options = training("info-nce", { schedule: "constant", warmUp: 0, learningRate: 1e-2, text: { width: 8, embedding } });
      const joint = new JointEmbedding(await device(), { ...data, features }, options);
      const seen: number[] = [];
      await joint.train(30, (_, loss) => seen.push(loss), never);
      await joint.destroy();
      expect(seen.at(-1)).toBeLessThan(0.8 * seen[0]!);
      return joint.model.image as FeatureEncoder;
    };
    expect((await side(4)).size).toBe(0);
    expect((await side(6)).size).toBe(4 * 6 + 6);
  });

  it("give the first view unless another is asked for", () => {
    const row = (image: number, view: number) => [...values.subarray((image * views + view) * size, (image * views + view + 1) * size)];
    expect([...fillFeatures(features, [7, 2])]).toEqual([...row(7, 0), ...row(2, 0)]);
    expect([...fillFeatures(features, [7, 2], (i) => 1 - i)]).toEqual([...row(7, 1), ...row(2, 0)]);
  });
});

describe("the learning rate", () => {
  const base = { learningRate: 2, steps: 1000, warmUp: 0, lrDecay: 0.5, lrDecayEvery: 3 };

  it("falls by half a cosine after its rise", () => {
    const rate = (step: number) => scheduledRate({ ...base, schedule: "cosine", warmUp: 100 }, step, 10);
    expect(rate(50)).toBeCloseTo(1 * 0.5 * (1 + Math.cos((Math.PI * 49) / 1000)), 6);
    expect(rate(501)).toBeCloseTo(1, 6);
    expect(rate(1000)).toBeLessThan(1e-4);
  });

  it("is multiplied after every so many epochs", () => {
    const rate = (step: number) => scheduledRate({ ...base, schedule: "decay" }, step, 10);
    expect([1, 30, 31, 60, 61].map(rate)).toEqual([2, 2, 1, 1, 0.5]);
  });

  it("stays", () => {
    expect(scheduledRate({ ...base, schedule: "constant" }, 999, 10)).toBe(2);
  });
});
