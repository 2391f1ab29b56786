/** Every measure on every generator of some trainings on one data set, beside real images and noise, as one report. */
import { type Dataset, splitName } from "../data/dataset.js";
import type { Device } from "../gpu/device.js";
import type { TrainHooks } from "../train/run/events.js";
import type { Lesson } from "./classifier.js";
import {
  DRAWN_CLASSES,
  type DrawnClassesSettings,
  drawnCaptions,
  drawnClassesAccuracy,
  drawnClassesTask,
  drawnLesson,
  realLesson,
} from "./drawn-classes.js";
import { type NetworkSettings, networkSettings, type NetworkStore, obtainNetworks } from "./networks.js";
import { PublishedMeasures, type PublishedRequest } from "./published.js";
import type { Column, Report, Value } from "./report.js";
import { StyleVerification } from "./style-verification.js";
import { Artist, type Subject } from "./subject.js";
import { closeObservers, LEAST_IMAGES, openObservers, type Pictures, Trial } from "./trial.js";

/** What is asked of every generator. */
export interface Questions {
  /** Captions drawn of each split. */
  readonly samples: number;
  readonly seed: number;
  /** Train a classifier on each generator's images of the unseen classes. */
  readonly zeroShot: boolean;
  /** Measure by the published protocol, too, with this network. */
  readonly features?: PublishedRequest;
  /** Other sizes of what is trained here, for tests. */
  readonly networks?: NetworkSettings;
  readonly drawnClasses?: DrawnClassesSettings;
}

/** Where the generators are to be measured, and on what. */
export interface Laboratory {
  readonly device: Device;
  /** Has the captions and images that all generators were trained on. */
  readonly dataset: Dataset;
  /** Keeps the networks that look for the next time. */
  readonly store: NetworkStore;
}

/**
 * @param subjects Each has columns of its own; they are taken one after the other, so that they may be made one after the other.
 * @throws the signal's reason when aborted
 */
export async function evaluate(
  { device, dataset, store }: Laboratory,
  subjects: AsyncIterable<Subject> | Iterable<Subject>,
  questions: Questions,
  hooks: TrainHooks,
): Promise<Report> {
  const networks = await obtainNetworks(device, dataset, questions.networks ?? networkSettings(dataset), store, hooks);
  const observers = await openObservers(device, networks);
  try {
    const trials = await Trial.prepare(device, dataset, networks, observers, questions.samples, questions.seed);
    const published = questions.features && (await PublishedMeasures.prepare(dataset, questions.features, questions.seed, hooks));
    return await new Evaluation(device, dataset, trials, published, questions, hooks).report(subjects);
  } finally {
    closeObservers(observers);
  }
}

/** The columns of one report. */
class Evaluation {
  constructor(
    readonly device: Device,
    readonly dataset: Dataset,
    readonly trials: readonly Trial[],
    readonly published: PublishedMeasures | undefined,
    readonly questions: Questions,
    readonly hooks: TrainHooks,
  ) {}

  async report(subjects: AsyncIterable<Subject> | Iterable<Subject>): Promise<Report> {
    const { dataset, trials } = this;
    const { samples, seed } = this.questions;
    const style = StyleVerification.prepare(dataset, seed);
    const columns: Column[] = [await this.#real(), await this.#noise()];
    for await (const subject of subjects) columns.push(...(await this.#columns(subject, style)));
    const colours = trials.some((trial) => trial.colours);
    return {
      ...{ dataset: dataset.name, ...(dataset.classless && { classless: true }), samples, seed, columns, curves: style.curves },
      notes: [
        ...(dataset.classless ? [CLASSLESS_NOTE] : []),
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
          `${splitName(split, this.dataset.classless)}: not measured, with ${this.dataset.imagesOfSplit(split).length} images; ${LEAST_IMAGES} are the least.`,
      );
  }

  async #real(): Promise<Column> {
    const parts = await this.#each("real images", (trial) => trial.ofReal());
    return { label: "real", values: { ...parts, ...this.published?.ofReal, ...(await this.#drawnClasses("real images")) } };
  }

  async #noise(): Promise<Column> {
    const task = this.questions.zeroShot ? drawnClassesTask(this.dataset) : undefined;
    const chance = task && { zeroShot: { value: 1 / task.classes.length } };
    return { label: "noise", values: { ...(await this.#each("noise", (trial) => trial.ofNoise())), ...chance } };
  }

  /** A column for each generator. */
  async #columns(subject: Subject, style: StyleVerification): Promise<Column[]> {
    const { device, questions } = this;
    const columns: Column[] = [];
    for (const [kind, generator] of subject.generators) {
      const label = `${subject.name} ${kind}`;
      const artist = await Artist.create(device, generator, subject.captions);
      const pictures = artist.pictures(questions.seed);
      const values = {
        ...(await this.#each(label, (trial) => trial.ofDrawn(pictures))),
        ...(await this.published?.ofDrawn(pictures, label)),
        ...(await this.#drawnClasses(label, pictures)),
        ...(await style.of(device, subject, kind)),
      };
      columns.push({ label, values });
      artist.destroy();
    }
    return columns;
  }

  async #each(label: string, measure: (trial: Trial) => Promise<Column["values"]>): Promise<Column["values"]> {
    const values: Record<string, Value> = {};
    for (const trial of this.trials) {
      this.hooks.signal.throwIfAborted();
      this.hooks.onEvent({ kind: "message", text: `${label}: ${splitName(trial.split, this.dataset.classless)}` });
      Object.assign(values, await measure(trial));
    }
    return values;
  }

  /** Learns the unseen classes from drawn images, or from real ones. */
  async #drawnClasses(label: string, pictures?: Pictures): Promise<Column["values"]> {
    const { device, dataset, questions, hooks } = this;
    const task = questions.zeroShot ? drawnClassesTask(dataset) : undefined;
    if (!task) return {};
    const { training, perClass } = questions.drawnClasses ?? DRAWN_CLASSES;
    const lesson: Lesson = pictures
      ? await drawnLesson(task, pictures.of(drawnCaptions(task, perClass, questions.seed)), perClass)
      : realLesson(task);
    const onStep = (step: number) =>
      hooks.onEvent({ kind: "work", what: `${label}: learning unseen classes`, unit: "images", done: step, total: training.steps });
    return { zeroShot: { value: await drawnClassesAccuracy(device, task, lesson, training, onStep, hooks.signal) } };
  }
}

const CLASSLESS_NOTE =
  "No classes: zero-shot classification and the inception score are not measured, and FID and KID go by the features of the text-image encoder.";
const COLOUR_NOTE =
  "The two colour rows saturate above the real images' own figure: they say whether the text rules the colour, and nothing of quality.";
