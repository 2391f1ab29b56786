/** Training the style encoder of a GAN's run, kept inside that run, resumable bit for bit. */
import type { Dataset } from "../../data/dataset.js";
import { commandLine } from "../../command-line.js";
import { NonFiniteError, UserError } from "../../errors.js";
import type { Picture } from "../../pictures/image-grid.js";
import { curvesSvg } from "../../pictures/line-chart.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import { randomKey } from "../../tensor/random.js";
import type { TrainOptions } from "../gan/options.js";
import { Painter } from "../gan/painter.js";
import { GAN_RUN } from "../gan/run-kind.js";
import { modelOfRun } from "../gan/run-model.js";
import { Clock } from "../run/clock.js";
import { type TrainHooks, withoutHooks } from "../run/events.js";
import { trainSteps } from "../run/loop.js";
import type { MetricsRecord } from "../run/metrics-file.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER, TEXT_ENCODER_NAME } from "../run/names.js";
import { networkDigest, refuseNonFinite } from "../run/network-file.js";
import { type Attempt, trainOnDevice } from "../run/recovery.js";
import { Run, type RunKind } from "../run/run.js";
import type { RunStore } from "../run/store.js";
import { dueAfter, goBack, recoverable, type TrainingContext } from "../run/training.js";
import { installTuner } from "../run/tuning.js";
import { datasetDigest } from "../run/cache.js";
import { averageStores, COMPARED_EVERY, requireEqual, requireSame, rowsOfRank, shareTuner, spreadStores } from "../run/ranks.js";
import { SharedProgram } from "../run/shared-program.js";
import { ALONE, shareOf, type World } from "../run/world.js";
import { CaptionTable } from "../text/caption-table.js";
import { encodeStyle } from "./file.js";
import { StyleGrid } from "./grid.js";
import { type GivenStyleOptions, resolveStyleOptions, resumeStyleOptions, type StyleOptions, styleOptionsFromJson } from "./options.js";
import { StyleReader } from "./reader.js";
import { type Recovery, RecoveryTest } from "./recovery.js";
import { type StyleProgram, StyleTraining } from "./step.js";

/** What a training is given beside its options. */
export interface StyleEncoderTraining extends TrainingContext<TrainOptions> {
  readonly given: GivenStyleOptions;
  /** The GAN's run. */
  readonly store: RunStore;
  /** Go on with the style encoder that the run has; else begin one. */
  readonly resume: boolean;
  /** The run's data set, or what opens it. @param options The GAN's, with the data folder of now. */
  readonly dataset: Dataset | ((options: TrainOptions) => Promise<Dataset>);
  /** A picture, and the captions of its rows, as a file's bytes, for the sample grids; without it the run keeps none, and events alone carry them. */
  readonly encodePicture?: (picture: Picture, captions: readonly string[]) => Uint8Array | Promise<Uint8Array>;
  /** Called before anything in the run is changed. */
  readonly onBegin?: () => void;
}

/** How a style encoder's training ended. */
export interface StyleResult {
  /** Where the style encoder is kept, inside the run. */
  readonly folder: string;
  readonly end: "finished" | "stopped";
  readonly step: number;
  /** The newest grid and measurement, where one was made. */
  readonly grid?: string;
  readonly recovery?: Recovery;
}

const parent = (path: string): string => path.replace(/[/\\][^/\\]*$/, "");

/** A style encoder's run, which lies inside a GAN's. */
const STYLE_RUN: RunKind<StyleOptions> = {
  options: styleOptionsFromJson,
  goOn: (path) => ["train-style", "--resume", parent(path)],
};

/**
 * With the residual bottleneck even where the run's networks have none: without, S learns far more slowly (of the noise of a generator of
 * 300 steps on petals, R² .02 after 1,200 steps against .28).
 */
const STYLE_TRUNK = { residual: true, missingLeakyRelu: "restore" } as const;

/** Generated images on which the recovery of z is measured. */
const MEASURED = 512;

/**
 * Trains, or continues, a style encoder.
 * @throws UserError for bad options, a run without a model, a full store, a loss that is not finite, a device that is lost again and again;
 * the last good checkpoint stands then.
 */
export async function trainStyle(training: StyleEncoderTraining, hooks: TrainHooks = withoutHooks()): Promise<StyleResult> {
  return trainOnDevice(recoverable(training), hooks, async (attempt) => {
    const parts = await openRun(training, attempt.again);
    return (await Session.begin(attempt, training, parts, hooks)).train();
  });
}

interface Parts {
  /** The GAN's run and options. */
  readonly run: Run<TrainOptions>;
  readonly about: TrainOptions;
  /** The style encoder's run in it. */
  readonly style: Run<StyleOptions>;
  readonly options: StyleOptions;
  readonly resume: boolean;
}

/** @param again True after a device was lost: what this training has begun is gone on with. */
async function openRun({ given, store, resume: asked, resolvePaths }: StyleEncoderTraining, again: boolean): Promise<Parts> {
  const run = await Run.open(store, GAN_RUN);
  const style = await run.within(STYLE_FOLDER, STYLE_RUN);
  const about = await run.readConfig();
  const resume = asked || (again && style.isBegun);
  if (!resume && style.isBegun)
    throw new UserError(
      `${style.path} already holds a style encoder: go on with it by --resume ${run.path}, or remove that folder to begin anew`,
    );
  if (resume && !style.isBegun)
    throw new UserError(`${run.path} has no style encoder yet: begin one with ${commandLine("train-style", "--run", run.path)}`);
  const options = resume ? resumeStyleOptions(await style.readConfig(), given, resolvePaths) : resolveStyleOptions(given, about);
  return { run, about, style, options, resume };
}

/** A training under way. */
class Session {
  /** Steps done. */
  #step = 0;
  #grid: string | undefined;
  #recovery: Recovery | undefined;
  readonly #world: World;
  /** Aborted when all ranks know that one of them is asked to stop. */
  readonly #stopped = new AbortController();

  private constructor(
    readonly options: StyleOptions,
    readonly run: Run<StyleOptions>,
    readonly source: Pick<StyleEncoderTraining, "encodePicture" | "world">,
    readonly hooks: TrainHooks,
    readonly captions: CaptionTable,
    readonly training: StyleTraining,
    /** Digest of the generator. */
    readonly generator: string,
    /** A step alone, or together with other ranks. */
    readonly program: StyleProgram | SharedProgram,
    readonly reader: StyleReader,
    readonly grid: StyleGrid,
    readonly test: RecoveryTest,
  ) {
    this.#world = source.world ?? ALONE;
  }

  /** Everything up to the first step. */
  static async begin(
    { device, hold }: Attempt,
    source: StyleEncoderTraining,
    { run, about, style, options, resume }: Parts,
    hooks: TrainHooks,
  ): Promise<Session> {
    if (resume) {
      source.onBegin?.();
      hold(style);
    }
    const { onEvent } = hooks;
    const { world = ALONE } = source;
    const rows = rowsOfRank(world, options.batch);
    const data = { ...about, dataDir: options.dataDir };
    await source.requireData?.(data, true);
    const { model, warnings } = await modelOfRun(run, options.generator);
    for (const text of warnings) onEvent({ kind: "warning", text });
    const generator = await networkDigest(model.generator);
    const { imageSize, noiseSize } = model.generator.options;
    const network = { imageSize, noiseSize, width: options.width, ...STYLE_TRUNK };
    const training = new StyleTraining(model.generator, network, options, new RandomStream(options.seed, StreamPurpose.styleValues));
    const checkpoint = resume
      ? await goBack(style, ["style encoder"], hooks, ({ tensors, metadata, path }) => {
          if (metadata.get("generator") !== generator)
            throw new UserError(`the run's generator has changed since ${path}: remove ${style.path} and train the style encoder anew`);
          training.restore(tensors, path);
        })
      : undefined;
    onEvent({
      kind: "message",
      text: `style encoder of ${run.path} (${options.generator} generator), ${options.steps} steps of ${options.batch}${world.size === 1 ? "" : ` (${world.size} ranks, ${rows} rows each)`} on ${device.description}`,
    });
    const dataset = typeof source.dataset === "function" ? await source.dataset(data) : source.dataset;
    await requireSame(world, world.size === 1 ? {} : { ...options, dataDir: null, generator, data: datasetDigest(dataset) });
    if (!resume) {
      source.onBegin?.();
      hold(style);
    }
    await style.writeConfig(options, { adapter: device.description, ...source.about });
    installTuner(device, options.tune, onEvent, source.cache, style.files);
    shareTuner(world, device);
    const text = await run.readFile(TEXT_ENCODER_NAME);
    if (!text) throw new UserError(`${run.inside(TEXT_ENCODER_NAME)} is missing: the run is not whole`);
    const captions = await CaptionTable.open(device, dataset, model, text, source.cache, hooks);
    onEvent({ kind: "message", text: "compiling the training step" });
    await spreadStores(world, training.stores);
    const program = world.size === 1 ? await training.compile(device) : await training.compileShared(device, world);
    const painter = await Painter.create(device, model.generator);
    const reader = await StyleReader.create(device, training.style);
    const grid = await StyleGrid.create(painter, captions, about.seed);
    const test = await RecoveryTest.create(painter, captions, options.seed, MEASURED);
    const session = new Session(options, style, source, hooks, captions, training, generator, program, reader, grid, test);
    session.#step = checkpoint?.step ?? 0;
    // What is compiled from now on, each rank compiles when it needs it.
    if (world.size > 1) device.tuner = undefined;
    return session;
  }

  async train(): Promise<StyleResult> {
    const { run, hooks } = this;
    await this.#steps();
    if (this.#world.rank === 0) await this.captions.keep(hooks.onEvent);
    const end = this.#step >= this.options.steps ? ("finished" as const) : ("stopped" as const);
    return { folder: run.path, end, step: this.#step, grid: this.#grid, recovery: this.#recovery };
  }

  async #steps(): Promise<void> {
    const { steps, batch } = this.options;
    const { onEvent, signal, pace } = this.hooks;
    if (this.#step >= steps) return onEvent({ kind: "message", text: `the style encoder has done its ${steps} steps` });
    const clock = new Clock(steps, (text) => onEvent({ kind: "message", text }));
    const due = dueAfter(this.options, { sample: (step) => this.#sample(step), checkpoint: (step) => this.#checkpoint(step) });
    const { parameters } = this.training.style;
    this.#step = await trainSteps({
      ...{ done: this.#step, until: steps, pace, signal: this.#world.size === 1 ? signal : this.#stopped.signal },
      inputs: (step) => this.#inputs(step),
      run: async (inputs, step) => {
        if (this.program instanceof SharedProgram) return this.program.run(inputs, `step ${step}`, signal);
        const { loss } = await this.program.run(inputs);
        return { numbers: { loss: loss[0]! }, stop: false };
      },
      record: (step, { numbers, stop }) => {
        if (stop) this.#stopped.abort();
        return this.#record(step, numbers.loss!, clock.tick(step, batch));
      },
      due: (step) => [
        ...(step % COMPARED_EVERY === 0 ? [() => requireEqual(this.#world, [parameters], `step ${step}`)] : []),
        ...due(step),
      ],
    });
    if (this.#step > 0) await this.#checkpoint(this.#step);
  }

  /** What a step is given: a pure function of (options, step). */
  async #inputs(step: number): Promise<Record<string, ArrayLike<number>>> {
    const drawn = this.#texts(step);
    await this.captions.ready((i) => this.#texts(step + i).captions);
    const { size } = this.captions;
    const text = new Float32Array(this.options.batch * size);
    drawn.shares.forEach((share, i) => {
      const row = this.captions.row(drawn.captions[i]!);
      const at = (i % this.options.batch) * size;
      for (let d = 0; d < size; d++) text[at + d]! += share * row[d]!;
    });
    const own = shareOf(this.#world, this.options.batch);
    const rank = this.#world.size === 1 ? undefined : this.#world.rank;
    const rows = text.subarray(own.begin * size, own.end * size);
    return { text: rows, key: randomKey(this.options.seed, step, rank), rate: this.training.rate(step) };
  }

  /** Training captions, and their shares in the batch's texts: caption i goes into text i modulo the batch. */
  #texts(step: number): { captions: Uint32Array; shares: Float32Array } {
    const { batch, seed, texts } = this.options;
    const { dataset } = this.captions;
    const random = new RandomStream(seed, StreamPurpose.styleTexts, step);
    const images = dataset.imagesOfSplit("train");
    const count = texts === "interpolated" ? 2 * batch : batch;
    const captions = Uint32Array.from({ length: count }, () => {
      const image = random.pick(images);
      return dataset.firstCaption(image) + random.below(dataset.captionsOf(image).length);
    });
    if (texts === "captions") return { captions, shares: new Float32Array(batch).fill(1) };
    const alpha = Array.from({ length: batch }, () => random.uniform());
    return { captions, shares: Float32Array.from([...alpha, ...alpha.map((a) => 1 - a)]) };
  }

  async #record(step: number, loss: number, imagesPerSecond: number): Promise<void> {
    if (!Number.isFinite(loss)) throw new NonFiniteError(`step ${step}: the style encoder's loss is ${loss}`);
    await this.run.appendMetrics({ stage: "style encoder", step, loss, learningRate: this.training.learningRate(step), imagesPerSecond });
    this.hooks.onEvent({ kind: "step", stage: "style encoder", step, steps: this.options.steps, imagesPerSecond, metrics: { loss } });
  }

  async #sample(step: number): Promise<void> {
    const { run } = this;
    await averageStores(this.#world, [this.training.style.statistics], `step ${step}`);
    const records = await run.readMetrics();
    // What comes next is for rank 0 alone; the others wait for it in the next step's sum.
    if (this.#world.rank > 0) return;
    const { picture, captions } = await this.grid.draw(this.reader);
    this.#grid = await run.writeSample(step, await this.source.encodePicture?.(picture, this.grid.captions), captions);
    const recovery = (this.#recovery = await this.test.measure(this.reader));
    const record = { stage: "style encoder", step, recovered: recovery.mean } as const;
    await run.appendMetrics(record);
    await run.writeFile("recovery.json", `${JSON.stringify({ step, ...recovery }, null, 2)}\n`);
    await run.writeCurves(styleCurves([...records, record]));
    this.hooks.onEvent({ kind: "sample", step, path: this.#grid, picture, captions });
  }

  async #checkpoint(step: number): Promise<void> {
    const { parameters, statistics } = this.training.style;
    await averageStores(this.#world, [statistics], `step ${step}`);
    await requireEqual(this.#world, [parameters], `step ${step}`);
    if (this.#world.rank === 0) await this.#save(step);
    await this.#world.barrier(`step ${step}, the checkpoint`, "endless");
  }

  async #save(step: number): Promise<void> {
    const { style } = this.training;
    const tensors = await this.training.tensors();
    refuseNonFinite(step, tensors);
    const path = await this.run.saveCheckpoint(step, tensors, { generator: this.generator });
    const model = await encodeStyle({ style, generator: this.generator, kind: this.options.generator });
    await this.run.writeFile(STYLE_ENCODER_NAME, model);
    this.hooks.onEvent({ kind: "checkpoint", step, path, model });
  }
}

function styleCurves(records: readonly MetricsRecord[]): string {
  const points = (key: string) => records.flatMap((r): [number, number][] => (typeof r[key] === "number" ? [[r.step, r[key]]] : []));
  return curvesSvg("style encoder", [
    { title: "squared error a dimension (1: nothing is known)", series: [{ name: "‖z − S(G(z, t))‖² / Z", points: points("loss") }] },
    { title: "recovered noise, held-out captions", range: [0, 1], exact: true, series: [{ name: "mean R²", points: points("recovered") }] },
  ]);
}
