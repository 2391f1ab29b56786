/** The option table of train-text: defaults by objective and form, what has no meaning, resume, config.json. */
import { describe, expect, it } from "vitest";
import { TEXT_OPTIONS } from "../../../src/train/text/options.js";
import { resolveTextOptions, resumeTextOptions, textOptionsFromJson } from "../../../src/train/text/resolve-options.js";

const cpu = { software: true };
const flowers = { classes: 82, images: 7034 };

describe("resolveTextOptions", () => {
  it("trains the paper's char-CNN-RNN by InfoNCE, a sixth of the classes held out", () => {
    expect(resolveTextOptions({ dataset: "flowers" }, cpu, flowers)).toMatchObject({
      ...{ encoder: "char-cnn-rnn", cell: "rnn", state: "mean", width: 256, size: 512, length: 201, objective: "info-nce" },
      ...{
        steps: 2500,
        batch: 40,
        schedule: "cosine",
        learningRate: 1e-3,
        validation: 13,
        validateEvery: 125,
        margin: null,
        lrDecay: null,
      },
    });
  });

  it("takes the schedule of the authors' programs with their objectives: 16,400 steps for flowers, 200 epochs of captions", () => {
    const sje = { schedule: "decay", learningRate: 7e-4, lrDecay: 0.98, lrDecayEvery: 1, batch: 40, margin: 1, others: "sum", warmUp: 0 };
    expect(resolveTextOptions({ objective: "ds-sje" }, cpu, flowers)).toMatchObject({ ...sje, steps: 16_400 });
    expect(resolveTextOptions({ objective: "da-sje", steps: 10 }, cpu, flowers)).toMatchObject({ ...sje, steps: 10 });
    expect(resolveTextOptions({ objective: "text-only" }, cpu, flowers)).toMatchObject({
      ...{ learningRate: 2e-4, lrDecay: 0.5, lrDecayEvery: 50, batch: 64, steps: 200 * 110, margin: 1, imageWidth: null, mirror: null },
    });
  });

  it("leaves out what a form does not have", () => {
    expect(resolveTextOptions({ encoder: "bag-of-words" }, cpu, flowers)).toMatchObject({
      ...{ cell: null, state: null, width: null, alphabet: null, vocabularyMin: 5, ngrams: 1, length: 100 },
    });
    // Every word of a caption, and nearly as many pairs.
    expect(resolveTextOptions({ encoder: "bag-of-words", ngrams: 2 }, cpu, flowers)).toMatchObject({ ngrams: 2, length: 200 });
    expect(resolveTextOptions({ encoder: "word-cnn-rnn", cell: "lstm" }, cpu, flowers)).toMatchObject({ cell: "lstm", length: 30 });
    expect(resolveTextOptions({ imageFeatures: "f.npy" }, cpu, { ...flowers, features: 1024 })).toMatchObject({ size: 1024, shift: null });
  });

  it.each([
    [{ encoder: "bag-of-words" as const, cell: "gru" as const }, "--cell has no meaning with --encoder bag-of-words"],
    [{ encoder: "char-cnn" as const, state: "last" as const }, "--state has no meaning with --encoder char-cnn"],
    [{ encoder: "word-cnn-rnn" as const, ngrams: 2 }, "--ngrams has no meaning with --encoder word-cnn-rnn"],
    [{ encoder: "bag-of-words" as const, ngrams: 5 }, "--ngrams must be a whole number from 1 to 4"],
    [{ encoder: "bag-of-words" as const, width: 8 }, "--width has no meaning"],
    [{ encoder: "word-cnn-rnn" as const, alphabet: "auto" as const }, "--alphabet has no meaning with --encoder word-cnn-rnn"],
    [{ vocabularyMin: 2 }, "--vocabulary-min has no meaning with --encoder char-cnn-rnn"],
    [{ margin: 2 }, "--margin has no meaning with --objective info-nce"],
    [{ objective: "text-only" as const, crop: 0.5 }, "--crop has no meaning with --objective text-only"],
    [{ objective: "text-only" as const, imageFeatures: "f.npy" }, "--image-features has no meaning with --objective text-only"],
    [{ imageFeatures: "f.npy", imageWidth: 8 }, "--image-width has no meaning with --image-features"],
    [{ lrDecay: 0.5 }, "--lr-decay has no meaning with --schedule cosine"],
    [{ validation: 0, patience: 2 }, "--patience has no meaning with --validation 0"],
    [{ validation: 81 }, "--validation 81 leaves fewer than two of 82 classes"],
    [{ imageSize: 48 }, "--image-size must be a power of two"],
    [{ dropout: 1 }, "--dropout must be a number from 0 to 0.95"],
    [{ objective: "hinge" as "ds-sje" }, "--objective must be one of info-nce, ds-sje, da-sje, text-only"],
  ])("refuses %o in one line", (given, message) => {
    expect(() => resolveTextOptions(given, cpu, flowers)).toThrow(message);
  });
});

describe("a resumed training", () => {
  const saved = resolveTextOptions({ dataset: "flowers", seed: 3 }, cpu, flowers);

  it("goes on as it began", () => {
    expect(resumeTextOptions(saved, { checkpointEvery: 7, seed: 3 })).toEqual({ ...saved, checkpointEvery: 7 });
    expect(() => resumeTextOptions(saved, { steps: 9 })).toThrow("--steps 9: the training was begun with 2500");
    expect(() => resumeTextOptions(saved, { margin: 2 })).toThrow("--margin 2: the training was begun with none");
  });

  it("reads config.json back, and refuses a damaged one", () => {
    const json = JSON.parse(JSON.stringify(saved)) as object;
    expect(textOptionsFromJson(json, "c")).toEqual(saved);
    expect(Object.keys(json).sort()).toEqual(Object.keys(TEXT_OPTIONS).sort());
    expect(() => textOptionsFromJson({ ...json, cel: "rnn" }, "c")).toThrow('c: unknown option "cel"; did you mean "cell"?');
    expect(() => textOptionsFromJson({ ...json, width: null }, "c")).toThrow("c: width must be a whole number");
    expect(() => textOptionsFromJson([], "c")).toThrow("c does not hold a training's options");
  });
});
