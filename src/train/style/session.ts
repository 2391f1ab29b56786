/** `petalgrad train-style`: trains the style encoder of a run, in the run's folder, resumable bit for bit. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import { commandLine } from "../../command-line.js";
import { NonFiniteError, UserError } from "../../errors.js";
import { randomKey } from "../../tensor/random.js";
import { CaptionTable } from "../text/caption-table.js";
import { Clock } from "../run/clock.js";
import { curvesSvg } from "../../pictures/line-chart.js";
import type { TrainHooks } from "../run/events.js";
import { loadModel } from "../../node/files/load-model.js";
import { trainSteps } from "../run/loop.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER, TEXT_ENCODER_NAME } from "../run/names.js";
import { networkDigest, refuseNonFinite } from "../run/network-file.js";
import { Painter } from "../gan/painter.js";
import { withAbsolutePaths } from "../../node/files/paths.js";
import { type Attempt, trainOnDevice } from "../run/recovery.js";
import { openData, requireData } from "../../node/datasets/run-data.js";
import { type FolderKind, RunFolder } from "../run/run-folder.js";
import { encodeStyle } from "./file.js";
import { encodePng } from "../../node/files/png.js";
import { StyleGrid } from "./grid.js";
import { type GivenStyleOptions, resolveStyleOptions, resumeStyleOptions, type StyleOptions, styleOptionsFromJson } from "./options.js";
import { StyleReader } from "./reader.js";
import { type Recovery, RecoveryTest } from "./recovery.js";
import { type StyleProgram, StyleTraining } from "./step.js";
import { installTuner } from "../run/tuning.js";

/** A new style encoder for a run, or the continuation of one that was stopped. */
export interface StyleRequest {
  readonly given: GivenStyleOptions;
  /** The run's folder. */
  readonly run: string;
  readonly resume: boolean;
  /** Go on by itself, at most three times, when the GPU device is lost (default true). */
  readonly recover?: boolean | undefined;
}

export interface StyleResult {
  /** The style encoder's folder in the run's. */
  readonly folder: string;
  readonly end: "finished" | "stopped";
  readonly step: number;
  /** The newest grid and measurement, where one was made. */
  readonly grid?: string;
  readonly recovery?: Recovery;
}

const STYLE: FolderKind<StyleOptions> = {
  options: styleOptionsFromJson,
  goOn: (path) => commandLine("train-style", "--resume", dirname(path)),
};

/**
 * With the residual bottleneck even where the run's networks have none: without, S learns far more slowly (of the noise of a generator of
 * 300 steps on petals, R² .02 after 1,200 steps against .28).
 */
const STYLE_TRUNK = { residual: true, missingLeakyRelu: "restore" } as const;

/** Generated images on which the recovery of z is measured. */
const MEASURED = 512;

/**
 * @throws UserError for bad options, a run without a model, a full disk, a loss that is not finite; the last good checkpoint stands then.
 */
export async function trainStyle(request: StyleRequest, hooks: TrainHooks): Promise<StyleResult> {
  const given = withAbsolutePaths(request.given);
  return trainOnDevice(request.recover ?? true, hooks, async (attempt) => {
    const resume = request.resume || attempt.folder !== undefined;
    return (await Session.begin(attempt, { ...request, given, resume }, hooks)).train();
  });
}

/** The options of the training, and its folder inside the run's. */
function openFolder({ given, run: path, resume }: StyleRequest) {
  const run = RunFolder.open(path);
  const folder = run.within(STYLE_FOLDER, STYLE);
  const about = run.readConfig();
  if (!resume && folder.isBegun)
    throw new UserError(
      `${folder.path} already holds a style encoder: go on with it by --resume ${path}, or remove that folder to begin anew`,
    );
  if (resume && !folder.isBegun)
    throw new UserError(`${path} has no style encoder yet: begin one with ${commandLine("train-style", "--run", path)}`);
  const options = resume ? resumeStyleOptions(folder.readConfig(), given) : resolveStyleOptions(given, about);
  return { run, about, folder, options };
}

/** A training under way. */
class Session {
  /** Steps done. */
  #step = 0;
  #grid: string | undefined;
  #recovery: Recovery | undefined;

  private constructor(
    readonly options: StyleOptions,
    readonly folder: RunFolder<StyleOptions>,
    readonly hooks: TrainHooks,
    readonly captions: CaptionTable,
    readonly training: StyleTraining,
    /** Digest of the generator. */
    readonly generator: string,
    readonly program: StyleProgram,
    readonly reader: StyleReader,
    readonly grid: StyleGrid,
    readonly test: RecoveryTest,
  ) {}

  /** Everything up to the first step. */
  static async begin({ device, hold }: Attempt, request: StyleRequest, hooks: TrainHooks): Promise<Session> {
    const { run, about, folder, options } = openFolder(request);
    if (request.resume) hold(folder);
    const { onEvent } = hooks;
    const data = { ...about, dataDir: options.dataDir };
    await requireData(data, true);
    const model = await loadModel(run.path, options.generator);
    for (const text of model.warnings) onEvent({ kind: "warning", text });
    const generator = await networkDigest(model.generator);
    const { imageSize, noiseSize } = model.generator.options;
    const network = { imageSize, noiseSize, width: options.width, ...STYLE_TRUNK };
    const training = new StyleTraining(model.generator, network, options, new RandomStream(options.seed, StreamPurpose.styleValues));
    const step = folder.hasCheckpoint ? await restore(training, folder, generator, hooks) : 0;
    // Steps before the first checkpoint are done again.
    if (request.resume && step === 0) folder.truncateMetrics("style encoder", 0, (text) => onEvent({ kind: "warning", text }));
    onEvent({
      kind: "message",
      text: `style encoder of ${run.path} (${options.generator} generator), ${options.steps} steps of ${options.batch} on ${device.description}`,
    });
    const dataset = await openData(data, hooks);
    if (!request.resume) hold(folder);
    folder.writeConfig(options, { adapter: device.description, node: process.version });
    installTuner(device, options.tune, onEvent, folder);
    const text = run.inside(TEXT_ENCODER_NAME);
    if (!existsSync(text)) throw new UserError(`${text} is missing: the run is not whole`);
    const captions = await CaptionTable.open(device, dataset, model, await readFile(text), hooks);
    onEvent({ kind: "message", text: "compiling the training step" });
    const program = await training.compile(device);
    const painter = await Painter.create(device, model.generator);
    const reader = await StyleReader.create(device, training.style);
    const grid = await StyleGrid.create(painter, captions, about.seed);
    const test = await RecoveryTest.create(painter, captions, options.seed, MEASURED);
    const session = new Session(options, folder, hooks, captions, training, generator, program, reader, grid, test);
    session.#step = step;
    return session;
  }

  async train(): Promise<StyleResult> {
    const { folder, hooks } = this;
    await this.#steps();
    await this.captions.keep(hooks.onEvent);
    const end = this.#step >= this.options.steps ? ("finished" as const) : ("stopped" as const);
    return { folder: folder.path, end, step: this.#step, grid: this.#grid, recovery: this.#recovery };
  }

  async #steps(): Promise<void> {
    const { steps, batch, sampleEvery, checkpointEvery } = this.options;
    const { onEvent, signal } = this.hooks;
    if (this.#step >= steps) return onEvent({ kind: "message", text: `the style encoder has done its ${steps} steps` });
    const clock = new Clock(steps, (text) => onEvent({ kind: "message", text }));
    this.#step = await trainSteps({
      ...{ done: this.#step, until: steps, signal },
      inputs: (step) => this.#inputs(step),
      run: (inputs) => this.program.run(inputs),
      record: (step, { loss }) => this.#record(step, loss[0]!, clock.tick(step, batch)),
      due: (step) => [
        ...(step % sampleEvery === 0 || step === steps ? [() => this.#sample(step)] : []),
        ...(step % checkpointEvery === 0 && step < steps ? [() => this.#checkpoint(step)] : []),
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
    return { text, key: randomKey(this.options.seed, step), rate: this.training.rate(step) };
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

  #record(step: number, loss: number, imagesPerSecond: number): void {
    if (!Number.isFinite(loss)) throw new NonFiniteError(`step ${step}: the style encoder's loss is ${loss}`);
    this.folder.appendMetrics({ stage: "style encoder", step, loss, learningRate: this.training.learningRate(step), imagesPerSecond });
    this.hooks.onEvent({ kind: "step", stage: "style encoder", step, steps: this.options.steps, imagesPerSecond, metrics: { loss } });
  }

  async #sample(step: number): Promise<void> {
    const { folder } = this;
    const { picture, captions } = await this.grid.draw(this.reader);
    this.#grid = folder.writeSample(step, encodePng(picture), captions);
    const recovery = (this.#recovery = await this.test.measure(this.reader));
    folder.appendMetrics({ stage: "style encoder", step, recovered: recovery.mean });
    folder.writeFile("recovery.json", `${JSON.stringify({ step, ...recovery }, null, 2)}\n`);
    folder.writeCurves(styleCurves(folder));
    this.hooks.onEvent({ kind: "sample", step, path: this.#grid });
  }

  async #checkpoint(step: number): Promise<void> {
    const { style } = this.training;
    const tensors = await this.training.tensors();
    refuseNonFinite(step, tensors);
    const path = await this.folder.saveCheckpoint(step, tensors, { generator: this.generator });
    this.folder.writeFile(STYLE_ENCODER_NAME, await encodeStyle({ style, generator: this.generator, kind: this.options.generator }));
    this.hooks.onEvent({ kind: "checkpoint", step, path });
  }
}

/** Goes back to the newest sound checkpoint. @returns its step */
async function restore(
  training: StyleTraining,
  folder: RunFolder<StyleOptions>,
  generator: string,
  { onEvent }: TrainHooks,
): Promise<number> {
  const { step, path, tensors, metadata, refused } = await folder.loadCheckpoint();
  for (const text of refused) onEvent({ kind: "warning", text });
  if (metadata.get("generator") !== generator)
    throw new UserError(`the run's generator has changed since ${path}: remove ${folder.path} and train the style encoder anew`);
  training.restore(tensors, path);
  folder.truncateMetrics("style encoder", step, (text) => onEvent({ kind: "warning", text }));
  return step;
}

function styleCurves(folder: RunFolder<StyleOptions>): string {
  const records = folder.readMetrics();
  const points = (key: string) => records.flatMap((r): [number, number][] => (typeof r[key] === "number" ? [[r.step, r[key]]] : []));
  return curvesSvg("style encoder", [
    { title: "squared error a dimension (1: nothing is known)", series: [{ name: "‖z − S(G(z, t))‖² / Z", points: points("loss") }] },
    { title: "recovered noise, held-out captions", range: [0, 1], exact: true, series: [{ name: "mean R²", points: points("recovered") }] },
  ]);
}
