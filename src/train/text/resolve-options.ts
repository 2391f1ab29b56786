/** How a text encoder's training options follow from what was given and from its objective, go on when it is resumed, and are read back. */
import { UserError } from "../../errors.js";
import { DOCUMENT_LENGTHS } from "../../models/text-encoder.js";
import { checkOption, checkOptions, flagName, keysOf } from "../../option-spec.js";
import { withMovedData } from "../run/moved-data.js";
import { DATA_OPTIONS, tuneModeFor } from "../run/options.js";
import { fromJson, resumed, type PathResolver } from "../run/saved-options.js";
import { epochOf, RECIPES } from "./objectives.js";
import { type GivenTextOptions, TEXT_OPTIONS, type TextOptions } from "./options.js";

const KEYS = keysOf(TEXT_OPTIONS);

/** Images without classes that are held out for validation, unless more are asked for. */
const MOST_HELD_OUT = 400;

/** What the defaults depend on. */
export interface TextCounts {
  /** Training classes that have images, and their images. Without classes every image counts as one. */
  readonly classes: number;
  readonly classless?: boolean | undefined;
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
  const epochs =
    recipe.epochs === undefined
      ? undefined
      : recipe.epochs * epochOf(objective, counts.classless ? undefined : counts.classes, counts.images, batch);
  const steps = given.steps ?? epochs ?? 2500;
  const defaults: Omit<TextOptions, keyof typeof DATA_OPTIONS | "imageFeatures" | "sentences" | "patience"> = {
    ...{ seed: 0, imageSize: 64, encoder, cell: "rnn", state: "mean", width: 256, size: counts.features ?? 512 },
    ...{ length: DOCUMENT_LENGTHS[encoder] * (given.ngrams ?? 1), alphabet: "auto", vocabularyMin: 5, ngrams: 1 },
    ...{ objective, margin: 1, others: "sum", steps, batch, weightDecay: 0, dropout: 0 },
    ...{ schedule: recipe.schedule, learningRate: recipe.learningRate, warmUp: recipe.warmUp },
    ...{ lrDecay: recipe.lrDecay === 1 ? 0.5 : recipe.lrDecay, lrDecayEvery: recipe.lrDecay === 1 ? 10 : recipe.lrDecayEvery },
    ...{ imageWidth: 32, mirror: true, shift: 4, crop: 1, light: 0, numCaptions: 1 },
    ...{
      validation: Math.min(counts.classless ? MOST_HELD_OUT : Infinity, Math.floor(counts.classes / 6)),
      validateEvery: Math.max(1, Math.round(steps / 20)),
    },
    ...{ checkpointEvery: 250, tune: tuneModeFor(adapter) },
  };
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const absent = Object.fromEntries(KEYS.map((key) => [key, null]));
  const options = { ...absent, dataset: DATA_OPTIONS.dataset.default, ...defaults, ...chosen } as TextOptions;
  const meaningless = unused(options);
  for (const [keys, reason] of meaningless) {
    const key = keys.find((name) => given[name] !== undefined && given[name] !== null);
    if (key) throw new UserError(`--${flagName(key)} has no meaning with ${reason}`);
  }
  const result = { ...options, ...Object.fromEntries(meaningless.flatMap(([keys]) => keys.map((key) => [key, null]))) };
  check(result, (key) => `--${flagName(key)}`);
  if (known) requireClasses(result, counts);
  return result;
}

/** All objectives but that of captions alone tell classes apart. */
function requireClasses({ objective, validation }: TextOptions, { classes, classless }: TextCounts): void {
  const needed = objective === "text-only" ? 1 : 2;
  if (classless && (classes < needed || validation > classes - needed))
    throw new UserError(
      `--objective ${objective} with --validation ${validation} needs ${needed + validation} training images at least, and there are ${classes}`,
    );
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
export function resumeTextOptions(saved: TextOptions, given: GivenTextOptions, resolvePaths?: PathResolver): TextOptions {
  return resumed("training", saved, withMovedData(given, saved), CHANGEABLE, resolvePaths);
}

/** Reads the options back from a parsed `config.json`, named `where` in messages. @throws UserError */
export function textOptionsFromJson(json: unknown, where: string): TextOptions {
  const options: TextOptions = fromJson(TEXT_OPTIONS, json, where, "training");
  check(options, (key) => `${where}: ${key}`);
  return options;
}

function check(options: TextOptions, name: (key: keyof TextOptions) => string): void {
  checkOptions(
    TEXT_OPTIONS,
    options,
    name,
    unused(options).flatMap(([keys]) => keys),
  );
  if (Math.log2(options.imageSize) % 1 !== 0) throw new UserError(`${name("imageSize")} must be a power of two, not ${options.imageSize}`);
}
