/** A trial with networks that have learnt their little data set: good images do well, others badly, in the measures that are meant to show it. */
import { beforeAll, describe, expect, it } from "vitest";
import { isHeldOut } from "../../src/evaluate/lessons.js";
import { type EvaluationNetworks, type NetworkSettings, obtainNetworks } from "../../src/evaluate/networks.js";
import { noiseImages, realImages } from "../../src/evaluate/pictures.js";
import type { Values } from "../../src/evaluate/report.js";
import { openObservers, type Pictures, Trial } from "../../src/evaluate/trial.js";
import { MemoryStore } from "../../src/train/run/store.js";
import { PLAIN_TRAINING } from "../../src/train/text/joint-training.js";
import { device } from "../device.js";
import { patches } from "./patches.js";

const dataset = patches();
const classifier = { steps: 300, batch: 16, learningRate: 5e-3, width: 8, shift: 1, seed: 3 };
const settings: NetworkSettings = {
  classifier,
  reader: { ...classifier, renders: 0 },
  matching: {
    ...PLAIN_TRAINING,
    ...{ steps: 150, seed: 1, warmUp: 10, shift: 1, learningRate: 5e-3, imageWidth: 8 },
    text: { width: 16, embedding: 16, cell: "rnn" },
  },
};

let networks: EvaluationNetworks;
let train: Trial;

const imageOf = (caption: number) => dataset.imageOfCaption(caption);
const byImages = (of: (caption: number) => number, group: (caption: number, i: number) => number): Pictures => ({
  of: (captions) => realImages(dataset, captions.map(of)),
  groups: (captions, each) =>
    realImages(
      dataset,
      captions.flatMap((caption) => Array.from({ length: each }, (_, i) => group(caption, i))),
    ),
});
const value = (values: Values, id: string) => values[`${id}.train`]!.value;

beforeAll(async () => {
  const hooks = { onEvent: () => undefined, signal: new AbortController().signal };
  networks = await obtainNetworks(await device(), dataset, settings, new MemoryStore(), hooks);
  const observers = await openObservers(await device(), networks);
  const trials = await Trial.prepare(await device(), dataset, networks, observers, 60, 1);
  expect(trials.map(({ split }) => split)).toEqual(["train", "test"]);
  train = trials[0]!;
});

describe("a trial", () => {
  it("asks about captions of images that no network has learnt", () => {
    const held = isHeldOut(dataset);
    for (const caption of train.captions) expect(held(imageOf(caption))).toBe(true);
    // Every fifth image of a class.
    expect(dataset.imagesOfClass(2).filter(held)).toEqual([20]);
  });

  it("knows an image by its caption, and another class's by none", async () => {
    const right = await train.ofDrawn(byImages(imageOf, imageOf));
    // The class after the next, among the eight that are trained on.
    const wrong = await train.ofDrawn(byImages((caption) => ((dataset.classOf(imageOf(caption)) + 2) % 8) * 8, imageOf));
    // Some of the nine others are of its own class: those are no others.
    expect(value(right, "rPrecision10")).toBeGreaterThan(0.7);
    expect(value(wrong, "rPrecision10")).toBeLessThan(0.2);
    expect(value(await train.ofReal(), "rPrecision10")).toBe(value(right, "rPrecision10"));
    expect(value(await train.ofNoise(), "rPrecision10")).toBe(0.1);
  });

  it("leaves out what there are too few captions for, and says so, also of few images", async () => {
    // Sixteen sentences, two a class: fourteen rivals.
    expect(train.notes).toEqual([
      expect.stringMatching(
        /^training classes: "own caption first among 100" is not measured: .* each has 14 different ones .* 99 are wanted/,
      ),
      expect.stringMatching(/^training classes: FID and KID stand on 32 images a side with 16 features: with so few/),
    ]);
    for (const values of [await train.ofReal(), await train.ofNoise()]) expect(values["rPrecision100.train"]).toBeUndefined();
  });

  it("finds real images near real ones, one class alone farther, noise farther still", async () => {
    const real = await train.ofReal();
    const one = await train.ofDrawn(byImages(() => 0, imageOf));
    const noise = await train.ofNoise();
    for (const id of ["fid", "kid"]) {
      expect(value(one, id)).toBeGreaterThan(0);
      expect(value(real, id)).toBeLessThan(0.2 * value(one, id));
      expect(value(real, id)).toBeLessThan(0.2 * value(noise, id));
    }
    expect(value(real, "inception")).toBeGreaterThan(2);
    expect(value(one, "inception")).toBeCloseTo(1, 3);
  });

  it("sees variety in different images, none in equal ones", async () => {
    const equal = await train.ofDrawn(byImages(imageOf, imageOf));
    const different = await train.ofDrawn(byImages(imageOf, (_, i) => 8 * i));
    expect(value(equal, "variety")).toBe(0);
    expect(value(equal, "pixels")).toBeCloseTo(0, 5);
    expect(value(different, "variety")).toBeGreaterThan(2 * value(await train.ofReal(), "variety"));
    expect(value(different, "pixels")).toBeGreaterThan(0.1);
  });

  it("knows grounds that come with the noise from those that come with the sentence", async () => {
    const bySentence = await train.ofDrawn(byImages(imageOf, imageOf));
    const byNoise = await train.ofDrawn({ ...byImages(imageOf, imageOf), of: (captions) => realImages(dataset, captions.map((_, i) => 8 * (i % 8))) }); // prettier-ignore
    expect(value(bySentence, "groundByText")).toBeCloseTo(1, 12);
    expect(value(bySentence, "groundByNoise")).toBeCloseTo(0, 12);
    expect(value(byNoise, "groundByText")).toBeCloseTo(0, 12);
    expect(value(byNoise, "groundByNoise")).toBeCloseTo(1, 12);
  });

  it("takes images from anywhere", async () => {
    const noise: Pictures = {
      of: (captions) => noiseImages(dataset.size, captions.length, 2),
      groups: (captions, each) => noiseImages(dataset.size, captions.length * each, 3),
    };
    const values = await train.ofDrawn(noise);
    expect(value(values, "fid")).toBeGreaterThan(0.5 * value(await train.ofNoise(), "fid"));
  });
});
