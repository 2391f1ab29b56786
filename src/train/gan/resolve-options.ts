/** How a run's options follow from what was given and from a preset, go on with a resumed run, and are read back from `config.json`. */
import { UserError } from "../../errors.js";
import { SMOOTH_LAYERS } from "../../models/generator.js";
import { checkOption, checkOptions, flagName, keysOf } from "../../option-spec.js";
import { withMovedData } from "../run/moved-data.js";
import { tuneModeFor } from "../run/options.js";
import { fromJson, resumed, toJson, type PathResolver } from "../run/saved-options.js";
import { type GivenOptions, TRAIN_OPTIONS, type TrainOptions, type Variant } from "./options.js";
import { PRESET_VALUES, presetSettings } from "./presets.js";
import { RECIPE_VALUES } from "./recipes.js";
import { MADE_TEXT_KEYS, textDefaults, textFormRules } from "./text-form.js";
import { END_TO_END, textSource } from "./text-source.js";

const KEYS = keysOf(TRAIN_OPTIONS);

/**
 * The options of a new run: what was given, then what the preset says of the recipe, then the recipe, then the preset's sizes, then the fixed defaults. Without a preset,
 * a software adapter gets `small`, a GPU `paper`.
 * @throws UserError for a value out of its range, or options that contradict each other.
 */
export function resolveOptions(given: GivenOptions, adapter: { readonly software: boolean }): TrainOptions {
  const preset = given.preset ?? (adapter.software ? "small" : "paper");
  checkOption("--preset", TRAIN_OPTIONS.preset, preset);
  const recipe = given.recipe ?? TRAIN_OPTIONS.recipe.default;
  checkOption("--recipe", TRAIN_OPTIONS.recipe, recipe);
  const set: GivenOptions = { ...RECIPE_VALUES[recipe], ...presetSettings(preset, recipe) };
  const fixed = Object.fromEntries(KEYS.map((key) => [key, "default" in TRAIN_OPTIONS[key] ? TRAIN_OPTIONS[key].default : null]));
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const text = textDefaults({ ...set, ...chosen }, preset, given.dataset ?? TRAIN_OPTIONS.dataset.default);
  const defaults = { ...fixed, ...PRESET_VALUES[preset], ...text, ...set, ...withoutJoint(given), tune: tuneModeFor(adapter) };
  const options = { ...defaults, ...chosen, preset, recipe } as unknown as TrainOptions;
  check(options, (key) => `--${flagName(key)}`);
  refuseUnused(given, options);
  return options;
}

/** Who asks for separate batches asks for no deviation, which a recipe may set and which has no meaning there. */
const withoutJoint = (given: GivenOptions): GivenOptions =>
  given.discriminatorBatches === "separate" ? { minibatchDeviation: false } : {};

/** An option that would change nothing was given by mistake: say so rather than ignore it. */
function refuseUnused(given: GivenOptions, options: TrainOptions): void {
  const { variant } = options;
  const rules: [boolean, readonly (keyof TrainOptions)[], string][] = [
    [usesMismatch(variant), ["clsWeight", "mismatch", "matchFrom"], `--variant ${variant}, which has no mismatching pair`],
    [usesInterpolation(variant), ["interpWeight", "interpType", "interpBeta"], `--variant ${variant}, which interpolates no texts`],
    [options.upsampling !== "transposed", ["smoothLayers"], "--upsampling transposed, whose layers are all alike"],
    [options.numCaptions > 1, ["differentCaptions"], `--num-captions ${options.numCaptions}, beside which there is no other`],
    [options.interpType === "1", ["interpBeta"], "--interp-type 2, which draws its shares at random"],
    [
      options.dataset !== "petals",
      ["dataDir", "captions", "layout", "heldOut", "captionTemplate"],
      "--dataset petals, which petalgrad makes itself",
    ],
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

/** The options that a resumed run may change: how long it goes on, and with that when a learning rate falls (`lrFall`), and what it writes; nothing else of what a step computes, but the weight of a term that remembers nothing. */
const CHANGEABLE: readonly (keyof TrainOptions)[] = ["steps", "diversityWeight", "sampleEvery", "checkpointEvery", "dataDir", "recompute"];

/**
 * The options of a resumed run: those it was begun with, save the few that may change.
 * @throws UserError when `given` holds another value for an option that may not.
 */
export function resumeOptions(saved: TrainOptions, given: GivenOptions, resolvePaths?: PathResolver): TrainOptions {
  const options = resumed("run", saved, withMovedData(given, saved), CHANGEABLE, resolvePaths);
  check(options, (key) => `--${flagName(key)}`);
  return options;
}

/**
 * Reads the options back from a parsed `config.json`, named `where` in messages.
 * @throws UserError when an option is missing, unknown or out of its range.
 */
export function optionsFromJson(json: unknown, where: string): TrainOptions {
  // Runs older than the tuner went by the rule, and read characters where they were given no encoder.
  const options: TrainOptions = fromJson(TRAIN_OPTIONS, json, where, "run", {
    tune: "off",
    embeddings: null,
    recompute: false,
    storage: "f32",
    discriminatorBatches: "separate",
    minibatchDeviation: false,
    infoWeight: 0,
    diversityWeight: 0,
    textForm: "char-cnn-rnn",
    textNgrams: 2,
    upsampling: "transposed",
    smoothLayers: SMOOTH_LAYERS,
    recipe: null,
    matchFrom: 0,
    lrFall: 0,
  });
  check(options, (key) => `${where}: ${key}`);
  return options;
}

/** The options as `optionsFromJson` reads them. */
export const optionsToJson = (options: TrainOptions): object => toJson(TRAIN_OPTIONS, options);

function check(options: TrainOptions, name: (key: keyof TrainOptions) => string): void {
  checkOptions(TRAIN_OPTIONS, options, name);
  if (Math.log2(options.imageSize) % 1 !== 0) throw new UserError(`${name("imageSize")} must be a power of two, not ${options.imageSize}`);
  if (usesInterpolation(options.variant) && options.batch % 2 !== 0) {
    throw new UserError(
      `${name("batch")} must be even for ${options.variant}, which mixes the two halves of a batch; ${options.batch} is odd`,
    );
  }
  if (options.minibatchDeviation && options.discriminatorBatches !== "joint") {
    throw new UserError(
      `${name("minibatchDeviation")} has no meaning without ${name("discriminatorBatches")} joint: batch norm takes out of separate batches what is alike in all rows`,
    );
  }
}
