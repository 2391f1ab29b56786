/** Training a GAN: the text encoder, then the GAN, in a run that can be resumed bit for bit, wherever it is kept. */
import { fillPixels } from "../../data/batch.js";
import { type Dataset, trainingClasses } from "../../data/dataset.js";
import type { GivenEmbeddings } from "../../data/embeddings/given.js";
import { type PairBatch, PairSampler, rowsOf } from "../../data/sampler.js";
import { NonFiniteError, UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import type { Picture } from "../../pictures/image-grid.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import { randomKey } from "../../tensor/random.js";
import type { InputValues } from "../../tensor/program.js";
import { requireStorage } from "../../tensor/storage.js";
import { datasetDigest } from "../run/cache.js";
import { Clock } from "../run/clock.js";
import { type Move, type TrainHooks, type TrainResult, withoutHooks } from "../run/events.js";
import { trainSteps } from "../run/loop.js";
import { FIRST_SAMPLE, MODEL_NAME, TEXT_ENCODER_NAME } from "../run/names.js";
import { refuseNonFinite } from "../run/network-file.js";
import { averageStores, COMPARED_EVERY, requireEqual, requireSame, rowsOfRank, shareTuner, spreadStores } from "../run/ranks.js";
import type { Run } from "../run/run.js";
import { type SharedResult, SharedProgram } from "../run/shared-program.js";
import { dueAfter, goBack, type RunAttempt, type RunTraining, trainInRun } from "../run/training.js";
import { installTuner } from "../run/tuning.js";
import { ALONE, shareOf, type World } from "../run/world.js";
import type { BatchTexts } from "../text/captions.js";
import { ByHalves, scalars } from "./by-halves.js";
import { ganKinds, ganStores, ganTensors, loadGanTensors } from "./checkpoint.js";
import { conditionedByEmbeddings, conditionedByText, type Conditioning } from "./conditioning.js";
import { runCurves } from "./curves.js";
import { expecting } from "./expectation.js";
import { emaDecay, Gan, type GanProgram } from "./gan.js";
import { learningRate } from "./learning-rate.js";
import { encodeTextEncoder, type ModelTexts, readTextEncoder, type TextEncoderFile } from "../text/encoder-file.js";
import { encodeGan } from "./model-file.js";
import type { GivenOptions, TrainOptions } from "./options.js";
import { resolveOptions, resumeOptions, usesInterpolation, usesMismatch } from "./resolve-options.js";
import { rehearse } from "./rehearsal.js";
import { GAN_RUN } from "./run-kind.js";
import { SampleGrid } from "./sample-grid.js";
import { textSource } from "./text-source.js";
import { isTextEncoderKept } from "./text-stage.js";

/** What a training is given beside its options. */
export interface GanTraining extends RunTraining<TrainOptions> {
  /** Any of the options; the rest follows from the preset, or from the run that is gone on with. */
  readonly given: GivenOptions;
  /** The data set, or what opens it; `onWork` is to be called when that begins to take time. */
  readonly dataset: Dataset | ((options: TrainOptions, onWork: () => void) => Promise<Dataset>);
  /** Bytes of the file that `textEncoder` names. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  /** The embeddings that `embeddings` names. */
  readonly readEmbeddings?: (path: string) => Promise<GivenEmbeddings>;
  /** A picture, and the captions of its rows, as a file's bytes, for the sample grids; without it the run keeps none, and events alone carry them. */
  readonly encodePicture?: (picture: Picture, captions: readonly string[]) => Uint8Array | Promise<Uint8Array>;
  /** Whether a software driver may compile the step on a second device meanwhile (default true). Browsers share nothing between devices. */
  readonly rehearse?: boolean;
}

/**
 * Trains, or continues, a run.
 * @throws UserError for bad options or data, a full store, a loss that is not finite, a device that is lost again and again; the last good
 * checkpoint stands then.
 */
export async function trainGan(training: GanTraining, hooks: TrainHooks = withoutHooks()): Promise<TrainResult> {
  return trainInRun(training, GAN_RUN, hooks, (attempt) => trainOn(attempt, training, hooks));
}

async function trainOn(
  { device, again, hold, before, begin }: RunAttempt<TrainOptions>,
  training: GanTraining,
  hooks: TrainHooks,
): Promise<TrainResult> {
  const { onEvent } = hooks;
  const { given, cache, world = ALONE } = training;
  const options = before ? resumeOptions(await before.readConfig(), given, training.resolvePaths) : resolveOptions(given, device.traits);
  const { preset, variant, steps } = options;
  const rows = rowsOfRank(world, options.batch);
  if (rows % 2 !== 0 && usesInterpolation(variant))
    throw new UserError(`--batch ${options.batch} gives each of ${world.size} ranks ${rows} rows, and ${variant} needs an even number`);
  if (rows < 2 && options.diversityWeight > 0)
    throw new UserError(`--batch ${options.batch} gives each of ${world.size} ranks one row, and --diversity-weight compares two`);
  await training.requireData?.(options, before !== undefined);
  requireStorage(device, options.storage);
  const shared = world.size === 1 ? "" : ` (${world.size} ranks, ${rows} rows each; learning rate ${options.learningRate}, as alone)`;
  onEvent({
    kind: "message",
    text: `${options.dataset}, ${variant}, preset ${preset}, ${steps} steps of ${options.batch}${shared} on ${device.description}`,
  });
  const embeddings = options.embeddings === null ? undefined : await required(training, "readEmbeddings", "embeddings")(options.embeddings);
  const text = await givenTextEncoder(training, options, before);
  const gan = new Gan(
    { ...options, textSize: embeddings?.size ?? text?.encoder.options.embedding ?? options.textSize },
    new RandomStream(options.seed, StreamPurpose.ganValues),
    world.size,
  );
  const checkpoint = before && (await goBack(before, ["GAN"], hooks, ({ tensors, path }) => loadGanTensors(gan, tensors, path)));
  const step = checkpoint?.step ?? 0;
  const tell = await expecting(device, options, { operations: gan.arithmetic(), done: step }, hooks);
  // A driver that translates kernels only when they run does it for the GAN while the data and the text encoder are prepared.
  const rehearsal =
    device.traits.software && !again && training.rehearse !== false && world.size === 1
      ? rehearse(training, gan.options, options.storage)
      : Promise.resolve();
  try {
    const trainsText = !embeddings && !text && !textSource(options).scratch;
    const opened = training.dataset;
    const dataset = typeof opened === "function" ? await opened(options, () => tell(trainsText)) : opened;
    requireClasses(dataset, variant);
    await requireSame(world, world.size === 1 ? {} : { ...options, dataDir: null, data: datasetDigest(dataset) });
    tell(trainsText && !(await isTextEncoderKept(dataset, options, cache, world)));
    // A vocabulary of words is never the data set's alphabet.
    const foreign = text?.encoder.options.form.startsWith("char") && text.alphabet.size !== dataset.alphabet.size;
    if (foreign) onEvent({ kind: "warning", text: `${options.textEncoder} was trained with another alphabet` });
    const run = before ?? (await begin());
    hold(run);
    await run.writeConfig(options, { adapter: device.description, ...training.about });
    installTuner(device, options.tune, onEvent, cache, run.files);
    shareTuner(world, device);
    const conditioning = embeddings
      ? await conditionedByEmbeddings(dataset, embeddings, run, hooks)
      : await conditionedByText(device, dataset, options, run, cache, hooks, text, world);
    if (!conditioning) return { run: run.path, end: "stopped", step: 0 };
    await rehearsal;
    gan.text = conditioning.trained;
    if (checkpoint) gan.text?.load(checkpoint.tensors, checkpoint.path);
    await spreadStores(world, ganStores(gan));
    const session = await Session.begin(device, conditioning, options, run, training, hooks, gan, step);
    return await session.train(hooks.signal);
  } finally {
    await rehearsal;
  }
}

/** One of the functions that read what options name. @throws UserError where the caller gave none */
function required<Name extends "readFile" | "readEmbeddings">(
  training: GanTraining,
  name: Name,
  option: string,
): NonNullable<GanTraining[Name]> {
  const read = training[name];
  if (!read) throw new UserError(`the option ${option} names a file, and this training was given nothing that reads it (${name})`);
  return read;
}

/** @throws UserError where the variant's pairs of images and texts that do not belong together cannot be made */
function requireClasses(dataset: Dataset, variant: TrainOptions["variant"]): void {
  const classes = trainingClasses(dataset).length;
  if (classes >= 2 || !usesMismatch(variant)) return;
  if (dataset.classless)
    throw new UserError(`${dataset.name}: only ${classes} image to train on, and --variant ${variant} takes mismatching pairs from two`);
  throw new UserError(
    `${dataset.name}: only ${classes} training class has images, and --variant ${variant} takes mismatching pairs from two; ` +
      `--variant gan and --variant gan-int need one`,
  );
}

/** The text encoder that the run begins with: its own where it has got so far, or `--text-encoder FILE`. */
async function givenTextEncoder(
  training: GanTraining,
  options: TrainOptions,
  before: Run<TrainOptions> | undefined,
): Promise<TextEncoderFile | undefined> {
  const own = await before?.readFile(TEXT_ENCODER_NAME);
  if (before && own) return readTextEncoder(own, before.inside(TEXT_ENCODER_NAME));
  const { file } = textSource(options);
  return file === null ? undefined : readTextEncoder(await required(training, "readFile", "textEncoder")(file), file);
}

/** A run under way: networks, program, data and store. */
class Session {
  /** Steps done. */
  #step = 0;
  #grid: string | undefined;
  readonly #halves: ByHalves;
  readonly #world: World;
  /** Aborted when all ranks know that one of them is asked to stop; alone, the hooks' own. */
  readonly #stopped = new AbortController();

  private constructor(
    device: Device,
    readonly dataset: Dataset,
    readonly options: TrainOptions,
    readonly run: Run<TrainOptions>,
    readonly training: Pick<GanTraining, "encodePicture" | "world">,
    readonly hooks: TrainHooks,
    readonly texts: ModelTexts,
    readonly captions: BatchTexts,
    readonly gan: Gan,
    /** A step alone, or together with other ranks. */
    readonly program: GanProgram | SharedProgram,
    readonly grid: SampleGrid,
  ) {
    this.#world = training.world ?? ALONE;
    this.#halves = new ByHalves(device, gan, { recompute: options.recompute, storage: options.storage }, hooks);
  }

  /** Everything up to the first step. @param step Steps done. */
  static async begin(
    device: Device,
    { dataset, captions, texts }: Conditioning,
    options: TrainOptions,
    run: Run<TrainOptions>,
    training: Pick<GanTraining, "encodePicture" | "world">,
    hooks: TrainHooks,
    gan: Gan,
    step: number,
  ): Promise<Session> {
    const { world = ALONE } = training;
    hooks.onEvent({ kind: "message", text: "compiling the training step" });
    const how = { recompute: options.recompute, storage: options.storage };
    const program = world.size === 1 ? await gan.compile(device, how) : await gan.compileShared(device, world, how);
    const { dispatches, memory } = program instanceof SharedProgram ? program.program : program;
    const travels = program instanceof SharedProgram ? `, ${(program.bytes / 1e6).toFixed(1)} MB of gradients to sum` : "";
    hooks.onEvent({
      kind: "message",
      text: `a step: ${dispatches} dispatches, ${(memory.arena / 1e6).toFixed(1)} MB for what lies between${travels}`,
    });
    const grid = await SampleGrid.create(device, dataset, gan.average, (rows) => captions.embeddings(rows), options.seed);
    const session = new Session(device, dataset, options, run, training, hooks, texts, captions, gan, program, grid);
    session.#step = step;
    // What is compiled from now on, each rank compiles when it needs it: no time to speak with the others.
    if (world.size > 1) device.tuner = undefined;
    return session;
  }

  async train(signal: AbortSignal): Promise<TrainResult> {
    const { options, hooks } = this;
    const { steps, batch } = options;
    if (this.#step >= steps) hooks.onEvent({ kind: "message", text: `the run has done its ${steps} steps; --steps N goes further` });
    const sampler = new PairSampler(this.dataset, {
      ...{ batch, seed: options.seed, captionsPerImage: options.numCaptions },
      differentCaptions: options.differentCaptions ?? false,
      mismatch: usesMismatch(options.variant),
    });
    const clock = new Clock(steps, (text) => hooks.onEvent({ kind: "message", text }));
    const due = dueAfter(options, { sample: (step) => this.#sample(step), checkpoint: (step) => this.#checkpoint(step) }, FIRST_SAMPLE);
    this.#step = await trainSteps({
      ...{ done: this.#step, until: steps, signal: this.#world.size === 1 ? signal : this.#stopped.signal },
      // Time spent in waiting for a person says nothing of the speed.
      pace: () => hooks.pace?.()?.finally(() => clock.resume()),
      inputs: (step) => this.#inputs(sampler, step),
      run: (inputs, step, move) => this.#run(inputs, step, move),
      record: (step, metrics) => this.#record(step, metrics, clock.tick(step, batch)),
      due: (step) => [
        ...(step % COMPARED_EVERY === 0 ? [() => requireEqual(this.#world, ganKinds(this.gan).parameters, `step ${step}`)] : []),
        ...due(step),
      ],
    });
    if (this.#step > 0) await this.#checkpoint(this.#step);
    if (this.#world.rank === 0) await this.captions.keep(hooks.onEvent);
    const end = this.#step >= steps ? ("finished" as const) : ("stopped" as const);
    return { run: this.run.path, end, step: this.#step, ...(this.#grid && { grid: this.#grid }), caption: this.grid.captions[0]! };
  }

  /** A step's numbers. */
  async #run(inputs: InputValues, step: number, move: Move): Promise<StepNumbers> {
    if (this.program instanceof SharedProgram) return this.program.run(inputs, `step ${step}`, this.hooks.signal);
    const values = move === "half" && !this.gan.text ? this.#halves.run(inputs, step) : this.program.run(inputs);
    return { numbers: scalars(await values), stop: false };
  }

  /** The batch of a step, or this rank's rows of it, and the numbers that go with it: a pure function of (options, step, rank). */
  async #inputs(sampler: PairSampler, step: number): Promise<InputValues> {
    const { dataset, options, gan } = this;
    const own = shareOf(this.#world, options.batch);
    const batchOf = (step: number): PairBatch => {
      const whole = sampler.batch(step);
      return this.#world.size === 1 ? whole : rowsOf(whole, own.begin, own.end);
    };
    const batch = batchOf(step);
    const { images, wrong, views, wrongViews } = batch;
    const rate = learningRate(options, step, dataset.imagesOfSplit("train").length);
    const mismatch = gan.mismatchWeight > 0;
    const wrongText = mismatch && options.mismatch === "text";
    const texts = await this.captions.inputs(batch, wrongText, (i) => (i === 0 ? batch : batchOf(step + i)));
    return {
      real: words(fillPixels(dataset, images, views)),
      ...(mismatch && options.mismatch === "image" && { wrong: words(fillPixels(dataset, wrong, wrongViews)) }),
      ...texts,
      ...(gan.matchesLater && { match: [gan.weightAt(step)] }),
      key: randomKey(options.seed, step, this.#world.size === 1 ? undefined : this.#world.rank),
      rateD: gan.adamD.rate(rate, step),
      rateG: gan.adamG.rate(rate, step),
      ...(gan.average !== gan.generator && { decay: [emaDecay(options.ema, step)] }),
    };
  }

  async #record(step: number, { numbers: metrics, stop }: StepNumbers, imagesPerSecond: number): Promise<void> {
    // All ranks look at a step's numbers between the same two steps, and so begin no other one.
    if (stop) this.#stopped.abort();
    const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
    if (bad) throw new NonFiniteError(`step ${step}: ${bad[0]} is ${bad[1]}`);
    const rate = learningRate(this.options, step, this.dataset.imagesOfSplit("train").length);
    await this.run.appendMetrics({ stage: "GAN", step, ...metrics, learningRate: rate, imagesPerSecond });
    this.hooks.onEvent({ kind: "step", stage: "GAN", step, steps: this.options.steps, imagesPerSecond, metrics });
  }

  async #sample(step: number): Promise<void> {
    await averageStores(this.#world, ganKinds(this.gan).statistics, `step ${step}`);
    const records = await this.run.readMetrics();
    // What comes next is for rank 0 alone; the others wait for it in the next step's sum.
    if (this.#world.rank > 0) return;
    const { picture, captions } = await this.grid.draw();
    this.#grid = await this.run.writeSample(step, await this.training.encodePicture?.(picture, this.grid.captions), captions);
    await this.run.writeCurves(runCurves(this.options, records));
    this.hooks.onEvent({ kind: "sample", step, path: this.#grid, picture, captions });
  }

  async #checkpoint(step: number): Promise<void> {
    const { parameters, statistics } = ganKinds(this.gan);
    await averageStores(this.#world, statistics, `step ${step}`);
    await requireEqual(this.#world, parameters, `step ${step}`);
    if (this.#world.rank === 0) await this.#save(step);
    await this.#world.barrier(`step ${step}, the checkpoint`, "endless");
  }

  async #save(step: number): Promise<void> {
    const tensors = await ganTensors(this.gan);
    refuseNonFinite(step, tensors);
    const path = await this.run.saveCheckpoint(step, tensors, {});
    const kind = this.options.ema > 0 ? "ema" : "raw";
    const model = await encodeGan({ ...this.texts, generator: this.gan.average, kind, examples: this.grid.captions });
    await this.run.writeFile(MODEL_NAME, model);
    // The image side of its earlier training, if it had one, does not go with it any more.
    if (this.gan.text) await this.run.writeFile(TEXT_ENCODER_NAME, await encodeTextEncoder({ ...this.gan.text.model, image: undefined }));
    this.hooks.onEvent({ kind: "checkpoint", step, path, model });
  }
}

/** What is known of a step that is done. */
type StepNumbers = SharedResult;

/** Bytes, four a word. */
const words = ({ buffer }: Uint8Array): Uint32Array => new Uint32Array(buffer);
