/**
 * The options of `petalgrad train-text`: one table from which the command line, its help, the type `TextOptions` and the check of
 * `config.json` are made. How a training's options follow from what was given stands in resolve-options.ts.
 */
import { CELLS } from "../../models/recurrent.js";
import { TEXT_FORMS, TEXT_STATES } from "../../models/text-encoder.js";
import type { OptionsOf, OptionTable } from "../../option-spec.js";
import { DATA_OPTIONS, GROUPS, SEED_OPTION, TUNE_OPTION } from "../run/options.js";
import { OBJECTIVES, SCHEDULES } from "./objectives.js";

/**
 * Headings of help. `source` is the paper on text encoders, Reed et al. 2016, "Learning Deep Representations of Fine-Grained Visual
 * Descriptions".
 */
const TEXT_GROUPS = {
  encoder: 'The text encoder (Reed et al. 2016, "Learning Deep Representations")',
  steps: "The objective and its steps",
  images: "The images' side",
  best: "Choosing the best step",
} as const;

const OF_OBJECTIVE = "the objective's";

/** Names, kinds, ranges, defaults and help lines of the options of a text encoder's training. */
export const TEXT_OPTIONS = {
  ...DATA_OPTIONS,
  seed: SEED_OPTION,
  imageSize: {
    type: "integer",
    min: 16,
    max: 256,
    default: 64,
    description: "side of the images, a power of two",
    group: GROUPS.run,
  },

  encoder: {
    type: "choice",
    choices: TEXT_FORMS,
    default: "char-cnn-rnn",
    description: "the text encoder's form",
    source: "section 4.3",
    group: TEXT_GROUPS.encoder,
  },
  cell: {
    type: "choice",
    choices: CELLS,
    description: "recurrent cell: ReLU RNN over 8 steps, GRU or LSTM over 18",
    source: "section 4.3",
    defaultText: "rnn",
    nullable: "unused",
    group: TEXT_GROUPS.encoder,
  },
  state: {
    type: "choice",
    choices: TEXT_STATES,
    description: "which state of the cell is taken: the mean of all, or the last",
    defaultText: "mean",
    nullable: "unused",
    group: TEXT_GROUPS.encoder,
  },
  width: {
    type: "integer",
    min: 4,
    max: 2048,
    description: "channels of the last convolution and of the cell",
    defaultText: "256",
    nullable: "unused",
    group: TEXT_GROUPS.encoder,
  },
  size: {
    type: "integer",
    min: 4,
    max: 4096,
    description: "length of the embedding",
    defaultText: "512; that of --image-features",
    group: TEXT_GROUPS.encoder,
  },
  length: {
    type: "integer",
    min: 1,
    max: 4000,
    description: "characters or words of a caption that are read",
    source: "section 5: 201 characters",
    defaultText: "201 characters, 30 words, 100 words of a bag; with --ngrams N N times as many",
    group: TEXT_GROUPS.encoder,
  },
  alphabet: {
    type: "choice",
    choices: ["auto", "original", "captions"],
    description: "characters: the original 70, those of the captions, or whichever suits the captions",
    defaultText: "auto",
    nullable: "unused",
    group: TEXT_GROUPS.encoder,
  },
  vocabularyMin: {
    type: "integer",
    min: 1,
    description: "words that occur less often in the training captions are unknown",
    defaultText: "5",
    nullable: "unused",
    group: TEXT_GROUPS.encoder,
  },
  ngrams: {
    type: "integer",
    min: 1,
    max: 4,
    description: "a bag counts runs of up to so many neighbouring words, too, as words of their own",
    defaultText: "1",
    nullable: "unused",
    group: TEXT_GROUPS.encoder,
  },

  objective: {
    type: "choice",
    choices: OBJECTIVES,
    default: "info-nce",
    description: "InfoNCE on cosines; symmetric or asymmetric structured joint embedding; two captions of an image, without images",
    source: "section 3",
    group: TEXT_GROUPS.steps,
  },
  margin: {
    type: "number",
    min: 0,
    max: 100,
    description: "of the hinges of all objectives but info-nce",
    defaultText: "1",
    nullable: "unused",
    group: TEXT_GROUPS.steps,
  },
  others: {
    type: "choice",
    choices: ["sum", "max"],
    description: "which others of a batch a hinge counts: all (authors' code) or the worst (paper)",
    source: "equations 6 and 7",
    defaultText: "sum",
    nullable: "unused",
    group: TEXT_GROUPS.steps,
  },
  steps: {
    type: "integer",
    min: 1,
    description: "training steps",
    defaultText: "2500; 200 epochs of the hinges",
    group: TEXT_GROUPS.steps,
  },
  batch: {
    type: "integer",
    min: 2,
    max: 1024,
    description: "classes a batch, one image of each; text-only: images",
    defaultText: OF_OBJECTIVE,
    group: TEXT_GROUPS.steps,
  },
  schedule: {
    type: "choice",
    choices: SCHEDULES,
    description: "learning rate: half a cosine to zero, multiplied by --lr-decay now and then, or constant",
    defaultText: OF_OBJECTIVE,
    group: TEXT_GROUPS.steps,
  },
  learningRate: {
    type: "number",
    min: 1e-8,
    max: 1,
    description: "step size",
    defaultText: OF_OBJECTIVE,
    group: TEXT_GROUPS.steps,
  },
  warmUp: {
    type: "integer",
    min: 0,
    description: "steps over which the learning rate grows from zero",
    defaultText: OF_OBJECTIVE,
    group: TEXT_GROUPS.steps,
  },
  lrDecay: {
    type: "number",
    min: 0.01,
    max: 1,
    description: "factor on the learning rate (--schedule decay)",
    defaultText: OF_OBJECTIVE,
    nullable: "unused",
    group: TEXT_GROUPS.steps,
  },
  lrDecayEvery: {
    type: "integer",
    min: 1,
    description: "epochs between two decays; an epoch has as many steps as there are training classes",
    defaultText: OF_OBJECTIVE,
    nullable: "unused",
    group: TEXT_GROUPS.steps,
  },
  weightDecay: {
    type: "number",
    min: 0,
    max: 10,
    default: 0,
    description: "share of a weight, times the learning rate, that a step takes away",
    group: TEXT_GROUPS.steps,
  },
  dropout: {
    type: "number",
    min: 0,
    max: 0.95,
    default: 0,
    description: "share of the features before both embeddings that is left out",
    group: TEXT_GROUPS.steps,
  },

  imageFeatures: {
    type: "text",
    placeholder: "FILE",
    description: "features of the images (.npy or .safetensors: a row an image, by class and name) instead of an image network",
    source: "section 5: GoogLeNet's, 1,024",
    nullable: "always",
    group: TEXT_GROUPS.images,
  },
  imageWidth: {
    type: "integer",
    min: 4,
    max: 512,
    description: "n of the image network's n, 2n, 4n, 8n channels",
    defaultText: "32",
    nullable: "unused",
    group: TEXT_GROUPS.images,
  },
  mirror: {
    type: "flag",
    default: true,
    description: "mirroring half of the images",
    nullable: "unused",
    group: TEXT_GROUPS.images,
  },
  shift: {
    type: "integer",
    min: 0,
    max: 32,
    description: "images without a margin are shifted by up to so many pixels",
    defaultText: "4",
    nullable: "unused",
    group: TEXT_GROUPS.images,
  },
  crop: {
    type: "number",
    min: 0.1,
    max: 1,
    description: "least side, as a share, of the square that is taken of an image and enlarged",
    defaultText: "1",
    nullable: "unused",
    group: TEXT_GROUPS.images,
  },
  light: {
    type: "number",
    min: 0,
    max: 0.9,
    description: "brightness is multiplied by up to 1 ± this",
    defaultText: "0",
    nullable: "unused",
    group: TEXT_GROUPS.images,
  },
  numCaptions: {
    type: "integer",
    min: 1,
    max: 16,
    description: "captions of an image averaged in its row of a batch",
    defaultText: "1",
    nullable: "unused",
    group: TEXT_GROUPS.steps,
  },
  sentences: {
    type: "integer",
    min: 1,
    description: "captions of an image that are trained on, the first ones",
    defaultText: "all",
    nullable: "always",
    group: TEXT_GROUPS.steps,
  },

  validation: {
    type: "integer",
    min: 0,
    description: "training classes held out for choosing the best step; 0: none, the last step is taken",
    defaultText: "a sixth of them",
    group: TEXT_GROUPS.best,
  },
  validateEvery: {
    type: "integer",
    min: 1,
    description: "steps between two validations",
    defaultText: "a 20th of --steps",
    nullable: "unused",
    group: TEXT_GROUPS.best,
  },
  patience: {
    type: "integer",
    min: 1,
    description: "end after so many validations without a better one",
    defaultText: "never",
    nullable: "always",
    group: TEXT_GROUPS.best,
  },
  checkpointEvery: {
    type: "integer",
    min: 1,
    default: 250,
    description: "steps between two checkpoints",
    group: GROUPS.run,
  },
  tune: TUNE_OPTION,
} as const satisfies OptionTable;

/** Everything that decides what a training computes. Plain JSON; stored whole in the run's `config.json`. */
export interface TextOptions extends OptionsOf<typeof TEXT_OPTIONS> {}

/** What the user gave: any of the options, the rest to be filled in. */
export type GivenTextOptions = Partial<TextOptions>;
