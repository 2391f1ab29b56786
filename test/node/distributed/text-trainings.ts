/** The text encoders that the tests of several ranks train: without batch norm, and in a run of their own. */
import { PackedDataset } from "../../../src/data/packed.js";
import { Vocabulary } from "../../../src/data/vocabulary.js";
import type { ImageFeatures } from "../../../src/train/text/image-features.js";
import type { JointTraining, TextData } from "../../../src/train/text/joint-training.js";
import { type Objective, RECIPES } from "../../../src/train/text/objectives.js";
import type { GivenTextOptions } from "../../../src/train/text/options.js";
import { tinyPrepared } from "../../data/tiny-dataset.js";

const COLOURS = ["red", "blue", "white", "pink", "gold"];
const dataset = new PackedDataset(
  tinyPrepared({
    ...{ classes: 5, imagesPerClass: 4, size: 4 },
    captionsOf: (i) =>
      ["a flower of", "it is", "there are many of"].map((words) => `${words} ${COLOURS[Math.floor(i / 4)]}${" and more".repeat(i % 9)}`),
  }),
);
const captions = dataset.imagesOfSplit("train").flatMap((i) => dataset.captionsOf(i));
/** Two views of each image, of which a batch takes one by chance. */
const features: ImageFeatures = {
  ...{ size: 6, views: 2, file: "features.npy" },
  values: Float32Array.from({ length: dataset.images * 12 }, (_, i) => Math.sin(i * i + Math.floor(i / 48))),
};
const classes = [0, 1, 2, 3, 4];

const training = (objective: Objective, changes: Partial<JointTraining>): JointTraining => ({
  ...RECIPES[objective],
  ...{ objective, margin: 1, others: "sum", steps: 20, seed: 1, warmUp: 0, schedule: "constant", learningRate: 1e-3 },
  ...{ mirror: true, shift: 0, crop: 1, light: 0, numCaptions: 1, sentences: null, dropout: 0, weightDecay: 0, imageWidth: 4 },
  ...{ text: { width: 8, embedding: 8 } },
  ...changes,
});

const words: TextData = { dataset, symbols: Vocabulary.fromCaptions(captions, 1), classes };
const characters: TextData = { dataset, symbols: dataset.alphabet, classes, features };

/** Batches of 5 and 7 rows, which two ranks cannot share evenly; captions of several windows. */
export const TEXT_TRAININGS: Readonly<Record<string, { readonly data: TextData; readonly options: JointTraining }>> = {
  "info-nce": { data: characters, options: training("info-nce", { numCaptions: 2, weightDecay: 0.1 }) },
  "text-only": { data: words, options: training("text-only", { batch: 7, text: { form: "bag-of-words", width: 0, embedding: 8 } }) },
};

/** A run by `train-text`, with an image network and so with batch norm. */
export const TEXT_RUN: GivenTextOptions = {
  ...{ imageSize: 16, width: 8, size: 8, imageWidth: 4, batch: 7, seed: 3, dropout: 0.1 },
  // A checkpoint gives all ranks the same statistics; after each step it does so whether or not a run is stopped there.
  ...{ steps: 10, validation: 3, validateEvery: 4, checkpointEvery: 1 },
};
