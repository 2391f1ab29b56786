/** The options of training a style encoder: the table for the command line, and how they follow from the run's own. */
import { UserError } from "../../errors.js";
import { checkOptions, flagName, type OptionsOf, type OptionTable } from "../../option-spec.js";
import { GENERATORS, TRAIN_OPTIONS, type TrainOptions } from "../gan/options.js";
import { DATA_OPTIONS, SEED_OPTION, TUNE_OPTION } from "../run/options.js";
import { fromJson, resumed, type PathResolver } from "../run/saved-options.js";

const FROM_RUN = "the run's";

/** Headings of help. The paper says what is minimised, and nothing of the encoder but that it is convolutional. */
const STYLE_GROUP = "The style encoder (Reed et al. 2016, section 4.4, equation 6)";

/** Names, kinds, ranges, defaults and help lines of the options of a style encoder's training. */
export const STYLE_OPTIONS = {
  /** More recover more of the noise, by traces that real images have not: backgrounds are then told apart less well (docs/notebook/2026-12-01-bars.md). */
  steps: {
    type: "integer",
    min: 1,
    default: 1500,
    description: "training steps; the learning rate falls to zero over them",
    group: STYLE_GROUP,
  },
  batch: { type: "integer", min: 2, max: 1024, description: "images a batch", defaultText: FROM_RUN, group: STYLE_GROUP },
  seed: { ...SEED_OPTION, description: "same seed, same adapter: same encoder, bit for bit" },
  /** The n of the encoder's n, 2n, 4n, 8n channels. */
  width: {
    type: "integer",
    min: 4,
    max: 512,
    description: "n of the encoder's n, 2n, 4n, 8n channels",
    defaultText: "the discriminator's",
    group: STYLE_GROUP,
  },
  /** Of the first step; falls to zero along a cosine. */
  learningRate: {
    type: "number",
    min: 1e-8,
    max: 1,
    default: 1e-3,
    description: "Adam's step size at the first step",
    group: STYLE_GROUP,
  },
  /** Whether the fixed generator normalises by its running statistics, as when it draws, or by each batch, as when it was trained. */
  batchNorm: {
    type: "choice",
    choices: ["running", "batch"],
    default: "running",
    description: "the fixed generator's batch norm: by running statistics, as when it draws, or by each batch",
    group: STYLE_GROUP,
  },
  /** Texts to draw from: single training captions, or also mixtures of two. */
  texts: {
    type: "choice",
    choices: ["captions", "interpolated"],
    default: "captions",
    description: "texts to draw from: training captions, or mixtures of two of them",
    group: STYLE_GROUP,
  },
  generator: {
    type: "choice",
    choices: GENERATORS,
    description: "which generator is inverted: the moving average, or the one that was trained",
    defaultText: "ema, unless the run has no average",
    group: STYLE_GROUP,
  },
  /** Where the run's data set lies; null: where it is looked for. */
  dataDir: { ...DATA_OPTIONS.dataDir, defaultText: FROM_RUN },
  sampleEvery: { ...TRAIN_OPTIONS.sampleEvery, defaultText: FROM_RUN },
  checkpointEvery: { ...TRAIN_OPTIONS.checkpointEvery, defaultText: FROM_RUN },
  tune: { ...TUNE_OPTION, defaultText: FROM_RUN },
} as const satisfies OptionTable;

/** Everything that decides what training a style encoder computes, beside the run it belongs to. Plain JSON. */
export interface StyleOptions extends OptionsOf<typeof STYLE_OPTIONS> {}

/** What the user gave: any of the options, the rest to be filled in. */
export type GivenStyleOptions = Partial<StyleOptions>;

/** What the run was trained with is what its style encoder is trained with. @throws UserError for a value out of its range. */
export function resolveStyleOptions(given: GivenStyleOptions, run: TrainOptions): StyleOptions {
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const { batch, discriminatorWidth: width, dataDir, sampleEvery, checkpointEvery, tune } = run;
  const options: StyleOptions = {
    ...{ steps: STYLE_OPTIONS.steps.default, seed: STYLE_OPTIONS.seed.default, learningRate: STYLE_OPTIONS.learningRate.default },
    ...{ batchNorm: STYLE_OPTIONS.batchNorm.default, texts: STYLE_OPTIONS.texts.default, generator: run.ema > 0 ? "ema" : "raw" },
    ...{ batch, width, dataDir, sampleEvery, checkpointEvery, tune },
    ...chosen,
  };
  if (run.dataset === "petals" && given.dataDir)
    throw new UserError("--data-dir has no meaning with a run on petals, which petalgrad makes itself");
  checkOptions(STYLE_OPTIONS, options, (key) => `--${flagName(key)}`);
  return options;
}

/** The options of a training that goes on. @throws UserError when `given` holds another value for one that may not change. */
export function resumeStyleOptions(saved: StyleOptions, given: GivenStyleOptions, resolvePaths?: PathResolver): StyleOptions {
  const options = resumed("style encoder", saved, given, ["sampleEvery", "checkpointEvery", "dataDir"], resolvePaths);
  checkOptions(STYLE_OPTIONS, options, (key) => `--${flagName(key)}`);
  return options;
}

/** Reads the options back from a parsed config.json. @throws UserError when one is missing, unknown or out of its range. */
export function styleOptionsFromJson(json: unknown, where: string): StyleOptions {
  const options: StyleOptions = fromJson(STYLE_OPTIONS, json, where, "style encoder");
  checkOptions(STYLE_OPTIONS, options, (key) => `${where}: ${key}`);
  return options;
}
