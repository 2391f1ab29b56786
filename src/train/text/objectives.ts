/**
 * What text encoders are trained by, and how: each objective with the optimizer, schedule and first values that belong to it.
 *
 *   info-nce   cross-entropy of finding each image's text among the batch's, and each text's image, on cosines with a learned temperature
 *   ds-sje     symmetric structured joint embedding: hinges on dot products, both ways (Reed et al. 2016, "Learning Deep
 *              Representations", section 3)
 *   da-sje     the asymmetric one: images against texts only
 *   text-only  no images: two captions of one image against the captions of others, one way (the authors' program for MS COCO)
 */
import { type RandomSource, boundedUniform, normal } from "../../models/initializers.js";
import { byFanIn, type TextInitializers } from "../../models/text-encoder.js";
import { exp } from "../../tensor/elementwise.js";
import { infoNce, jointEmbeddingHinge } from "../../tensor/losses.js";
import { Adam, RmsProp } from "../../tensor/optimizers.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Store } from "../../tensor/variables.js";

export const OBJECTIVES = ["info-nce", "ds-sje", "da-sje", "text-only"] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** How well a text and an image fit: the dot product of their embeddings, or of embeddings of length one. */
export const SIMILARITIES = ["cosine", "dot"] as const;
export type Similarity = (typeof SIMILARITIES)[number];

export const similarityOf = (objective: Objective): Similarity => (objective === "info-nce" ? "cosine" : "dot");

export const SCHEDULES = ["cosine", "decay", "constant"] as const;

/** How the learning rate changes. */
export interface Schedule {
  /** Half a cosine from the full rate to zero; or multiplied by `lrDecay` every `lrDecayEvery` epochs; or neither. */
  readonly schedule: (typeof SCHEDULES)[number];
  readonly learningRate: number;
  /** Steps over which the rate grows from zero. */
  readonly warmUp: number;
  readonly lrDecay: number;
  /** In epochs. */
  readonly lrDecayEvery: number;
  readonly steps: number;
}

/** The rate of step 1, 2, ... @param epoch Steps of an epoch. */
export function scheduledRate(
  { schedule, learningRate, warmUp, lrDecay, lrDecayEvery, steps }: Schedule,
  step: number,
  epoch: number,
): number {
  const rising = warmUp === 0 ? 1 : Math.min(1, step / Math.max(1, Math.min(warmUp, steps / 4)));
  const factor = {
    cosine: 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps)),
    decay: lrDecay ** Math.floor(Math.floor((step - 1) / epoch) / lrDecayEvery),
    constant: 1,
  }[schedule];
  return learningRate * rising * factor;
}

/** What an objective is trained with unless something else is asked for. */
export interface Recipe extends Omit<Schedule, "steps"> {
  /** Rows of a batch: classes; images for text-only, and where there are no classes. */
  readonly batch: number;
  /** Epochs of a whole training; undefined where steps are counted instead. */
  readonly epochs?: number;
  readonly optimizer: (store: Store) => Adam | RmsProp;
  readonly initial: (random: RandomSource) => TextInitializers;
}

/** As the authors' programs: RMSprop, the rate ×0.98 after each epoch, 200 epochs of as many steps as there are classes; U(±.08). */
const SJE: Recipe = {
  ...{ batch: 40, epochs: 200, schedule: "decay", learningRate: 7e-4, warmUp: 0, lrDecay: 0.98, lrDecayEvery: 1 },
  optimizer: (store) => new RmsProp(store, { alpha: 0.99, epsilon: 1e-8 }),
  initial: (random) => () => boundedUniform(random, 0.08),
};

export const RECIPES: Readonly<Record<Objective, Recipe>> = {
  "info-nce": {
    ...{ batch: 40, schedule: "cosine", learningRate: 1e-3, warmUp: 100, lrDecay: 1, lrDecayEvery: 1 },
    optimizer: (store) => new Adam(store),
    initial: byFanIn,
  },
  "ds-sje": SJE,
  "da-sje": SJE,
  // Halved every 50 of 200 epochs over the images; convolutions N(0, .02).
  "text-only": {
    ...{ batch: 64, epochs: 200, schedule: "decay", learningRate: 2e-4, warmUp: 0, lrDecay: 0.5, lrDecayEvery: 50 },
    optimizer: (store) => new Adam(store, { beta1: 0.5, form: "torch7" }),
    initial: (random) => (inputs, variable) => (variable === "convolution" ? normal(random, 0, 0.02) : byFanIn(random)(inputs, variable)),
  },
};

/** Steps of an epoch: as many as training classes; for text-only, and where there are none, as batches that the images make. */
export const epochOf = (objective: Objective, classes: number | undefined, images: number, batch: number): number =>
  objective === "text-only" || classes === undefined ? Math.ceil(images / batch) : classes;

export interface ObjectiveOptions {
  readonly objective: Objective;
  /** Of the hinges. */
  readonly margin: number;
  readonly others: "sum" | "max";
}

/**
 * The loss of a batch.
 * @param images [B, E]; for text-only other captions of the same images.
 * @param texts [B, E]
 * @param logScale [1]: the logarithm of InfoNCE's inverse temperature.
 */
export function objectiveLoss(images: Tensor, texts: Tensor, { objective, margin, others }: ObjectiveOptions, logScale: Tensor): Tensor {
  if (objective === "info-nce") return infoNce(images, texts, exp(logScale));
  return jointEmbeddingHinge(images, texts, { symmetric: objective === "ds-sje", margin, others });
}
