/** `petalgrad train`: the text encoder, then the GAN, in a run folder that can be resumed bit for bit. */
import { existsSync } from "node:fs";
import type { Dataset } from "../data/dataset.js";
import { fillImages } from "../data/batch.js";
import { openDataset } from "../data/open.js";
import { RandomStream } from "../data/philox.js";
import { PairSampler } from "../data/sampler.js";
import { NonFiniteError, UserError } from "../errors.js";
import { type Device, openDevice } from "../gpu/device.js";
import { randomKey } from "../tensor/random.js";
import { meanRows } from "./captions.js";
import { emaDecay, Gan, type GanProgram } from "./gan.js";
import { ganTensors, loadGanTensors } from "./gan-checkpoint.js";
import { SampleGrid } from "./sample-grid.js";
import type { TrainHooks, TrainRequest, TrainResult } from "./hooks.js";
import { encodeGan, encodeTextEncoder, readTextEncoder, type TextEncoderFile } from "./model-file.js";
import { GAN_VALUES, MODEL_NAME, TEXT_ENCODER_NAME } from "./names.js";
import { resolveOptions, resumeOptions, type TrainOptions } from "./options.js";
import { runCurves } from "./run-curves.js";
import { RunFolder } from "./run-folder.js";
import { embedCaptions, obtainTextEncoder } from "./text-stage.js";
import { installTuner } from "./tuning.js";

/**
 * Trains, or continues, a run.
 * @throws UserError for bad options or data, a full disk, a loss that is not finite; the last good checkpoint stands then.
 */
export async function train(request: TrainRequest, hooks: TrainHooks): Promise<TrainResult> {
  const device = await openDevice();
  try {
    return await trainOn(device, request, hooks);
  } finally {
    device.destroy();
  }
}

async function trainOn(device: Device, { given, run, resume }: TrainRequest, hooks: TrainHooks): Promise<TrainResult> {
  const { onEvent, signal } = hooks;
  const before = resume === undefined ? undefined : RunFolder.open(resume);
  const options = before ? resumeOptions(before.readConfig(), given) : resolveOptions(given, device.traits);
  const { preset, variant, steps } = options;
  onEvent({
    kind: "message",
    text: `${options.dataset}, ${variant}, preset ${preset}, ${steps} steps of ${options.batch} on ${device.description}`,
  });
  const dataset = await openData(options, hooks).catch((error: unknown) => {
    if (signal.aborted) throw new UserError("stopped while preparing the data; nothing half-made is left");
    throw error;
  });
  const folder = before ?? RunFolder.create(run, options.dataset);
  folder.writeConfig(options, { adapter: device.description, node: process.version });
  installTuner(device, options.tune, onEvent, folder);
  try {
    const session = await Session.begin(device, dataset, options, folder, hooks, before !== undefined);
    if (!session) return { run: folder.path, end: "stopped", step: 0 };
    return await session.train(signal);
  } catch (error) {
    // What went wrong, and how to go on.
    if (error instanceof NonFiniteError) throw new NonFiniteError(`${error.message}; ${folder.wayOn}`);
    if (error instanceof Error && error.name === "DeviceLostError") throw new UserError(`${error.message}; ${folder.wayOn}`);
    throw error;
  }
}

async function openData(options: TrainOptions, { onEvent, signal }: TrainHooks): Promise<Dataset> {
  return openDataset(options.dataset, {
    size: options.imageSize,
    ...(options.dataDir !== null && { dataDir: options.dataDir }),
    ...(options.captions !== null && { captions: options.captions }),
    signal,
    onMessage: (text) => onEvent({ kind: "message", text }),
    onProgress: ({ phase, done, total, what }) => {
      const task = phase === "download" ? ({ what, unit: "B" } as const) : ({ what: `preparing ${what}`, unit: "images" } as const);
      onEvent({ kind: "work", ...task, done, ...(total !== undefined && { total }) });
    },
  });
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
    readonly text: TextEncoderFile,
    /** Normalised embeddings of all captions. */
    readonly embeddings: Float32Array,
    readonly gan: Gan,
    readonly program: GanProgram,
    readonly grid: SampleGrid,
  ) {}

  /** Everything up to the first step; undefined when the signal came first. */
  static async begin(
    device: Device,
    dataset: Dataset,
    options: TrainOptions,
    folder: RunFolder,
    hooks: TrainHooks,
    resumed: boolean,
  ): Promise<Session | undefined> {
    const { onEvent } = hooks;
    const own = folder.inside(TEXT_ENCODER_NAME);
    const text = resumed && existsSync(own) ? await readTextEncoder(own) : await obtainTextEncoder(device, dataset, options, folder, hooks);
    if (!text) return undefined;
    const file = await encodeTextEncoder(text);
    folder.writeFile(TEXT_ENCODER_NAME, file);
    const embeddings = await embedCaptions(device, dataset, text, file, hooks);
    const gan = new Gan({ ...options, textSize: text.encoder.options.embedding }, new RandomStream(options.seed, GAN_VALUES));
    let step = 0;
    if (resumed && folder.hasCheckpoint) {
      const checkpoint = await folder.loadCheckpoint();
      for (const refused of checkpoint.refused) onEvent({ kind: "warning", text: refused });
      loadGanTensors(gan, checkpoint.tensors, checkpoint.path);
      step = checkpoint.step;
      folder.truncateMetrics("GAN", step);
    }
    onEvent({ kind: "message", text: "compiling the training step" });
    const program = await gan.compile(device);
    const grid = await SampleGrid.create(device, gan.average, dataset, embeddings, options.seed);
    const session = new Session(dataset, options, folder, hooks, text, embeddings, gan, program, grid);
    session.#step = step;
    return session;
  }

  async train(signal: AbortSignal): Promise<TrainResult> {
    const { options, hooks } = this;
    const { steps, sampleEvery, checkpointEvery, batch } = options;
    if (this.#step >= steps) hooks.onEvent({ kind: "message", text: `the run has done its ${steps} steps; --steps N goes further` });
    const sampler = new PairSampler(this.dataset, { batch, seed: options.seed, captionsPerImage: options.numCaptions });
    const clock = new Clock(steps, (text) => hooks.onEvent({ kind: "message", text }));
    let next = this.#inputs(sampler, this.#step + 1);
    let pending: Promise<void> = Promise.resolve();
    while (this.#step < steps && !signal.aborted) {
      const step = ++this.#step;
      const result = this.program.run(next);
      // While the GPU computes: the next batch, and the step before's numbers.
      if (step < steps) next = this.#inputs(sampler, step + 1);
      await pending;
      pending = result.then((metrics) => this.#record(step, metrics, clock.tick(step, batch)));
      if (step % sampleEvery === 0 || step === FIRST_SAMPLE || step === steps) {
        await pending;
        await this.#sample();
      }
      if (step % checkpointEvery === 0 && step < steps) {
        await pending;
        await this.#checkpoint();
      }
    }
    await pending;
    if (this.#step > 0) await this.#checkpoint();
    const end = this.#step >= steps ? ("finished" as const) : ("stopped" as const);
    return { run: this.folder.path, end, step: this.#step, ...(this.#grid && { grid: this.#grid }), caption: this.grid.captions[0]! };
  }

  /** The batch of a step and the numbers that go with it: a pure function of (options, step). */
  #inputs(sampler: PairSampler, step: number): Record<string, ArrayLike<number>> {
    const { dataset, options, gan } = this;
    const { images, wrong, captions, wrongCaptions, captionsPerImage, views, wrongViews } = sampler.batch(step);
    const size = this.text.encoder.options.embedding;
    const rate = learningRate(options, step, dataset.imagesOfSplit("train").length);
    const mismatch = gan.mismatchWeight > 0;
    return {
      real: fillImages(dataset, images, views),
      ...(mismatch && options.mismatch === "image" && { wrong: fillImages(dataset, wrong, wrongViews) }),
      ...(mismatch && options.mismatch === "text" && { wrongText: meanRows(this.embeddings, wrongCaptions, captionsPerImage, size) }),
      text: meanRows(this.embeddings, captions, captionsPerImage, size),
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

  async #sample(): Promise<void> {
    const { png, captions } = await this.grid.draw();
    this.#grid = this.folder.writeSample(this.#step, png, captions);
    this.folder.writeCurves(runCurves(this.options, this.folder.readMetrics()));
    this.hooks.onEvent({ kind: "sample", step: this.#step, path: this.#grid });
  }

  async #checkpoint(): Promise<void> {
    const tensors = await ganTensors(this.gan);
    const broken = tensors.find(([, { data }]) => data instanceof Float32Array && !data.every(Number.isFinite));
    if (broken) throw new NonFiniteError(`step ${this.#step}: ${broken[0]} holds values that are not finite`);
    const path = await this.folder.saveCheckpoint(this.#step, tensors, {});
    this.folder.writeFile(MODEL_NAME, await encodeGan({ ...this.text, generator: this.gan.average, examples: this.grid.captions }));
    this.hooks.onEvent({ kind: "checkpoint", step: this.#step, path });
  }
}

/** The step after which a first grid shows that all works. */
const FIRST_SAMPLE = 10;

/** Multiplied by `lrDecay` every `lrDecayEvery` epochs; an epoch is images / batch steps (section 5; the schedule is the authors' code's). */
export function learningRate(options: TrainOptions, step: number, images: number): number {
  const epoch = Math.floor((step - 1) / Math.ceil(images / options.batch)) + 1;
  return options.learningRate * options.lrDecay ** Math.floor(epoch / options.lrDecayEvery);
}

/** Measures speed, and tells after a few steps how long the run will take. */
class Clock {
  #last = performance.now();
  #times: number[] = [];
  #told = false;

  constructor(
    readonly steps: number,
    readonly tell: (text: string) => void,
  ) {}

  /** Images a second over the last steps. */
  tick(step: number, images: number): number {
    const now = performance.now();
    this.#times = [...this.#times.slice(-19), now - this.#last];
    this.#last = now;
    const mean = this.#times.reduce((a, b) => a + b) / this.#times.length;
    if (!this.#told && this.#times.length >= 5) {
      // The first step compiles the driver's code.
      const typical = [...this.#times].sort((a, b) => a - b)[Math.floor(this.#times.length / 2)]!;
      this.tell(
        `${(typical / 1000).toFixed(2)} s a step: about ${duration((typical * (this.steps - step)) / 1000)} for the ${this.steps - step} steps to go`,
      );
      this.#told = true;
      this.#times = [typical];
    }
    return (1000 * images) / mean;
  }
}

const duration = (seconds: number): string =>
  seconds < 100
    ? `${Math.ceil(seconds)} seconds`
    : seconds < 6000
      ? `${Math.ceil(seconds / 60)} minutes`
      : `${(seconds / 3600).toFixed(1)} hours`;
