/** Training a text encoder by itself, in a run that can be resumed bit for bit; its best step is chosen on held-out classes. */
import type { Alphabet } from "../../data/alphabet.js";
import { type Dataset, trainingClasses } from "../../data/dataset.js";
import type { Symbols } from "../../data/symbols.js";
import { Vocabulary } from "../../data/vocabulary.js";
import { UserError } from "../../errors.js";
import type { SafeTensor } from "../../formats/safetensors.js";
import { Sha256 } from "../../formats/sha256.js";
import { curvesSvg } from "../../pictures/line-chart.js";
import type { Sharing } from "../../tensor/sharing.js";
import { datasetDigest } from "../run/cache.js";
import { lastPart, type TrainHooks, withoutHooks } from "../run/events.js";
import { TEXT_ENCODER_NAME } from "../run/names.js";
import { type NamedTensor, refuseNonFinite } from "../run/network-file.js";
import { requireSame, shareTuner } from "../run/ranks.js";
import type { Run, RunKind } from "../run/run.js";
import { sharedBy } from "../run/shared-work.js";
import { goBack, type RunAttempt, type RunTraining, trainInRun } from "../run/training.js";
import { installTuner } from "../run/tuning.js";
import { ALONE, type World } from "../run/world.js";
import { encodeTextEncoder } from "./encoder-file.js";
import type { ImageFeatures } from "./image-features.js";
import { JointEmbedding } from "./joint-embedding.js";
import type { JointTraining, TextData } from "./joint-training.js";
import type { GivenTextOptions, TextOptions } from "./options.js";
import { resolveTextOptions, resumeTextOptions, textOptionsFromJson } from "./resolve-options.js";
import { finishedEncoder } from "./text-model.js";
import { heldOut, Validator } from "./validation.js";

/** What a training is given beside its options. */
export interface TextTraining extends RunTraining<TextOptions> {
  /** Any of the options; the rest follows from the defaults, or from the run that is gone on with. */
  readonly given: GivenTextOptions;
  /** The data set, or what opens it. */
  readonly dataset: Dataset | ((options: TextOptions) => Promise<Dataset>);
  /** The features that `imageFeatures` names. */
  readonly readFeatures?: (path: string, dataset: Dataset) => Promise<ImageFeatures>;
}

/** How a text encoder's training ended. */
export interface TextTrainResult {
  readonly run: string;
  /** "finished" at the last step or out of patience, "stopped" where the signal asked for it. */
  readonly end: "finished" | "stopped";
  readonly step: number;
  /** The encoder's file; the best step's so far where classes were held out, else the last's. Absent before the first step. */
  readonly encoder?: string;
  readonly best?: Best;
  readonly options: TextOptions;
}

/** The step that did best on the held-out classes. */
interface Best {
  readonly step: number;
  readonly score: number;
}

export const TEXT_RUN: RunKind<TextOptions> = {
  options: textOptionsFromJson,
  goOn: (path) => ["train-text", "--resume", path],
  command: "train-text",
};

/**
 * Trains, or continues, a text encoder.
 * @throws UserError for bad options or data, a full store, a loss that is not finite, a device that is lost again and again; the last good
 * checkpoint stands then.
 */
export async function trainText(training: TextTraining, hooks: TrainHooks = withoutHooks()): Promise<TextTrainResult> {
  return trainInRun(training, TEXT_RUN, hooks, (attempt) => trainOn(attempt, training, hooks));
}

async function trainOn(
  { device, hold, before, begin }: RunAttempt<TextOptions>,
  training: TextTraining,
  hooks: TrainHooks,
): Promise<TextTrainResult> {
  const { given, world = ALONE } = training;
  const saved = before && resumeTextOptions(await before.readConfig(), given, training.resolvePaths);
  // What is wrong with the options is said before the data are looked at.
  const wanted = saved ?? resolveTextOptions(given, device.traits);
  await training.requireData?.(wanted, before !== undefined);
  const dataset = typeof training.dataset === "function" ? await training.dataset(wanted) : training.dataset;
  const classes = trainingClasses(dataset);
  const counts = { classes: classes.length, classless: dataset.classless, images: dataset.imagesOfSplit("train").length };
  if (!saved) resolveTextOptions(given, device.traits, counts);
  const features = wanted.imageFeatures === null ? undefined : await featuresOf(training, wanted.imageFeatures, dataset);
  const options = saved ?? resolveTextOptions(given, device.traits, { ...counts, features: features?.size });
  if (world.size > 1) {
    const seen = { data: datasetDigest(dataset), features: features && new Sha256().update(features.values).hex() };
    await requireSame(world, { ...options, dataDir: null, imageFeatures: null, ...seen });
  }
  const held = heldOut(classes, options.validation);
  const data: TextData = { dataset, symbols: symbolsOf(dataset, options), classes: classes.filter((c) => !held.includes(c)), features };
  const joint = new JointEmbedding(device, data, trainingOf(options), world);
  const run = before ?? (await begin());
  hold(run);
  await run.writeConfig(options, { adapter: device.description, ...training.about });
  installTuner(device, options.tune, hooks.onEvent, training.cache, run.files);
  shareTuner(world, device);
  hooks.onEvent({ kind: "message", text: describe(options, joint, held.length) });
  return new TextSession(joint, options, held, run, hooks).train();
}

/** @throws UserError where the caller gave nothing that reads them */
function featuresOf({ readFeatures }: TextTraining, path: string, dataset: Dataset): Promise<ImageFeatures> {
  if (!readFeatures)
    throw new UserError("the option imageFeatures names a file, and this training was given nothing that reads it (readFeatures)");
  return readFeatures(path, dataset);
}

/** The characters or the words that the encoder reads; words of the training classes' captions only. */
function symbolsOf(dataset: Dataset, { vocabularyMin, ngrams }: TextOptions): Symbols {
  if (vocabularyMin === null) return dataset.alphabet satisfies Alphabet;
  const captions = dataset.imagesOfSplit("train").flatMap((image) => dataset.captionsOf(image));
  try {
    return Vocabulary.fromCaptions(captions, vocabularyMin, ngrams ?? 1);
  } catch (error) {
    throw new UserError(`--vocabulary-min ${vocabularyMin}: ${(error as Error).message}; give less`);
  }
}

function describe(
  { dataset, encoder, cell, objective, steps, batch }: TextOptions,
  { data, device, world, rows }: JointEmbedding,
  held: number,
): string {
  const shared = world.size === 1 ? "" : ` (${world.size} ranks share ${rows} rows; the learning rate is as alone)`;
  const form = `${encoder}${cell === null ? "" : ` (${cell})`} of ${data.symbols.size} ${data.symbols.unit}`;
  return `${dataset}, ${form} by ${objective}, ${steps} steps of ${batch}${shared}; ${data.classes.length} ${data.dataset.classless ? "images" : "classes"}, ${held} held out; ${device.description}`;
}

/** How the options train. */
function trainingOf(options: TextOptions): JointTraining {
  const {
    encoder: form,
    cell,
    state,
    width,
    size: embedding,
    length,
    margin,
    others,
    lrDecay,
    lrDecayEvery,
    imageWidth,
    numCaptions,
  } = options;
  return {
    ...options,
    text: { form, embedding, length, width: width ?? 0, ...(cell !== null && { cell }), ...(state !== null && { state }) },
    // What has no meaning with the other options has no effect either.
    ...{ margin: margin ?? 0, others: others ?? "sum", lrDecay: lrDecay ?? 1, lrDecayEvery: lrDecayEvery ?? 1 },
    ...{ imageWidth: imageWidth ?? 0, numCaptions: numCaptions ?? 1 },
    ...{ mirror: options.mirror ?? false, shift: options.shift ?? 0, crop: options.crop ?? 1, light: options.light ?? 0 },
  };
}

/** A training under way. */
class TextSession {
  #best: (Best & { readonly weights: readonly NamedTensor[] }) | undefined;
  #last = performance.now();
  readonly #world: World;
  readonly #share: Sharing;

  constructor(
    readonly joint: JointEmbedding,
    readonly options: TextOptions,
    readonly held: readonly number[],
    readonly run: Run<TextOptions>,
    readonly hooks: TrainHooks,
  ) {
    this.#world = joint.world;
    this.#share = sharedBy(joint.world);
  }

  async train(): Promise<TextTrainResult> {
    const { joint, options, run, hooks } = this;
    const { signal, pace } = hooks;
    const { steps, checkpointEvery, validateEvery } = options;
    await this.#resume();
    await joint.prepare();
    // What is compiled from now on, each rank compiles when it needs it.
    if (this.#world.size > 1) joint.device.tuner = undefined;
    const validator = this.held.length > 0 ? await Validator.create(joint.device, joint, this.held, this.#share) : undefined;
    const stop = joint.stopping(signal);
    const after = (every: number) => (Math.floor(joint.step / every) + 1) * every;
    while (joint.step < steps && !this.#outOfPatience && !stop.aborted) {
      const validation = validator && validateEvery !== null ? Math.min(steps, after(validateEvery)) : undefined;
      const checkpoint = after(checkpointEvery);
      await joint.train(Math.min(steps, checkpoint, validation ?? steps), (...step) => this.#report(...step), signal, pace);
      if (validator && joint.step === validation) await this.#validate(validator);
      if (joint.step === checkpoint && joint.step < steps) await this.#checkpoint();
    }
    await validator?.destroy();
    const end = joint.step >= steps || this.#outOfPatience ? ("finished" as const) : ("stopped" as const);
    if (joint.step === 0) return { run: run.path, end, step: 0, options };
    if (this.#outOfPatience && joint.step < steps)
      hooks.onEvent({ kind: "message", text: `no better step since step ${this.#best!.step}: the training ends here` });
    await this.#checkpoint();
    const encoder = await this.#keepEncoder();
    const best = this.#best && { step: this.#best.step, score: this.#best.score };
    return { run: run.path, end, step: joint.step, encoder, options, ...(best && { best }) };
  }

  get #outOfPatience(): boolean {
    const { patience, validateEvery } = this.options;
    return patience !== null && this.#best !== undefined && this.joint.step - this.#best.step >= patience * validateEvery!;
  }

  async #resume(): Promise<void> {
    const checkpoint = await goBack(this.run, ["text encoder", "validation"], this.hooks, ({ step, tensors, metadata, path }) => {
      this.joint.restore(step, tensors, path);
      const best = metadata.get("best");
      if (best === undefined) return;
      const weights = [...tensors].filter(([name]) => name.startsWith(BEST)).map(([name, t]) => [name.slice(BEST.length), t] as const);
      this.#best = { ...(JSON.parse(best) as Best), weights };
    });
    if (checkpoint && checkpoint.step >= this.options.steps)
      this.hooks.onEvent({ kind: "message", text: `the training has done its ${checkpoint.step} steps` });
  }

  async #report(step: number, loss: number, rows: number): Promise<void> {
    const now = performance.now();
    const imagesPerSecond = (1000 * rows) / (now - this.#last);
    this.#last = now;
    await this.run.appendMetrics({ stage: "text encoder", step, loss });
    this.hooks.onEvent({ kind: "step", stage: "text encoder", step, steps: this.options.steps, imagesPerSecond, metrics: { loss } });
  }

  async #validate(validator: Validator): Promise<void> {
    const { step } = this.joint;
    await this.joint.meet();
    const { measures, score } = await validator.measure();
    const best = this.#best === undefined || score > this.#best.score;
    if (best) this.#best = { step, score, weights: await this.joint.model.weights() };
    await this.run.appendMetrics({ stage: "validation", step, ...measures });
    this.hooks.onEvent({ kind: "validation", step, measures, best });
    this.#last = performance.now();
  }

  async #checkpoint(): Promise<void> {
    await this.joint.meet();
    const curves = await this.#curves();
    if (this.#world.rank === 0) await this.#save(curves);
    await this.#world.barrier(`step ${this.joint.step}, the checkpoint`, "endless");
  }

  async #save(curves: string): Promise<void> {
    const tensors = await this.joint.model.tensors();
    const { step } = this.joint;
    refuseNonFinite(step, tensors);
    const best = this.#best?.weights.map(([name, tensor]): [string, SafeTensor] => [`${BEST}${name}`, tensor]) ?? [];
    const metadata = this.#best && { best: JSON.stringify({ step: this.#best.step, score: this.#best.score }) };
    const path = await this.run.saveCheckpoint(step, [...tensors, ...best], { ...metadata });
    await this.run.writeCurves(curves);
    this.hooks.onEvent({ kind: "checkpoint", step, path });
  }

  /** Writes the best encoder, or the last where no classes are held out. @returns the file */
  async #keepEncoder(): Promise<string> {
    if (this.#best) this.joint.model.restoreWeights(new Map(this.#best.weights), this.run.path);
    this.hooks.onEvent({ kind: "message", text: "embedding captions for the encoder's normalisation" });
    const model = await finishedEncoder(this.joint.device, this.joint, this.#share);
    await this.joint.destroy();
    await this.run.writeFile(TEXT_ENCODER_NAME, await encodeTextEncoder(model));
    return this.run.inside(TEXT_ENCODER_NAME);
  }

  async #curves(): Promise<string> {
    const records = await this.run.readMetrics();
    const series = (stage: string, key: string, name: string) => ({
      name,
      points: records.flatMap((r): [number, number][] => (r.stage === stage && typeof r[key] === "number" ? [[r.step, r[key]]] : [])),
    });
    const { dataset, encoder, objective } = this.options;
    return curvesSvg(`${lastPart(dataset)}, ${encoder} by ${objective}`, [
      { title: "loss", series: [series("text encoder", "loss", "loss")] },
      {
        title: this.joint.data.dataset.classless ? "held-out images" : "held-out classes",
        range: [0, 1],
        exact: true,
        series: [
          series("validation", "top1", "top-1"),
          series("validation", "ap50", "AP@50"),
          series("validation", "recall1", "recall@1"),
        ].filter(({ points }) => points.length > 0),
      },
    ]);
  }
}

/** Prefix of the best step's weights in a checkpoint. */
const BEST = "best.";
