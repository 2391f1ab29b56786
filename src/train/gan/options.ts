/**
 * The options of a training run: one table from which the command line, its help and the check of `config.json` are made; and the rule by
 * which a run's options follow from what was given and from a preset (presets.ts).
 */
import { UserError } from "../../errors.js";
import type { Cell } from "../../models/recurrent.js";
import type { TextForm } from "../../models/text-encoder.js";
import { checkOption, flagName, type OptionTable } from "../../option-spec.js";
import { type Storage, STORAGES } from "../../tensor/storage.js";
import { withMovedData } from "../../node/files/paths.js";
import { FROM_PRESET, type Preset, PRESET_VALUES, type PresetName, PRESETS } from "./presets.js";
import { fromJson, resumed } from "../run/saved-options.js";
import { MADE_TEXT_KEYS, MADE_TEXT_OPTIONS, textDefaults, textFormRules } from "../text/text-form.js";
import { END_TO_END, textSource } from "./text-source.js";

export const VARIANTS = ["gan", "gan-cls", "gan-int", "gan-int-cls"] as const;
export type Variant = (typeof VARIANTS)[number];

/** How kernels are chosen where there are several: by rule; by the cache and, for the rest, short races; by races alone. */
export const TUNE_MODES = ["off", "cached", "full"] as const;
export type TuneMode = (typeof TUNE_MODES)[number];

/** The moving average of the generator's weights, or the weights as they were trained. */
export const GENERATORS = ["ema", "raw"] as const;
export type GeneratorKind = (typeof GENERATORS)[number];

/** On a software adapter the rule is as good as a race, and compiling the candidates costs more than they could gain. */
export const tuneModeFor = (adapter: { readonly software: boolean }): TuneMode => (adapter.software ? "off" : "cached");

/** Everything that decides what a run computes. Plain JSON; stored whole in the run's `config.json`. */
export interface TrainOptions extends Preset {
  /** "petals", "flowers", "birds", or a folder of the same layout. */
  readonly dataset: string;
  /** Where the data set lies; null: where `openDataset` looks. */
  readonly dataDir: string | null;
  /** Which captions of several side by side; null: English, or the only ones. */
  readonly captions: string | null;
  readonly preset: PresetName;
  readonly variant: Variant;
  readonly seed: number;

  readonly residual: boolean;
  readonly missingLeakyRelu: "keep" | "restore";
  readonly textBatchNorm: "on" | "off";
  readonly discriminatorBatches: "separate" | "joint";
  readonly minibatchDeviation: "on" | "off";
  /** Weight of the noise that can be read from the mean colour of an image's border in the generator's loss; 0: none is read. */
  readonly infoWeight: number;

  /**
   * A finished text encoder to use instead of training one; null: train one, or reuse one trained with the same settings.
   * "end-to-end": one that is trained with the GAN from scratch; "fine-tune", "fine-tune:FILE": from a trained one.
   */
  readonly textEncoder: string | null;
  /** Embeddings to take in the place of a text encoder's: a file or folder; null: none. */
  readonly embeddings: string | null;
  /** Of the text encoder that the run makes; what has no meaning for a form (cell, width, pairs) is not looked at. */
  readonly textForm: TextForm;
  /** Longest run of words that a bag of words counts as a word of its own. */
  readonly textNgrams: number;
  readonly textCell: Cell;

  /** Captions of an image whose embeddings are averaged into its conditioning vector. */
  readonly numCaptions: number;
  readonly mismatch: "image" | "text";
  readonly learningRate: number;
  readonly lrDecay: number;
  /** In epochs. */
  readonly lrDecayEvery: number;
  /** Weight of the mismatching pair's loss, the fake one's being 1 - clsWeight. Used by the -cls variants. */
  readonly clsWeight: number;
  /** Weight of the interpolated rows in the generator's loss. Used by the gan-int variants. */
  readonly interpWeight: number;
  readonly interpType: "1" | "2";
  readonly interpBeta: number;
  /** Decay a step of the moving average of the generator; 0: none. */
  readonly ema: number;

  /** Kernels that add up in another order give other last digits; a run's own choices are in its `tuning.json`. */
  readonly tune: TuneMode;
  /** Activations are computed again in the backward pass: less memory, the same bits. */
  readonly recompute: boolean;
  /** How activations and their gradients are stored between kernels; weights and all arithmetic are f32. */
  readonly storage: Storage;
}

/** Names, kinds, ranges, fixed defaults and help lines of the options; what has no `default` here follows from the preset or may be absent. */
export const TRAIN_OPTIONS = {
  dataset: {
    type: "text",
    placeholder: "petals|flowers|birds|DIR",
    default: "petals",
    description: "what to train on; petals is made by petalgrad itself",
  },
  dataDir: {
    type: "text",
    placeholder: "DIR",
    description: "folder of the data set's archives or files",
    defaultText: "$PETALGRAD_DATA or ./data/NAME",
  },
  captions: {
    type: "text",
    placeholder: "en|fa|FILE",
    description: "which captions, where there are several",
    defaultText: "en, or the only ones",
  },
  preset: {
    type: "choice",
    choices: PRESETS,
    description: "sizes of everything",
    defaultText: "small on a software adapter, paper on a GPU",
  },
  variant: { type: "choice", choices: VARIANTS, default: "gan-int-cls", description: "which losses (Reed et al. 2016, section 4)" },
  steps: { type: "integer", min: 1, description: "training steps of the GAN", defaultText: FROM_PRESET },
  batch: { type: "integer", min: 2, max: 1024, description: "images a batch", defaultText: FROM_PRESET },
  seed: { type: "integer", min: 0, max: 2 ** 32 - 1, default: 0, description: "same seed, same adapter: same run, bit for bit" },

  imageSize: { type: "integer", min: 16, max: 256, description: "side of the images, a power of two", defaultText: FROM_PRESET },
  generatorWidth: {
    type: "integer",
    min: 4,
    max: 512,
    description: "n of the generator's 8n, 4n, 2n, n channels",
    defaultText: FROM_PRESET,
  },
  discriminatorWidth: {
    type: "integer",
    min: 4,
    max: 512,
    description: "n of the discriminator's n, 2n, 4n, 8n channels",
    defaultText: FROM_PRESET,
  },
  noiseSize: { type: "integer", min: 1, max: 1024, description: "length of the noise vector", defaultText: FROM_PRESET },
  textProjection: { type: "integer", min: 1, max: 1024, description: "length each network projects the text to", defaultText: FROM_PRESET },
  residual: { type: "flag", default: true, description: "residual bottlenecks in both networks (in the authors' code, not in the paper)" },
  missingLeakyRelu: {
    type: "choice",
    choices: ["keep", "restore"],
    default: "restore",
    description: "the LeakyReLU that the authors' code lacks after the discriminator's third convolution: keep it missing, or restore it",
  },
  textBatchNorm: { type: "choice", choices: ["on", "off"], default: "on", description: "batch norm in the discriminator's text layer" },
  discriminatorBatches: {
    type: "choice",
    choices: ["separate", "joint"],
    default: "separate",
    description:
      "the discriminator's batch norm in training: real, mismatching and drawn pairs each by their own statistics, as in the authors' code, or all by common ones",
  },
  minibatchDeviation: {
    type: "choice",
    choices: ["on", "off"],
    default: "off",
    description: "show the discriminator of joint batches how much the images of each kind differ (Karras et al. 2018)",
  },
  infoWeight: {
    type: "number",
    min: 0,
    max: 100,
    default: 0,
    description:
      "weight of a term that makes the noise tell in the colour of an image's border, and so decide its background (after Chen et al. 2016); 0: none, as in the paper",
  },

  textEncoder: {
    type: "text",
    placeholder: "FILE|end-to-end|fine-tune|fine-tune:FILE",
    description: "use this text encoder; or train one with the GAN: from scratch, or from a trained one",
    defaultText: "train one beforehand, once for a data set and its settings",
  },
  embeddings: {
    type: "text",
    placeholder: "PATH",
    description:
      "use embeddings of the captions instead of a text encoder: a .npy, .npz or .safetensors file, a folder with a .t7 file an image, or StackGAN's pickles",
    defaultText: "none",
  },
  ...MADE_TEXT_OPTIONS,

  numCaptions: {
    type: "integer",
    min: 1,
    max: 16,
    default: 4,
    description: "captions averaged into an image's text vector; 1 is the paper's",
  },
  mismatch: {
    type: "choice",
    choices: ["image", "text"],
    default: "image",
    description: "what is wrong in the mismatching pair: the image (authors' code) or the text (paper)",
  },
  learningRate: { type: "number", min: 1e-8, max: 1, default: 2e-4, description: "Adam's step size for both networks" },
  lrDecay: { type: "number", min: 0.01, max: 1, default: 0.5, description: "factor on the learning rate" },
  lrDecayEvery: { type: "integer", min: 1, default: 100, description: "epochs between two decays; an epoch is images / batch steps" },
  clsWeight: { type: "number", min: 0, max: 1, default: 0.5, description: "weight of the mismatching pair's loss (-cls variants)" },
  interpWeight: {
    type: "number",
    min: 0,
    max: 100,
    default: 1,
    description: "weight of interpolated texts in the generator's loss (gan-int variants)",
  },
  interpType: {
    type: "choice",
    choices: ["1", "2"],
    default: "1",
    description: "mix two texts at --interp-beta (1) or at a random place, also beyond them (2)",
  },
  interpBeta: { type: "number", min: 0, max: 1, default: 0.5, description: "share of the first text in the mixture of type 1" },
  ema: {
    type: "number",
    min: 0,
    max: 0.99999,
    default: 0.995,
    description: "decay of the generator's moving average, which draws the samples; 0: none",
  },

  sampleEvery: { type: "integer", min: 1, description: "steps between two sample grids", defaultText: FROM_PRESET },
  checkpointEvery: { type: "integer", min: 1, description: "steps between two checkpoints", defaultText: FROM_PRESET },
  tune: {
    type: "choice",
    choices: TUNE_MODES,
    description:
      "choose kernels by rule (off); by earlier races on this adapter, and new ones of at most 4 s a program (cached); by new races alone (full)",
    defaultText: "off on a software adapter, cached on a GPU",
  },
  recompute: {
    type: "flag",
    default: false,
    description: "compute activations again where the backward pass wants them: about a fifth less GPU memory, the same bits",
  },
  storage: {
    type: "choice",
    choices: STORAGES,
    default: "f32",
    description:
      "how activations and their gradients are kept between kernels: f16 halves that memory and its traffic, needs shader-f16 and rounds to 11 bits; weights and all arithmetic stay f32",
  },
} as const satisfies OptionTable & Record<keyof TrainOptions, unknown>;

/** What the user gave: any of the options, the rest to be filled in. */
export type GivenOptions = { readonly [K in keyof TrainOptions]?: TrainOptions[K] };

const KEYS = Object.keys(TRAIN_OPTIONS) as (keyof TrainOptions)[];

/**
 * The options of a new run: what was given, then what the preset says, then the fixed defaults. Without a preset, a software adapter
 * gets `small`, a GPU `paper`.
 * @throws UserError for a value out of its range, or options that contradict each other.
 */
export function resolveOptions(given: GivenOptions, adapter: { readonly software: boolean }): TrainOptions {
  const preset = given.preset ?? (adapter.software ? "small" : "paper");
  checkOption("--preset", TRAIN_OPTIONS.preset, preset);
  const fixed = Object.fromEntries(KEYS.map((key) => [key, "default" in TRAIN_OPTIONS[key] ? TRAIN_OPTIONS[key].default : null]));
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const text = textDefaults(given, preset, given.dataset ?? TRAIN_OPTIONS.dataset.default);
  const options = { ...fixed, ...PRESET_VALUES[preset], ...text, tune: tuneModeFor(adapter), ...chosen, preset } as unknown as TrainOptions;
  checkOptions(options, (key) => `--${flagName(key)}`);
  refuseUnused(given, options);
  return options;
}

/** An option that would change nothing was given by mistake: say so rather than ignore it. */
function refuseUnused(given: GivenOptions, options: TrainOptions): void {
  const { variant } = options;
  const rules: [boolean, readonly (keyof TrainOptions)[], string][] = [
    [usesMismatch(variant), ["clsWeight", "mismatch"], `--variant ${variant}, which has no mismatching pair`],
    [usesInterpolation(variant), ["interpWeight", "interpType", "interpBeta"], `--variant ${variant}, which interpolates no texts`],
    [options.interpType === "1", ["interpBeta"], "--interp-type 2, which draws its shares at random"],
    [options.dataset !== "petals", ["dataDir", "captions"], "--dataset petals, which petalgrad makes itself"],
    [options.embeddings === null, ["textEncoder", ...MADE_TEXT_KEYS], "--embeddings PATH, which stands in the place of a text encoder"],
    [textSource(options).file === null, MADE_TEXT_KEYS, "--text-encoder FILE, which brings its own"],
    [options.textEncoder !== END_TO_END, ["textSteps"], "--text-encoder end-to-end, which is trained with the GAN"],
    ...textFormRules(options),
  ];
  for (const [used, keys, reason] of rules) {
    const key = used ? undefined : keys.find((name) => given[name] !== undefined && given[name] !== null);
    if (key) throw new UserError(`--${flagName(key)} has no meaning with ${reason}`);
  }
}

/** True for the variants whose discriminator also sees real images with the wrong text (GAN-CLS). */
export const usesMismatch = (variant: Variant): boolean => variant === "gan-cls" || variant === "gan-int-cls";

/** True for the variants whose generator is also trained on mixtures of two texts (GAN-INT). */
export const usesInterpolation = (variant: Variant): boolean => variant === "gan-int" || variant === "gan-int-cls";

/** The options that a resumed run may change: they decide how long it goes on and what it writes, not what a step computes. */
const CHANGEABLE: readonly (keyof TrainOptions)[] = ["steps", "sampleEvery", "checkpointEvery", "dataDir", "recompute"];

/**
 * The options of a resumed run: those it was begun with, save the few that may change.
 * @throws UserError when `given` holds another value for an option that may not.
 */
export function resumeOptions(saved: TrainOptions, given: GivenOptions): TrainOptions {
  const options = resumed("run", saved, withMovedData(given, saved), CHANGEABLE);
  checkOptions(options, (key) => `--${flagName(key)}`);
  return options;
}

/**
 * Reads the options back from a parsed `config.json`, named `where` in messages.
 * @throws UserError when an option is missing, unknown or out of its range.
 */
export function optionsFromJson(json: unknown, where: string): TrainOptions {
  // Runs older than the tuner went by the rule, and read characters where they were given no encoder.
  const options = fromJson(TRAIN_OPTIONS, json, where, "run", {
    tune: "off",
    embeddings: null,
    recompute: false,
    storage: "f32",
    discriminatorBatches: "separate",
    minibatchDeviation: "off",
    infoWeight: 0,
    textForm: "char-cnn-rnn",
    textNgrams: 2,
  }) as TrainOptions;
  checkOptions(options, (key) => `${where}: ${key}`);
  return options;
}

/** May be null: absent means that another rule decides. */
const OPTIONAL: readonly (keyof TrainOptions)[] = ["dataDir", "captions", "textEncoder", "embeddings"];

function checkOptions(options: TrainOptions, name: (key: keyof TrainOptions) => string): void {
  for (const key of KEYS) {
    if (options[key] === null && OPTIONAL.includes(key)) continue;
    checkOption(name(key), TRAIN_OPTIONS[key], options[key]);
  }
  if (Math.log2(options.imageSize) % 1 !== 0) throw new UserError(`${name("imageSize")} must be a power of two, not ${options.imageSize}`);
  if (usesInterpolation(options.variant) && options.batch % 2 !== 0) {
    throw new UserError(
      `${name("batch")} must be even for ${options.variant}, which mixes the two halves of a batch; ${options.batch} is odd`,
    );
  }
  if (options.minibatchDeviation === "on" && options.discriminatorBatches !== "joint") {
    throw new UserError(
      `${name("minibatchDeviation")} on has no meaning without ${name("discriminatorBatches")} joint: batch norm takes out of separate batches what is alike in all rows`,
    );
  }
}
