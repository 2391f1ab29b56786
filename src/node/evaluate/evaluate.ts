/** `petalgrad evaluate`: every measure on every generator of some runs, beside real images and noise, as one report. */
import type { Dataset } from "../../data/dataset.js";
import { UserError } from "../../errors.js";
import { type Device, openDevice } from "../../gpu/device.js";
import type { TrainHooks } from "../../train/run/events.js";
import type { TrainOptions } from "../../train/gan/options.js";
import { withAbsolutePaths } from "../files/paths.js";
import { openData } from "../datasets/run-data.js";
import { RunFolder } from "../../train/run/run-folder.js";
import { type NetworkSettings, networkSettings, obtainNetworks } from "./networks.js";
import { PublishedMeasures, type PublishedRequest } from "../../evaluate/published.js";
import { type Column, type Report, SPLITS, type Value } from "../../evaluate/report.js";
import { StyleVerification } from "./style-verification.js";
import { Artist, openRun } from "./subject.js";
import { LEAST_IMAGES, openObservers, type Pictures, Trial } from "../../evaluate/trial.js";
import {
  drawnLesson,
  realLesson,
  ZERO_SHOT,
  zeroShotAccuracy,
  zeroShotCaptions,
  type ZeroShotSettings,
  zeroShotTask,
} from "../../evaluate/drawn-classes.js";
import type { Lesson } from "../../evaluate/classifier.js";

export interface EvaluateRequest {
  /** Folders of runs on one data set, each with columns of its own. */
  readonly runs: readonly string[];
  /** Captions drawn of each split. */
  readonly samples: number;
  readonly seed: number;
  /** Train a classifier on each generator's images of the unseen classes. */
  readonly zeroShot: boolean;
  /** Where the data set lies now, if not where the runs found it. */
  readonly dataDir?: string;
  /** Measure by the published protocol, too, with this network. */
  readonly features?: PublishedRequest;
  /** Other sizes of what is trained here, for tests. */
  readonly networks?: NetworkSettings;
  readonly zeroShotSettings?: ZeroShotSettings;
}

/**
 * @throws UserError where a folder holds no run or no checkpoint, or the runs are of different data sets; the signal's reason when aborted
 */
export async function evaluate(request: EvaluateRequest, hooks: TrainHooks): Promise<Report> {
  // Runs of earlier versions hold paths as they were typed.
  const options = request.runs.map((run) => withAbsolutePaths(RunFolder.open(run).readConfig()));
  refuseUnfit(request.runs, options);
  const device = await openDevice();
  try {
    const dataset = await openData({ ...options[0]!, ...(request.dataDir !== undefined && { dataDir: request.dataDir }) }, hooks);
    const networks = await obtainNetworks(device, dataset, request.networks ?? networkSettings(dataset), hooks);
    const observers = await openObservers(device, networks);
    const trials = await Trial.prepare(device, dataset, networks, observers, request.samples, request.seed);
    const published = request.features && (await PublishedMeasures.prepare(dataset, request.features, request.seed, hooks));
    return await new Evaluation(device, dataset, trials, published, request, hooks).report();
  } finally {
    device.destroy();
  }
}

/** Columns of one table must be answers to the same questions, and every run must be able to answer them. */
function refuseUnfit(runs: readonly string[], options: readonly TrainOptions[]): void {
  const twice = runs.find((run, i) => runs.indexOf(run) < i);
  if (twice !== undefined) throw new UserError(`${twice} is given twice`);
  const given = options.findIndex(({ embeddings }) => embeddings !== null);
  if (given >= 0)
    throw new UserError(`${runs[given]} was trained on given embeddings: there is no text encoder to draw the data set's captions with`);
  const first = options[0]!;
  const names = { dataset: "data set", imageSize: "image size", captions: "captions" } as const;
  for (const key of Object.keys(names) as (keyof typeof names)[]) {
    const other = options.findIndex((o) => o[key] !== first[key]);
    if (other < 0) continue;
    const [its, theirs] = [options[other]![key] ?? "the default", first[key] ?? "the default"];
    throw new UserError(`${runs[other]} cannot stand beside ${runs[0]}: its ${names[key]} is ${its}, not ${theirs}`);
  }
}

/** The columns of one report. */
class Evaluation {
  constructor(
    readonly device: Device,
    readonly dataset: Dataset,
    readonly trials: readonly Trial[],
    readonly published: PublishedMeasures | undefined,
    readonly request: EvaluateRequest,
    readonly hooks: TrainHooks,
  ) {}

  async report(): Promise<Report> {
    const { dataset, request, trials } = this;
    const style = StyleVerification.prepare(dataset, request.seed);
    const columns: Column[] = [await this.#real(), await this.#noise()];
    for (const path of request.runs) columns.push(...(await this.#run(path, style)));
    const colours = trials.some((trial) => trial.colours);
    return {
      ...{ dataset: dataset.name, samples: request.samples, seed: request.seed, columns, curves: style.curves },
      notes: [
        ...this.#left(),
        ...trials.flatMap((trial) => trial.notes),
        ...(colours ? [COLOUR_NOTE] : []),
        ...style.notes,
        ...(this.published ? [this.published.note] : []),
      ],
    };
  }

  /** Splits that nothing was measured on. */
  #left(): string[] {
    const measured = new Set(this.trials.map(({ split }) => split));
    return (["train", "test"] as const)
      .filter((split) => !measured.has(split))
      .map(
        (split) =>
          `${SPLITS[split]}: not measured, with ${this.dataset.imagesOfSplit(split).length} images; ${LEAST_IMAGES} are the least.`,
      );
  }

  async #real(): Promise<Column> {
    const parts = await this.#each("real images", (trial) => trial.ofReal());
    return { label: "real", values: { ...parts, ...this.published?.ofReal, ...(await this.#zeroShot("real images")) } };
  }

  async #noise(): Promise<Column> {
    const task = this.request.zeroShot ? zeroShotTask(this.dataset) : undefined;
    const chance = task && { zeroShot: { value: 1 / task.classes.length } };
    return { label: "noise", values: { ...(await this.#each("noise", (trial) => trial.ofNoise())), ...chance } };
  }

  /** A column for each generator of a run. */
  async #run(path: string, style: StyleVerification): Promise<Column[]> {
    const { device, dataset, hooks, request } = this;
    const run = await openRun(device, path, dataset, hooks);
    const columns: Column[] = [];
    for (const [kind, generator] of run.generators) {
      const label = `${run.name} ${kind}`;
      const artist = await Artist.create(device, generator, run.captions);
      const pictures: Pictures = {
        of: (captions) => artist.draw(captions, request.seed),
        groups: (captions, each) =>
          artist.draw(
            captions.flatMap((caption) => new Array<number>(each).fill(caption)),
            request.seed,
          ),
      };
      const values = {
        ...(await this.#each(label, (trial) => trial.ofDrawn(pictures))),
        ...(await this.published?.ofDrawn(pictures, label)),
        ...(await this.#zeroShot(label, pictures)),
        ...(await style.of(device, run, kind)),
      };
      columns.push({ label, values });
      artist.destroy();
    }
    await run.captions.keep(hooks.onEvent);
    return columns;
  }

  async #each(label: string, measure: (trial: Trial) => Promise<Column["values"]>): Promise<Column["values"]> {
    const values: Record<string, Value> = {};
    for (const trial of this.trials) {
      this.hooks.signal.throwIfAborted();
      this.hooks.onEvent({ kind: "message", text: `${label}: ${trial.split === "train" ? "training" : "unseen"} classes` });
      Object.assign(values, await measure(trial));
    }
    return values;
  }

  /** Learns the unseen classes from drawn images, or from real ones. */
  async #zeroShot(label: string, pictures?: Pictures): Promise<Column["values"]> {
    const { device, dataset, request, hooks } = this;
    const task = request.zeroShot ? zeroShotTask(dataset) : undefined;
    if (!task) return {};
    const { training, perClass } = request.zeroShotSettings ?? ZERO_SHOT;
    const lesson: Lesson = pictures
      ? await drawnLesson(task, pictures.of(zeroShotCaptions(task, perClass, request.seed)), perClass)
      : realLesson(task);
    const onStep = (step: number) =>
      hooks.onEvent({ kind: "work", what: `${label}: learning unseen classes`, unit: "images", done: step, total: training.steps });
    return { zeroShot: { value: await zeroShotAccuracy(device, task, lesson, training, onStep, hooks.signal) } };
  }
}

const COLOUR_NOTE =
  "The two colour rows saturate above the real images' own figure: they say whether the text rules the colour, and nothing of quality.";
