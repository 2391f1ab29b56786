/** How a text encoder is trained, and on what. */
import type { Dataset } from "../../data/dataset.js";
import type { Augmentation } from "../../data/sampler.js";
import type { Symbols } from "../../data/symbols.js";
import type { TextEncoderOptions } from "../../models/text-encoder.js";
import type { ImageFeatures } from "./image-features.js";
import type { ObjectiveOptions, Schedule } from "./objectives.js";

export interface JointTraining extends Schedule, ObjectiveOptions, Required<Augmentation> {
  readonly seed: number;
  /** Rows a batch, each of another class (text-only: another image); fewer where the data set has fewer. */
  readonly batch: number;
  readonly text: Omit<TextEncoderOptions, "alphabet">;
  /** Width of the image network. */
  readonly imageWidth: number;
  /** Captions of an image whose embeddings are averaged in its row. */
  readonly numCaptions: number;
  /** Only the first so many captions of an image are trained on; null: all. */
  readonly sentences: number | null;
  /** Probability with which an element of the layers before the embeddings is left out. */
  readonly dropout: number;
  /** Decoupled (Loshchilov and Hutter 2019): a step takes learning rate × this of every weight; biases and norms are spared. */
  readonly weightDecay: number;
}

/** The training of the default objective; how large and how long is for the caller to say. */
export const PLAIN_TRAINING: Omit<JointTraining, "text" | "imageWidth" | "steps" | "seed"> = {
  ...{ objective: "info-nce", margin: 1, others: "sum", batch: 40, numCaptions: 1, sentences: null, dropout: 0, weightDecay: 0 },
  ...{ schedule: "cosine", learningRate: 1e-3, warmUp: 100, lrDecay: 1, lrDecayEvery: 1 },
  ...{ mirror: true, shift: 4, crop: 1, light: 0 },
};

/** What a text encoder is trained on. */
export interface TextData {
  readonly dataset: Dataset;
  /** What the encoder reads: the data set's alphabet, or a vocabulary. */
  readonly symbols: Symbols;
  /** The classes to train on. */
  readonly classes: readonly number[];
  /** Features of the images, instead of an image network of our own. */
  readonly features?: ImageFeatures | undefined;
}
