/** `petalgrad train`: the text encoder, then the GAN, in a run folder that can be resumed bit for bit. */
import { existsSync } from "node:fs";
import { type Dataset, trainingClasses } from "../../data/dataset.js";
import { fillPixels } from "../../data/batch.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import { PairSampler } from "../../data/sampler.js";
import { NonFiniteError, UserError } from "../../errors.js";
import { type Device, openDevice } from "../../gpu/device.js";
import { TextEncoder } from "../../models/text-encoder.js";
import { randomKey } from "../../tensor/random.js";
import { requireStorage, type Storage } from "../../tensor/storage.js";
import type { BatchTexts } from "../text/captions.js";
import { Clock } from "../run/clock.js";
import { conditionedByEmbeddings, conditionedByEncoder, conditionedByTraining, type Conditioning } from "./conditioning.js";
import { openEmbeddings } from "../../node/datasets/embeddings/given-embeddings.js";
import { expectation, measureSpeed } from "./expectation.js";
import { emaDecay, Gan, type GanOptions, type GanProgram } from "./gan.js";
import { ganTensors, loadGanTensors } from "./checkpoint.js";
import { refuseNonFinite } from "../run/network-file.js";
import { encodePng } from "../../node/files/png.js";
import { SampleGrid } from "./sample-grid.js";
import type { TrainHooks, TrainRequest, TrainResult } from "../run/events.js";
import { trainSteps } from "../run/loop.js";
import { encodeGan } from "./model-file.js";
import { encodeTextEncoder, type ModelTexts, readTextEncoder, type TextEncoderFile } from "../text/encoder-file.js";
import { FIRST_SAMPLE, MODEL_NAME, TEXT_ENCODER_NAME } from "../run/names.js";
import type { TrainOptions } from "./options.js";
import { resolveOptions, resumeOptions, usesMismatch } from "./resolve-options.js";
import { withAbsolutePaths } from "../../node/files/paths.js";
import { type Attempt, trainOnDevice } from "../run/recovery.js";
import { textSource } from "./text-source.js";
import { runCurves } from "./curves.js";
import { openTrainingData, requireData } from "../../node/datasets/run-data.js";
import { type Checkpoint, refuseBegun, RunFolder } from "../run/run-folder.js";
import { isNormalised, normalisationFor } from "../text/text-model.js";
import { jointTraining, keptTextEncoder, obtainTextEncoder, symbolsOf } from "./text-stage.js";
import { installTuner } from "../run/tuning.js";
import { readPath } from "../../node/files/read-bytes.js";

/**
 * Trains, or continues, a run.
 * @throws UserError for bad options or data, a full disk, a loss that is not finite; the last good checkpoint stands then.
 */
export async function train(request: TrainRequest, hooks: TrainHooks): Promise<TrainResult> {
  if (request.resume === undefined) refuseBegun(request.run);
  const given = withAbsolutePaths(request.given);
  return trainOnDevice(request.recover ?? true, hooks, (attempt) => trainOn(attempt, { ...request, given }, request.given.dataset, hooks));
}

/** @param name The data set as it was typed, after which a new folder is named. */
async function trainOn(
  { device, folder: begun, again, hold }: Attempt,
  { given, run, resume = begun }: TrainRequest,
  name: string | undefined,
  hooks: TrainHooks,
): Promise<TrainResult> {
  const { onEvent } = hooks;
  const before = resume === undefined ? undefined : RunFolder.open(resume);
  if (before) hold(before);
  const options = before ? resumeOptions(before.readConfig(), given) : resolveOptions(given, device.traits);
  const { preset, variant, steps } = options;
  await requireData(options, before !== undefined);
  requireStorage(device, options.storage);
  onEvent({
    kind: "message",
    text: `${options.dataset}, ${variant}, preset ${preset}, ${steps} steps of ${options.batch} on ${device.description}`,
  });
  const embeddings = options.embeddings === null ? undefined : await openEmbeddings(options.embeddings);
  const text = await givenTextEncoder(options, before);
  const gan = new Gan(
    { ...options, textSize: embeddings?.size ?? text?.encoder.options.embedding ?? options.textSize },
    new RandomStream(options.seed, StreamPurpose.ganValues),
  );
  const checkpoint = before?.hasCheckpoint ? await loadGan(gan, before, hooks) : undefined;
  // Steps before the first checkpoint are done again.
  if (!checkpoint) before?.truncateMetrics("GAN", 0, (text) => onEvent({ kind: "warning", text }));
  const step = checkpoint?.step ?? 0;
  const tell = await expecting(device, options, gan, step, hooks);
  // A driver that translates kernels only when they run does it for the GAN while the data and the text encoder are prepared.
  const rehearsal = device.traits.software && !again ? rehearse(gan.options, options.storage) : Promise.resolve();
  try {
    const trainsText = !embeddings && !text && !textSource(options).scratch;
    const dataset = await openTrainingData(options, hooks, () => tell(trainsText));
    requireClasses(dataset, variant);
    tell(trainsText && !existsSync(keptTextEncoder(dataset, options)));
    // A vocabulary of words is never the data set's alphabet.
    const foreign = text?.encoder.options.form.startsWith("char") && text.alphabet.size !== dataset.alphabet.size;
    if (foreign) onEvent({ kind: "warning", text: `${options.textEncoder} was trained with another alphabet` });
    const folder = before ?? RunFolder.create(run, name ?? options.dataset);
    if (!before) hold(folder);
    folder.writeConfig(options, { adapter: device.description, node: process.version });
    installTuner(device, options.tune, onEvent, folder);
    const conditioning = embeddings
      ? conditionedByEmbeddings(dataset, embeddings, folder, hooks)
      : await conditioningByText(device, dataset, options, folder, hooks, text);
    if (!conditioning) return { run: folder.path, end: "stopped", step: 0 };
    await rehearsal;
    gan.text = conditioning.trained;
    if (checkpoint) gan.text?.load(checkpoint.tensors, checkpoint.path);
    const session = await Session.begin(device, conditioning, options, folder, hooks, gan, step);
    return await session.train(hooks.signal);
  } finally {
    await rehearsal;
  }
}

/** @throws UserError where the variant's pairs of images and texts that do not belong together cannot be made */
function requireClasses(dataset: Dataset, variant: TrainOptions["variant"]): void {
  const classes = trainingClasses(dataset).length;
  if (classes >= 2 || !usesMismatch(variant)) return;
  throw new UserError(
    `${dataset.name}: only ${classes} training class has images, and --variant ${variant} takes mismatching pairs from two; ` +
      `--variant gan and --variant gan-int need one`,
  );
}

/** The text encoder that the run begins with: its own where it has got so far, or `--text-encoder FILE`. */
async function givenTextEncoder(options: TrainOptions, before: RunFolder | undefined): Promise<TextEncoderFile | undefined> {
  const own = before?.inside(TEXT_ENCODER_NAME);
  const path = own && existsSync(own) ? own : textSource(options).file;
  return path === null ? undefined : readPath(path, readTextEncoder);
}

/** The captions by the given text encoder, or by one that is obtained now. @returns undefined when the signal ended its training */
async function conditioningByText(
  device: Device,
  dataset: Dataset,
  options: TrainOptions,
  folder: RunFolder,
  hooks: TrainHooks,
  given: TextEncoderFile | undefined,
): Promise<Conditioning | undefined> {
  const { trained, scratch } = textSource(options);
  const text = given ?? (scratch ? newTextEncoder(dataset, options) : await obtainTextEncoder(device, dataset, options, folder, hooks));
  if (!text) return undefined;
  const normalisation = isNormalised(text) ? text.normalisation : await normalisationFor(device, dataset, text);
  if (trained) return conditionedByTraining(device, dataset, { ...text, normalisation }, options, folder);
  return conditionedByEncoder(device, dataset, { ...text, normalisation }, folder, hooks);
}

/** Random weights, for what is trained with the GAN. */
function newTextEncoder(dataset: Dataset, options: TrainOptions): TextEncoderFile {
  const alphabet = symbolsOf(dataset, options);
  const { text } = jointTraining(options);
  const encoder = new TextEncoder({ ...text, alphabet: alphabet.size }, new RandomStream(options.seed, StreamPurpose.textValues));
  return { encoder, alphabet, normalisation: { center: new Float32Array(text.embedding), scale: 1 }, image: undefined };
}

/** Loads the run's newest sound checkpoint. */
async function loadGan(gan: Gan, folder: RunFolder, { onEvent }: TrainHooks): Promise<Checkpoint> {
  const checkpoint = await folder.loadCheckpoint();
  for (const refused of checkpoint.refused) onEvent({ kind: "warning", text: refused });
  loadGanTensors(gan, checkpoint.tensors, checkpoint.path);
  folder.truncateMetrics("GAN", checkpoint.step, (text) => onEvent({ kind: "warning", text }));
  return checkpoint;
}

/** Measures the adapter. What it returns tells once how long the run is expected to take, as soon as one knows what is to be done. */
async function expecting(
  device: Device,
  options: TrainOptions,
  gan: Gan,
  done: number,
  { onEvent }: TrainHooks,
): Promise<(text: boolean) => void> {
  const speed = await measureSpeed(device);
  const operations = gan.arithmetic();
  let told = false;
  return (text) => {
    if (!told) onEvent({ kind: "message", text: expectation(options, { operations, done, text }, speed) });
    told = true;
  };
}

/**
 * One iteration of a throw-away GAN on a device of its own: software drivers translate a kernel when it first runs, in one thread a
 * device, and keep what they made for others.
 */
async function rehearse(options: GanOptions, storage: Storage): Promise<void> {
  const device = await openDevice();
  try {
    const program = await new Gan(options, new RandomStream(0, StreamPurpose.ganValues)).compile(device, { storage });
    await program.run(program.zeros());
  } catch {
    // Whatever it was, the run itself meets it and says so.
  } finally {
    device.destroy();
  }
}

/** A run under way: networks, program, data and folder. */
class Session {
  /** Steps done. */
  #step = 0;
  #grid: string | undefined;

  private constructor(
    readonly dataset: Dataset,
    readonly options: TrainOptions,
    readonly folder: RunFolder,
    readonly hooks: TrainHooks,
    readonly texts: ModelTexts,
    readonly captions: BatchTexts,
    readonly gan: Gan,
    readonly program: GanProgram,
    readonly grid: SampleGrid,
  ) {}

  /** Everything up to the first step. @param step Steps done. */
  static async begin(
    device: Device,
    { dataset, captions, texts }: Conditioning,
    options: TrainOptions,
    folder: RunFolder,
    hooks: TrainHooks,
    gan: Gan,
    step: number,
  ): Promise<Session> {
    hooks.onEvent({ kind: "message", text: "compiling the training step" });
    const program = await gan.compile(device, { recompute: options.recompute, storage: options.storage });
    const { dispatches, memory } = program;
    hooks.onEvent({
      kind: "message",
      text: `a step: ${dispatches} dispatches, ${(memory.arena / 1e6).toFixed(1)} MB for what lies between`,
    });
    const grid = await SampleGrid.create(device, dataset, gan.average, (rows) => captions.embeddings(rows), options.seed);
    const session = new Session(dataset, options, folder, hooks, texts, captions, gan, program, grid);
    session.#step = step;
    return session;
  }

  async train(signal: AbortSignal): Promise<TrainResult> {
    const { options, hooks } = this;
    const { steps, sampleEvery, checkpointEvery, batch } = options;
    if (this.#step >= steps) hooks.onEvent({ kind: "message", text: `the run has done its ${steps} steps; --steps N goes further` });
    const sampler = new PairSampler(this.dataset, {
      ...{ batch, seed: options.seed, captionsPerImage: options.numCaptions },
      mismatch: usesMismatch(options.variant),
    });
    const clock = new Clock(steps, (text) => hooks.onEvent({ kind: "message", text }));
    this.#step = await trainSteps({
      ...{ done: this.#step, until: steps, signal },
      inputs: (step) => this.#inputs(sampler, step),
      run: (inputs) => this.program.run(inputs),
      record: (step, metrics) => this.#record(step, metrics, clock.tick(step, batch)),
      due: (step) => [
        ...(step % sampleEvery === 0 || step === FIRST_SAMPLE || step === steps ? [() => this.#sample(step)] : []),
        ...(step % checkpointEvery === 0 && step < steps ? [() => this.#checkpoint(step)] : []),
      ],
    });
    if (this.#step > 0) await this.#checkpoint(this.#step);
    await this.captions.keep(hooks.onEvent);
    const end = this.#step >= steps ? ("finished" as const) : ("stopped" as const);
    return { run: this.folder.path, end, step: this.#step, ...(this.#grid && { grid: this.#grid }), caption: this.grid.captions[0]! };
  }

  /** The batch of a step and the numbers that go with it: a pure function of (options, step). */
  async #inputs(sampler: PairSampler, step: number): Promise<Record<string, ArrayLike<number>>> {
    const { dataset, options, gan } = this;
    const batch = sampler.batch(step);
    const { images, wrong, views, wrongViews } = batch;
    const rate = learningRate(options, step, dataset.imagesOfSplit("train").length);
    const mismatch = gan.mismatchWeight > 0;
    const wrongText = mismatch && options.mismatch === "text";
    const texts = await this.captions.inputs(batch, wrongText, (i) => (i === 0 ? batch : sampler.batch(step + i)));
    return {
      real: words(fillPixels(dataset, images, views)),
      ...(mismatch && options.mismatch === "image" && { wrong: words(fillPixels(dataset, wrong, wrongViews)) }),
      ...texts,
      key: randomKey(options.seed, step),
      rateD: gan.adamD.rate(rate, step),
      rateG: gan.adamG.rate(rate, step),
      ...(gan.average !== gan.generator && { decay: [emaDecay(options.ema, step)] }),
    };
  }

  #record(step: number, values: Readonly<Record<string, Float32Array>>, imagesPerSecond: number): void {
    const metrics = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value[0]!]));
    const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
    if (bad) throw new NonFiniteError(`step ${step}: ${bad[0]} is ${bad[1]}`);
    const rate = learningRate(this.options, step, this.dataset.imagesOfSplit("train").length);
    this.folder.appendMetrics({ stage: "GAN", step, ...metrics, learningRate: rate, imagesPerSecond });
    this.hooks.onEvent({ kind: "step", stage: "GAN", step, steps: this.options.steps, imagesPerSecond, metrics });
  }

  async #sample(step: number): Promise<void> {
    const { picture, captions } = await this.grid.draw();
    this.#grid = this.folder.writeSample(step, encodePng(picture), captions);
    this.folder.writeCurves(runCurves(this.options, this.folder.readMetrics()));
    this.hooks.onEvent({ kind: "sample", step, path: this.#grid });
  }

  async #checkpoint(step: number): Promise<void> {
    const tensors = await ganTensors(this.gan);
    refuseNonFinite(step, tensors);
    const path = await this.folder.saveCheckpoint(step, tensors, {});
    const kind = this.options.ema > 0 ? "ema" : "raw";
    const model = { ...this.texts, generator: this.gan.average, kind, examples: this.grid.captions } as const;
    this.folder.writeFile(MODEL_NAME, await encodeGan(model));
    // The image side of its earlier training, if it had one, does not go with it any more.
    if (this.gan.text) this.folder.writeFile(TEXT_ENCODER_NAME, await encodeTextEncoder({ ...this.gan.text.model, image: undefined }));
    this.hooks.onEvent({ kind: "checkpoint", step, path });
  }
}

/** Bytes, four a word. */
const words = ({ buffer }: Uint8Array): Uint32Array => new Uint32Array(buffer);

/** Multiplied by `lrDecay` every `lrDecayEvery` epochs; an epoch is images / batch steps (section 5; the schedule is the authors' code's). */
export function learningRate(options: TrainOptions, step: number, images: number): number {
  const epoch = Math.floor((step - 1) / Math.ceil(images / options.batch)) + 1;
  return options.learningRate * options.lrDecay ** Math.floor(epoch / options.lrDecayEvery);
}
