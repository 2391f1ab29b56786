/**
 * The options of a training run: one table from which the command line, its help, the type `TrainOptions` and the check of `config.json` are
 * made. How a run's options follow from what was given stands in resolve-options.ts.
 */
import type { OptionsOf, OptionTable } from "../../option-spec.js";
import { STORAGES } from "../../tensor/storage.js";
import { DATA_OPTIONS, GROUPS, SEED_OPTION, TUNE_OPTION } from "../run/options.js";
import { NETWORK_OPTIONS } from "./network-options.js";
import { FROM_PRESET, PRESETS } from "./presets.js";
import { RECIPES, setByRecipes } from "./recipes.js";
import { MADE_TEXT_OPTIONS } from "./text-form.js";

/** The paper's losses: plain, with mismatching pairs, with interpolated texts, with both (sections 4.1-4.3). */
export const VARIANTS = ["gan", "gan-cls", "gan-int", "gan-int-cls"] as const;
/** Which of the paper's losses a GAN is trained by. */
export type Variant = (typeof VARIANTS)[number];

/** The moving average of the generator's weights, or the weights as they were trained. */
export const GENERATORS = ["ema", "raw"] as const;
/** "ema": the average; "raw": as it was trained last. */
export type GeneratorKind = (typeof GENERATORS)[number];

/**
 * Everything that decides what a run computes, in the order of `config.json`. What has no `default` here follows from the preset (presets.ts)
 * or from other options. `source` is Reed et al. 2016 where it names no other.
 */
export const TRAIN_OPTIONS = {
  ...DATA_OPTIONS,
  preset: {
    type: "choice",
    choices: PRESETS,
    description: "sizes of everything; coco-paper: the paper's MS-COCO (section 5.5), and what its code does otherwise than for flowers",
    defaultText: "small on a software adapter, paper on a GPU",
    group: GROUPS.run,
  },
  /** How the options came about that were not given; null for runs older than recipes. */
  recipe: {
    type: "choice",
    choices: RECIPES,
    default: "petalgrad",
    nullable: "always",
    description:
      "what is set where it is not given: by petalgrad's defaults, as photographs want it, as the paper says, or as its authors' code does; sizes are the preset's",
    group: GROUPS.run,
  },
  variant: {
    type: "choice",
    choices: VARIANTS,
    default: "gan-int-cls",
    description: "which losses",
    source: "section 4, algorithm 1",
    group: GROUPS.paper,
  },
  steps: {
    type: "integer",
    min: 1,
    description: "training steps of the GAN",
    source: "section 5: 600 epochs",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  batch: {
    type: "integer",
    min: 2,
    max: 1024,
    description: "images a batch",
    source: "section 5: 64",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  seed: SEED_OPTION,

  ...NETWORK_OPTIONS,

  /** Weight of the noise that can be read from the mean colour of an image's border in the generator's loss; 0: none is read. */
  infoWeight: {
    type: "number",
    min: 0,
    max: 100,
    default: 1,
    description:
      "weight of a term that makes the noise tell in the colour of an image's border, and so decide its background; 0: none, as in the paper",
    source: "after Chen et al. 2016",
    ...setByRecipes("infoWeight"),
    group: GROUPS.ours,
  },
  /** λ of diversity-term.ts; 0: none. */
  diversityWeight: {
    type: "number",
    min: 0,
    max: 100,
    default: 0,
    description:
      "weight of a term that makes two noises draw two images of one text, up to the deviation of photographs, .4 of values in [-1, 1]; 0: none, as in the paper",
    source: "Yang et al. 2019, equation 3",
    ...setByRecipes("diversityWeight"),
    group: GROUPS.ours,
  },

  /**
   * A finished text encoder to use instead of training one; null: train one, or reuse one trained with the same settings.
   * "end-to-end": one that is trained with the GAN from scratch; "fine-tune", "fine-tune:FILE": from a trained one.
   */
  textEncoder: {
    type: "text",
    placeholder: "FILE|end-to-end|fine-tune|fine-tune:FILE",
    nullable: "always",
    description: "use this text encoder; or train one with the GAN: from scratch, or from a trained one",
    source: "section 5: pre-trained; supplement: end-to-end",
    defaultText: "train one beforehand, once for a data set and its settings",
    group: GROUPS.paper,
  },
  /** Embeddings to take in the place of a text encoder's: a file or folder; null: none. */
  embeddings: {
    type: "text",
    placeholder: "PATH",
    nullable: "always",
    description:
      "use embeddings of the captions instead of a text encoder: a .npy, .npz or .safetensors file, a folder with a .t7 file an image, or StackGAN's pickles",
    defaultText: "none",
    group: GROUPS.paper,
  },
  ...MADE_TEXT_OPTIONS,

  /** Captions of an image whose embeddings are averaged into its conditioning vector. */
  numCaptions: {
    type: "integer",
    min: 1,
    max: 16,
    default: 4,
    description: "captions averaged into an image's text vector (authors' code: 4)",
    source: "section 5: one",
    ...setByRecipes("numCaptions"),
    group: GROUPS.paper,
  },
  /** Null in runs that were begun before there was a choice, and where nobody asks: as off. */
  differentCaptions: {
    type: "flag",
    nullable: "always",
    writtenIfSet: true,
    description:
      "those captions are different ones, as in the authors' code for MS-COCO; else one may come twice, as in theirs for flowers",
    defaultText: "off; preset coco-paper: on",
    group: GROUPS.paper,
  },
  mismatch: {
    type: "choice",
    choices: ["image", "text"],
    default: "image",
    description: "what is wrong in the mismatching pair: the image (authors' code) or the text (paper)",
    source: "section 4.2; algorithm 1, line 8",
    ...setByRecipes("mismatch"),
    group: GROUPS.paper,
  },
  learningRate: {
    type: "number",
    min: 1e-8,
    max: 1,
    default: 2e-4,
    description: "Adam's step size for both networks",
    source: "section 5: 0.0002",
    group: GROUPS.paper,
  },
  lrDecay: {
    type: "number",
    min: 0.01,
    max: 1,
    default: 0.5,
    description: "factor on the learning rate (authors' code)",
    ...setByRecipes("lrDecay"),
    group: GROUPS.paper,
  },
  /** In epochs. */
  lrDecayEvery: {
    type: "integer",
    min: 1,
    default: 100,
    description: "epochs between two decays; an epoch is images / batch steps (authors' code)",
    group: GROUPS.paper,
  },
  lrFall: {
    type: "number",
    min: 0,
    max: 1,
    default: 0.5,
    description: "share of the steps, the last ones, over which the learning rate falls in a straight line to nothing; 0: none",
    source: "Zhu et al. 2017, section 4",
    ...setByRecipes("lrFall"),
    group: GROUPS.ours,
  },
  /** Weight of the mismatching pair's loss, the fake one's being 1 - clsWeight. Used by the -cls variants. */
  clsWeight: {
    type: "number",
    min: 0,
    max: 1,
    default: 0.5,
    description: "weight of the mismatching pair's loss (-cls variants)",
    source: "algorithm 1, line 10: a half",
    group: GROUPS.paper,
  },
  /** First step at which the mismatching pair's loss has its weight; before it that is 0. */
  matchFrom: {
    type: "integer",
    min: 0,
    default: 0,
    description:
      "step from which the mismatching pair counts: before it the texts are given, but only how plausible images are is trained (-cls variants); 0: from the first",
    source: "after section 4.2: plausible images first, then the match",
    group: GROUPS.ours,
  },
  /** Weight of the interpolated rows in the generator's loss. Used by the gan-int variants. */
  interpWeight: {
    type: "number",
    min: 0,
    max: 100,
    default: 1,
    description: "weight of interpolated texts in the generator's loss (gan-int variants)",
    source: "section 4.3, equation 5",
    group: GROUPS.paper,
  },
  interpType: {
    type: "choice",
    choices: ["1", "2"],
    default: "1",
    description: "mix two texts at --interp-beta (1) or at a random place, also beyond them (2; authors' code)",
    source: "section 4.3, equation 5",
    ...setByRecipes("interpType"),
    group: GROUPS.paper,
  },
  interpBeta: {
    type: "number",
    min: 0,
    max: 1,
    default: 0.5,
    description: "share of the first text in the mixture of type 1",
    source: "section 4.3, equation 5: β = 0.5",
    group: GROUPS.paper,
  },
  /** Decay a step of the moving average of the generator; 0: none. */
  ema: {
    type: "number",
    min: 0,
    max: 0.99999,
    default: 0.995,
    description: "decay of the generator's moving average, which draws the samples; 0: none",
    ...setByRecipes("ema"),
    group: GROUPS.ours,
  },

  sampleEvery: {
    type: "integer",
    min: 1,
    description: "steps between two sample grids",
    defaultText: FROM_PRESET,
    group: GROUPS.run,
  },
  checkpointEvery: {
    type: "integer",
    min: 1,
    description: "steps between two checkpoints",
    defaultText: FROM_PRESET,
    group: GROUPS.run,
  },
  /** Kernels that add up in another order give other last digits; a run's own choices are in its `tuning.json`. */
  tune: TUNE_OPTION,
  /** Activations are computed again in the backward pass: less memory, the same bits. */
  recompute: {
    type: "flag",
    default: false,
    description: "compute activations again where the backward pass wants them: about a fifth less GPU memory, the same bits",
    group: GROUPS.engine,
  },
  /** How activations and their gradients are stored between kernels; weights and all arithmetic are f32. */
  storage: {
    type: "choice",
    choices: STORAGES,
    default: "f32",
    description:
      "how activations and their gradients are kept between kernels: f16 halves that memory and its traffic, needs shader-f16 and rounds to 11 bits; weights and all arithmetic stay f32",
    group: GROUPS.engine,
  },
} as const satisfies OptionTable;

/** Everything that decides what a run computes. Plain JSON; stored whole in the run's `config.json`. */
export interface TrainOptions extends OptionsOf<typeof TRAIN_OPTIONS> {}

/** What the user gave: any of the options, the rest to be filled in. */
export type GivenOptions = Partial<TrainOptions>;
