/** `petalgrad train-text`: a text encoder trained in a run folder that can be resumed bit for bit, its best step chosen on held-out classes. */
import { basename } from "node:path";
import type { Alphabet } from "../../data/alphabet.js";
import { type Dataset, trainingClasses } from "../../data/dataset.js";
import type { Symbols } from "../../data/symbols.js";
import { Vocabulary } from "../../data/vocabulary.js";
import { commandLine } from "../../command-line.js";
import { UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { curvesSvg } from "../../pictures/line-chart.js";
import type { TrainHooks } from "../run/events.js";
import { openImageFeatures, requireImageFeatures } from "../../node/datasets/image-features.js";
import { encodeTextEncoder } from "./encoder-file.js";
import { TEXT_ENCODER_NAME } from "../run/names.js";
import { type NamedTensor, refuseNonFinite } from "../run/network-file.js";
import { withAbsolutePaths } from "../../node/files/paths.js";
import { type Attempt, trainOnDevice } from "../run/recovery.js";
import { openTrainingData, requireData } from "../../node/datasets/run-data.js";
import { type FolderKind, refuseBegun, RunFolder } from "../run/run-folder.js";
import type { SafeTensor } from "../../formats/safetensors.js";
import { JointEmbedding, type JointTraining, type TextData } from "./joint-embedding.js";
import { finishedEncoder } from "./text-model.js";
import type { GivenTextOptions, TextOptions } from "./options.js";
import { resolveTextOptions, resumeTextOptions, textOptionsFromJson } from "./resolve-options.js";
import { heldOut, Validator } from "./validation.js";
import { installTuner } from "../run/tuning.js";

/** A new training (`run` or a new folder under runs/), or the continuation of one (`resume`). */
export interface TextTrainRequest {
  readonly given: GivenTextOptions;
  readonly run?: string | undefined;
  readonly resume?: string | undefined;
  /** Go on by itself, at most three times, when the GPU device is lost (default true). */
  readonly recover?: boolean | undefined;
}

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

const TEXT_FOLDER: FolderKind<TextOptions> = {
  options: textOptionsFromJson,
  goOn: (path) => commandLine("train-text", "--resume", path),
  command: "train-text",
};

/**
 * Trains, or continues, a text encoder.
 * @throws UserError for bad options or data, a full disk, a loss that is not finite, a device that is lost again and again; the last good
 * checkpoint stands then.
 */
export async function trainText(request: TextTrainRequest, hooks: TrainHooks): Promise<TextTrainResult> {
  if (request.resume === undefined) refuseBegun(request.run);
  const given = withAbsolutePaths(request.given);
  return trainOnDevice(request.recover ?? true, hooks, (attempt) => trainOn(attempt, { ...request, given }, request.given.dataset, hooks));
}

/** @param name The data set as it was typed, after which a new folder is named. */
async function trainOn(
  { device, folder: begun, hold }: Attempt,
  { given, run, resume = begun }: TextTrainRequest,
  name: string | undefined,
  hooks: TrainHooks,
): Promise<TextTrainResult> {
  const before = resume === undefined ? undefined : RunFolder.open(resume, TEXT_FOLDER);
  if (before) hold(before);
  const saved = before && resumeTextOptions(before.readConfig(), given);
  // What is wrong with the options is said before the data are looked at.
  const wanted = saved ?? resolveTextOptions(given, device.traits);
  await requireData(wanted, before !== undefined);
  if (wanted.imageFeatures !== null) requireImageFeatures(wanted.imageFeatures);
  const dataset = await openTrainingData(wanted, hooks);
  const classes = trainingClasses(dataset);
  const counts = { classes: classes.length, images: dataset.imagesOfSplit("train").length };
  if (!saved) resolveTextOptions(given, device.traits, counts);
  const features = wanted.imageFeatures === null ? undefined : await openImageFeatures(wanted.imageFeatures, dataset);
  const options = saved ?? resolveTextOptions(given, device.traits, { ...counts, features: features?.size });
  const folder = before ?? RunFolder.create(run, `text-${name ?? options.dataset}`, TEXT_FOLDER);
  if (!before) hold(folder);
  folder.writeConfig(options, { adapter: device.description, node: process.version });
  installTuner(device, options.tune, hooks.onEvent, folder);
  const held = heldOut(classes, options.validation);
  const data: TextData = { dataset, symbols: symbolsOf(dataset, options), classes: classes.filter((c) => !held.includes(c)), features };
  hooks.onEvent({ kind: "message", text: describe(options, data, held.length, device) });
  return new TextRun(device, options, data, held, folder, hooks).train();
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

function describe({ dataset, encoder, cell, objective, steps, batch }: TextOptions, data: TextData, held: number, device: Device): string {
  const form = `${encoder}${cell === null ? "" : ` (${cell})`} of ${data.symbols.size} ${data.symbols.unit}`;
  return `${dataset}, ${form} by ${objective}, ${steps} steps of ${batch}; ${data.classes.length} classes, ${held} held out; ${device.description}`;
}

/** How the options train. */
export function trainingOf(options: TextOptions): JointTraining {
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
class TextRun {
  readonly #joint: JointEmbedding;
  #best: (Best & { readonly weights: readonly NamedTensor[] }) | undefined;
  #last = performance.now();

  constructor(
    readonly device: Device,
    readonly options: TextOptions,
    readonly data: TextData,
    readonly held: readonly number[],
    readonly folder: RunFolder<TextOptions>,
    readonly hooks: TrainHooks,
  ) {
    this.#joint = new JointEmbedding(device, data, trainingOf(options));
  }

  async train(): Promise<TextTrainResult> {
    const { options, folder, hooks } = this;
    const { signal } = hooks;
    const { steps, checkpointEvery, validateEvery } = options;
    const joint = this.#joint;
    await this.#resume();
    const validator = this.held.length > 0 ? await Validator.create(this.device, joint, this.held) : undefined;
    const after = (every: number) => (Math.floor(joint.step / every) + 1) * every;
    while (joint.step < steps && !this.#outOfPatience && !signal.aborted) {
      const validation = validator && validateEvery !== null ? Math.min(steps, after(validateEvery)) : undefined;
      const checkpoint = after(checkpointEvery);
      await joint.train(Math.min(steps, checkpoint, validation ?? steps), (...step) => this.#report(...step), signal);
      if (validator && joint.step === validation) await this.#validate(validator);
      if (joint.step === checkpoint && joint.step < steps) await this.#checkpoint();
    }
    await validator?.destroy();
    const end = joint.step >= steps || this.#outOfPatience ? ("finished" as const) : ("stopped" as const);
    if (joint.step === 0) return { run: folder.path, end, step: 0, options };
    if (this.#outOfPatience && joint.step < steps)
      hooks.onEvent({ kind: "message", text: `no better step since step ${this.#best!.step}: the training ends here` });
    await this.#checkpoint();
    const encoder = await this.#keepEncoder();
    const best = this.#best && { step: this.#best.step, score: this.#best.score };
    return { run: folder.path, end, step: joint.step, encoder, options, ...(best && { best }) };
  }

  get #outOfPatience(): boolean {
    const { patience, validateEvery } = this.options;
    return patience !== null && this.#best !== undefined && this.#joint.step - this.#best.step >= patience * validateEvery!;
  }

  async #resume(): Promise<void> {
    const { folder, hooks } = this;
    const warn = (text: string): void => hooks.onEvent({ kind: "warning", text });
    const forgetAfter = (step: number): void => {
      for (const stage of ["text encoder", "validation"] as const) folder.truncateMetrics(stage, step, warn);
    };
    // Steps before the first checkpoint are done again.
    if (!folder.hasCheckpoint) return forgetAfter(0);
    const { step, tensors, metadata, path, refused } = await folder.loadCheckpoint();
    for (const text of refused) hooks.onEvent({ kind: "warning", text });
    this.#joint.restore(step, tensors, path);
    const best = metadata.get("best");
    if (best !== undefined) {
      const weights = [...tensors].filter(([name]) => name.startsWith(BEST)).map(([name, t]) => [name.slice(BEST.length), t] as const);
      this.#best = { ...(JSON.parse(best) as Best), weights };
    }
    forgetAfter(step);
    if (step >= this.options.steps) hooks.onEvent({ kind: "message", text: `the training has done its ${step} steps` });
  }

  #report(step: number, loss: number, rows: number): void {
    const now = performance.now();
    const imagesPerSecond = (1000 * rows) / (now - this.#last);
    this.#last = now;
    this.folder.appendMetrics({ stage: "text encoder", step, loss });
    this.hooks.onEvent({ kind: "step", stage: "text encoder", step, steps: this.options.steps, imagesPerSecond, metrics: { loss } });
  }

  async #validate(validator: Validator): Promise<void> {
    const { step } = this.#joint;
    const { measures, score } = await validator.measure();
    const best = this.#best === undefined || score > this.#best.score;
    if (best) this.#best = { step, score, weights: await this.#joint.weights() };
    this.folder.appendMetrics({ stage: "validation", step, ...measures });
    this.hooks.onEvent({ kind: "validation", step, measures, best });
    this.#last = performance.now();
  }

  async #checkpoint(): Promise<void> {
    const tensors = await this.#joint.tensors();
    const { step } = this.#joint;
    refuseNonFinite(step, tensors);
    const best = this.#best?.weights.map(([name, tensor]): [string, SafeTensor] => [`${BEST}${name}`, tensor]) ?? [];
    const metadata = this.#best && { best: JSON.stringify({ step: this.#best.step, score: this.#best.score }) };
    const path = await this.folder.saveCheckpoint(step, [...tensors, ...best], { ...metadata });
    this.folder.writeCurves(this.#curves());
    this.hooks.onEvent({ kind: "checkpoint", step, path });
  }

  /** Writes the best encoder, or the last where no classes are held out. @returns the file */
  async #keepEncoder(): Promise<string> {
    if (this.#best) this.#joint.restoreWeights(new Map(this.#best.weights), this.folder.path);
    this.hooks.onEvent({ kind: "message", text: "embedding captions for the encoder's normalisation" });
    const model = await finishedEncoder(this.device, this.#joint);
    await this.#joint.destroy();
    return this.folder.writeFile(TEXT_ENCODER_NAME, await encodeTextEncoder(model));
  }

  #curves(): string {
    const records = this.folder.readMetrics();
    const series = (stage: string, key: string, name: string) => ({
      name,
      points: records.flatMap((r): [number, number][] => (r.stage === stage && typeof r[key] === "number" ? [[r.step, r[key]]] : [])),
    });
    const { dataset, encoder, objective } = this.options;
    return curvesSvg(`${basename(dataset)}, ${encoder} by ${objective}`, [
      { title: "loss", series: [series("text encoder", "loss", "loss")] },
      {
        title: "held-out classes",
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
