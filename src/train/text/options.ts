/**
 * The options of `petalgrad train-text`: one table from which the command line, its help and the check of `config.json` are made, and the
 * rule by which a training's options follow from what was given.
 */
import { UserError } from "../../errors.js";
import { CELLS, type Cell } from "../../models/recurrent.js";
import { DOCUMENT_LENGTHS, TEXT_FORMS, TEXT_STATES, type TextForm, type TextState } from "../../models/text-encoder.js";
import { checkOption, flagName, nearest, type OptionTable } from "../../option-spec.js";
import { TRAIN_OPTIONS, type TuneMode, tuneModeFor } from "../gan/options.js";
import { withMovedData } from "../../node/files/paths.js";
import { resumed } from "../run/saved-options.js";
import { epochOf, OBJECTIVES, type Objective, RECIPES, SCHEDULES } from "./objectives.js";

/** Everything that decides what a training computes. Plain JSON; stored whole in the run's `config.json`. */
export interface TextOptions {
  readonly dataset: string;
  readonly dataDir: string | null;
  readonly captions: string | null;
  readonly seed: number;
  readonly imageSize: number;

  readonly encoder: TextForm;
  readonly cell: Cell | null;
  readonly state: TextState | null;
  readonly width: number | null;
  readonly size: number;
  readonly length: number;
  readonly alphabet: "auto" | "original" | "captions" | null;
  readonly vocabularyMin: number | null;
  readonly ngrams: number | null;

  readonly objective: Objective;
  readonly margin: number | null;
  readonly others: "sum" | "max" | null;
  readonly steps: number;
  readonly batch: number;
  readonly schedule: (typeof SCHEDULES)[number];
  readonly learningRate: number;
  readonly warmUp: number;
  readonly lrDecay: number | null;
  readonly lrDecayEvery: number | null;
  readonly weightDecay: number;
  readonly dropout: number;

  readonly imageFeatures: string | null;
  readonly imageWidth: number | null;
  readonly mirror: boolean | null;
  readonly shift: number | null;
  readonly crop: number | null;
  readonly light: number | null;
  readonly numCaptions: number | null;
  readonly sentences: number | null;

  readonly validation: number;
  readonly validateEvery: number | null;
  readonly patience: number | null;
  readonly checkpointEvery: number;
  readonly tune: TuneMode;
}

const OF_OBJECTIVE = "the objective's";

export const TEXT_OPTIONS = {
  dataset: TRAIN_OPTIONS.dataset,
  dataDir: TRAIN_OPTIONS.dataDir,
  captions: TRAIN_OPTIONS.captions,
  seed: TRAIN_OPTIONS.seed,
  imageSize: { type: "integer", min: 16, max: 256, default: 64, description: "side of the images, a power of two" },

  encoder: { type: "choice", choices: TEXT_FORMS, default: "char-cnn-rnn", description: "the text encoder's form" },
  cell: { type: "choice", choices: CELLS, description: "recurrent cell: ReLU RNN over 8 steps, GRU or LSTM over 18", defaultText: "rnn" },
  state: {
    type: "choice",
    choices: TEXT_STATES,
    description: "which state of the cell is taken: the mean of all, or the last",
    defaultText: "mean",
  },
  width: { type: "integer", min: 4, max: 2048, description: "channels of the last convolution and of the cell", defaultText: "256" },
  size: { type: "integer", min: 4, max: 4096, description: "length of the embedding", defaultText: "512; that of --image-features" },
  length: {
    type: "integer",
    min: 1,
    max: 4000,
    description: "characters or words of a caption that are read",
    defaultText: "201 characters, 30 words, 100 words of a bag; with --ngrams N N times as many",
  },
  alphabet: {
    type: "choice",
    choices: ["auto", "original", "captions"],
    description: "characters: the original 70, those of the captions, or whichever suits the captions",
    defaultText: "auto",
  },
  vocabularyMin: {
    type: "integer",
    min: 1,
    description: "words that occur less often in the training captions are unknown",
    defaultText: "5",
  },
  ngrams: {
    type: "integer",
    min: 1,
    max: 4,
    description: "a bag counts runs of up to so many neighbouring words, too, as words of their own",
    defaultText: "1",
  },

  objective: {
    type: "choice",
    choices: OBJECTIVES,
    default: "info-nce",
    description: "InfoNCE on cosines; symmetric or asymmetric structured joint embedding; two captions of an image, without images",
  },
  margin: { type: "number", min: 0, max: 100, description: "of the hinges of all objectives but info-nce", defaultText: "1" },
  others: {
    type: "choice",
    choices: ["sum", "max"],
    description: "which others of a batch a hinge counts: all (authors' code) or the worst (paper)",
    defaultText: "sum",
  },
  steps: { type: "integer", min: 1, description: "training steps", defaultText: "2500; 200 epochs of the hinges" },
  batch: {
    type: "integer",
    min: 2,
    max: 1024,
    description: "classes a batch, one image of each; text-only: images",
    defaultText: OF_OBJECTIVE,
  },
  schedule: {
    type: "choice",
    choices: SCHEDULES,
    description: "learning rate: half a cosine to zero, multiplied by --lr-decay now and then, or constant",
    defaultText: OF_OBJECTIVE,
  },
  learningRate: { type: "number", min: 1e-8, max: 1, description: "step size", defaultText: OF_OBJECTIVE },
  warmUp: { type: "integer", min: 0, description: "steps over which the learning rate grows from zero", defaultText: OF_OBJECTIVE },
  lrDecay: { type: "number", min: 0.01, max: 1, description: "factor on the learning rate (--schedule decay)", defaultText: OF_OBJECTIVE },
  lrDecayEvery: {
    type: "integer",
    min: 1,
    description: "epochs between two decays; an epoch has as many steps as there are training classes",
    defaultText: OF_OBJECTIVE,
  },
  weightDecay: {
    type: "number",
    min: 0,
    max: 10,
    default: 0,
    description: "share of a weight, times the learning rate, that a step takes away",
  },
  dropout: { type: "number", min: 0, max: 0.95, default: 0, description: "share of the features before both embeddings that is left out" },

  imageFeatures: {
    type: "text",
    placeholder: "FILE",
    description: "features of the images (.npy or .safetensors: a row an image, by class and name) instead of an image network",
  },
  imageWidth: { type: "integer", min: 4, max: 512, description: "n of the image network's n, 2n, 4n, 8n channels", defaultText: "32" },
  mirror: { type: "flag", default: true, description: "mirroring half of the images" },
  shift: { type: "integer", min: 0, max: 32, description: "images without a margin are shifted by up to so many pixels", defaultText: "4" },
  crop: {
    type: "number",
    min: 0.1,
    max: 1,
    description: "least side, as a share, of the square that is taken of an image and enlarged",
    defaultText: "1",
  },
  light: { type: "number", min: 0, max: 0.9, description: "brightness is multiplied by up to 1 ± this", defaultText: "0" },
  numCaptions: { type: "integer", min: 1, max: 16, description: "captions of an image averaged in its row of a batch", defaultText: "1" },
  sentences: { type: "integer", min: 1, description: "captions of an image that are trained on, the first ones", defaultText: "all" },

  validation: {
    type: "integer",
    min: 0,
    description: "training classes held out for choosing the best step; 0: none, the last step is taken",
    defaultText: "a sixth of them",
  },
  validateEvery: { type: "integer", min: 1, description: "steps between two validations", defaultText: "a 20th of --steps" },
  patience: { type: "integer", min: 1, description: "end after so many validations without a better one", defaultText: "never" },
  checkpointEvery: { type: "integer", min: 1, default: 250, description: "steps between two checkpoints" },
  tune: TRAIN_OPTIONS.tune,
} as const satisfies OptionTable & Record<keyof TextOptions, unknown>;

export type GivenTextOptions = { readonly [K in keyof TextOptions]?: TextOptions[K] };

const KEYS = Object.keys(TEXT_OPTIONS) as (keyof TextOptions)[];

/** What the defaults depend on. */
export interface TextCounts {
  /** Training classes that have images, and their images. */
  readonly classes: number;
  readonly images: number;
  /** Length of the given image features, where there are any. */
  readonly features?: number | undefined;
}

/** Which options have no meaning beside which others. */
function unused(
  options: Pick<TextOptions, "encoder" | "objective" | "imageFeatures" | "schedule" | "validation">,
): [(keyof TextOptions)[], string][] {
  const { encoder, objective, imageFeatures, schedule, validation } = options;
  const rules: [boolean, (keyof TextOptions)[], string][] = [
    [!encoder.endsWith("-rnn"), ["cell", "state"], `--encoder ${encoder}, which has no recurrent cell`],
    [encoder === "bag-of-words", ["width"], "--encoder bag-of-words, which has no hidden layer"],
    [encoder !== "bag-of-words", ["ngrams"], `--encoder ${encoder}, which counts no words`],
    [!encoder.startsWith("char"), ["alphabet"], `--encoder ${encoder}, which reads words`],
    [encoder.startsWith("char"), ["vocabularyMin"], `--encoder ${encoder}, which reads characters`],
    [objective === "info-nce", ["margin", "others"], "--objective info-nce, which has no hinge"],
    [
      objective === "text-only",
      ["imageFeatures", "imageWidth", "mirror", "shift", "crop", "light", "numCaptions"],
      "--objective text-only, which uses no images",
    ],
    [imageFeatures !== null, ["imageWidth", "mirror", "shift", "crop", "light"], "--image-features, which stand for the images"],
    [schedule !== "decay", ["lrDecay", "lrDecayEvery"], `--schedule ${schedule}`],
    [validation === 0, ["validateEvery", "patience"], "--validation 0"],
  ];
  return rules.flatMap(([applies, keys, reason]) => (applies ? [[keys, reason]] : []));
}

/**
 * The options of a new training: what was given, then what the objective says, then the fixed defaults.
 * @param known What the data hold; left out, the options are only checked as far as they can be without.
 * @throws UserError for a value out of its range, or options that contradict each other.
 */
export function resolveTextOptions(given: GivenTextOptions, adapter: { readonly software: boolean }, known?: TextCounts): TextOptions {
  const counts = known ?? { classes: 40, images: 1000 };
  const { encoder = "char-cnn-rnn", objective = "info-nce" } = given;
  checkOption("--encoder", TEXT_OPTIONS.encoder, encoder);
  checkOption("--objective", TEXT_OPTIONS.objective, objective);
  const recipe = RECIPES[objective];
  const batch = given.batch ?? recipe.batch;
  const epochs = recipe.epochs === undefined ? undefined : recipe.epochs * epochOf(objective, counts.classes, counts.images, batch);
  const steps = given.steps ?? epochs ?? 2500;
  const defaults: Omit<TextOptions, "dataDir" | "captions" | "imageFeatures" | "sentences" | "patience"> = {
    ...{ dataset: "petals", seed: 0, imageSize: 64, encoder, cell: "rnn", state: "mean", width: 256, size: counts.features ?? 512 },
    ...{ length: DOCUMENT_LENGTHS[encoder] * (given.ngrams ?? 1), alphabet: "auto", vocabularyMin: 5, ngrams: 1 },
    ...{ objective, margin: 1, others: "sum", steps, batch, weightDecay: 0, dropout: 0 },
    ...{ schedule: recipe.schedule, learningRate: recipe.learningRate, warmUp: recipe.warmUp },
    ...{ lrDecay: recipe.lrDecay === 1 ? 0.5 : recipe.lrDecay, lrDecayEvery: recipe.lrDecay === 1 ? 10 : recipe.lrDecayEvery },
    ...{ imageWidth: 32, mirror: true, shift: 4, crop: 1, light: 0, numCaptions: 1 },
    ...{ validation: Math.floor(counts.classes / 6), validateEvery: Math.max(1, Math.round(steps / 20)) },
    ...{ checkpointEvery: 250, tune: tuneModeFor(adapter) },
  };
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const absent = Object.fromEntries(KEYS.map((key) => [key, null]));
  const options = { ...absent, ...defaults, ...chosen } as TextOptions;
  const meaningless = unused(options);
  for (const [keys, reason] of meaningless) {
    const key = keys.find((name) => given[name] !== undefined && given[name] !== null);
    if (key) throw new UserError(`--${flagName(key)} has no meaning with ${reason}`);
  }
  const result = { ...options, ...Object.fromEntries(meaningless.flatMap(([keys]) => keys.map((key) => [key, null]))) };
  checkTextOptions(result, (key) => `--${flagName(key)}`);
  if (known) requireClasses(result, counts.classes);
  return result;
}

/** All objectives but that of captions alone tell classes apart. */
function requireClasses({ objective, validation }: TextOptions, classes: number): void {
  const needed = objective === "text-only" ? 1 : 2;
  const there = classes === 1 ? "1 training class has images" : `${classes} training classes have images`;
  if (classes < needed)
    throw new UserError(
      `only ${there}, and --objective ${objective} tells the captions of ${needed} or more apart; --objective text-only needs no classes`,
    );
  if (validation > classes - needed)
    throw new UserError(
      `--validation ${validation} leaves fewer than ${needed === 2 ? "two" : "one"} of ${classes} classes to train on; give at most ${classes - needed}`,
    );
}

/** The options that a resumed training may change: they do not decide what a step computes. */
const CHANGEABLE: readonly (keyof TextOptions)[] = ["checkpointEvery", "dataDir"];

/** The options of a resumed training. @throws UserError when `given` holds another value for an option that may not change */
export function resumeTextOptions(saved: TextOptions, given: GivenTextOptions): TextOptions {
  return resumed("training", saved, withMovedData(given, saved), CHANGEABLE);
}

/** Reads the options back from a parsed `config.json`, named `where` in messages. @throws UserError */
export function textOptionsFromJson(json: unknown, where: string): TextOptions {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new UserError(`${where} does not hold a training's options`);
  for (const key of Object.keys(json)) {
    if ((KEYS as string[]).includes(key)) continue;
    const meant = nearest(key, KEYS);
    throw new UserError(`${where}: unknown option "${key}"${meant ? `; did you mean "${meant}"?` : ""}`);
  }
  const missing = KEYS.find((key) => !(key in json));
  if (missing) throw new UserError(`${where}: the option "${missing}" is missing`);
  checkTextOptions(json as TextOptions, (key) => `${where}: ${key}`);
  return json as TextOptions;
}

/** May be null always; others are where they have no meaning. */
const OPTIONAL: readonly (keyof TextOptions)[] = ["dataDir", "captions", "imageFeatures", "sentences", "patience"];

function checkTextOptions(options: TextOptions, name: (key: keyof TextOptions) => string): void {
  const meaningless = unused(options).flatMap(([keys]) => keys);
  for (const key of KEYS) {
    if (options[key] === null && (OPTIONAL.includes(key) || meaningless.includes(key))) continue;
    checkOption(name(key), TEXT_OPTIONS[key], options[key]);
  }
  if (Math.log2(options.imageSize) % 1 !== 0) throw new UserError(`${name("imageSize")} must be a power of two, not ${options.imageSize}`);
}
