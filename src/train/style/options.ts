/** The options of training a style encoder: the table for the command line, and how they follow from the run's own. */
import { UserError } from "../../errors.js";
import { checkOption, flagName, type OptionTable } from "../../option-spec.js";
import { type GeneratorKind, GENERATORS, TRAIN_OPTIONS, type TrainOptions, type TuneMode } from "../gan/options.js";
import { fromJson, resumed } from "../run/saved-options.js";

/** Everything that decides what training a style encoder computes, beside the run it belongs to. Plain JSON. */
export interface StyleOptions {
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  /** The n of the encoder's n, 2n, 4n, 8n channels. */
  readonly width: number;
  /** Of the first step; falls to zero along a cosine. */
  readonly learningRate: number;
  /** Whether the fixed generator normalises by its running statistics, as when it draws, or by each batch, as when it was trained. */
  readonly batchNorm: "running" | "batch";
  /** Texts to draw from: single training captions, or also mixtures of two. */
  readonly texts: "captions" | "interpolated";
  readonly generator: GeneratorKind;
  /** Where the run's data set lies; null: where `openDataset` looks. */
  readonly dataDir: string | null;
  readonly sampleEvery: number;
  readonly checkpointEvery: number;
  readonly tune: TuneMode;
}

const FROM_RUN = "the run's";

export const STYLE_OPTIONS = {
  steps: { type: "integer", min: 1, default: 3000, description: "training steps; the learning rate falls to zero over them" },
  batch: { type: "integer", min: 2, max: 1024, description: "images a batch", defaultText: FROM_RUN },
  seed: { type: "integer", min: 0, max: 2 ** 32 - 1, default: 0, description: "same seed, same adapter: same encoder, bit for bit" },
  width: {
    type: "integer",
    min: 4,
    max: 512,
    description: "n of the encoder's n, 2n, 4n, 8n channels",
    defaultText: "the discriminator's",
  },
  learningRate: { type: "number", min: 1e-8, max: 1, default: 1e-3, description: "Adam's step size at the first step" },
  batchNorm: {
    type: "choice",
    choices: ["running", "batch"],
    default: "running",
    description: "the fixed generator's batch norm: by running statistics, as when it draws, or by each batch",
  },
  texts: {
    type: "choice",
    choices: ["captions", "interpolated"],
    default: "captions",
    description: "texts to draw from: training captions, or mixtures of two of them",
  },
  generator: {
    type: "choice",
    choices: GENERATORS,
    description: "which generator is inverted: the moving average, or the one that was trained",
    defaultText: "ema, unless the run has no average",
  },
  dataDir: { ...TRAIN_OPTIONS.dataDir, defaultText: FROM_RUN },
  sampleEvery: { ...TRAIN_OPTIONS.sampleEvery, defaultText: FROM_RUN },
  checkpointEvery: { ...TRAIN_OPTIONS.checkpointEvery, defaultText: FROM_RUN },
  tune: { ...TRAIN_OPTIONS.tune, defaultText: FROM_RUN },
} as const satisfies OptionTable & Record<keyof StyleOptions, unknown>;

/** What the user gave: any of the options, the rest to be filled in. */
export type GivenStyleOptions = { readonly [K in keyof StyleOptions]?: StyleOptions[K] };

const KEYS = Object.keys(STYLE_OPTIONS) as (keyof StyleOptions)[];

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
  check(options, (key) => `--${flagName(key)}`);
  return options;
}

/** The options of a training that goes on. @throws UserError when `given` holds another value for one that may not change. */
export function resumeStyleOptions(saved: StyleOptions, given: GivenStyleOptions): StyleOptions {
  const options = resumed("style encoder", saved, given, ["sampleEvery", "checkpointEvery", "dataDir"]);
  check(options, (key) => `--${flagName(key)}`);
  return options;
}

/** Reads the options back from a parsed config.json. @throws UserError when one is missing, unknown or out of its range. */
export function styleOptionsFromJson(json: unknown, where: string): StyleOptions {
  const options = fromJson(STYLE_OPTIONS, json, where, "style encoder") as StyleOptions;
  check(options, (key) => `${where}: ${key}`);
  return options;
}

function check(options: StyleOptions, name: (key: keyof StyleOptions) => string): void {
  for (const key of KEYS) if (key !== "dataDir" || options[key] !== null) checkOption(name(key), STYLE_OPTIONS[key], options[key]);
}
