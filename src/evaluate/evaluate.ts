/** Every measure on every generator of some trainings on one data set, beside real images and noise, as one report. */
import { type Dataset, splitName } from "../data/dataset.js";
import type { Device } from "../gpu/device.js";
import type { TrainHooks } from "../train/run/events.js";
import { sharedBy } from "../train/run/shared-work.js";
import { ALONE, type World } from "../train/run/world.js";
import type { Sharing } from "../tensor/sharing.js";
import type { Lesson } from "./classifier.js";
import {
  DRAWN_CLASSES,
  type DrawnClassesSettings,
  type DrawnClassesTask,
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
  /** The ranks that share the work: all have the same data set, and are asked about the same subjects. By default one. */
  readonly world?: World;
}

/**
 * @param subjects Each has columns of its own; they are taken one after the other, so that they may be made one after the other.
 * @throws the signal's reason when aborted
 */
export async function evaluate(
  { device, dataset, store, world = ALONE }: Laboratory,
  subjects: AsyncIterable<Subject> | Iterable<Subject>,
  questions: Questions,
  hooks: TrainHooks,
): Promise<Report> {
  const networks = await obtainNetworks(device, dataset, questions.networks ?? networkSettings(dataset), store, hooks, world);
  const observers = await openObservers(device, networks);
  try {
    const { samples, seed, features } = questions;
    const share = sharedBy(world);
    const trials = await Trial.prepare(device, dataset, networks, observers, samples, seed, share);
    const published = features && (await PublishedMeasures.prepare(dataset, features, seed, hooks, share));
    return await new Evaluation(device, dataset, trials, published, questions, hooks, share).report(subjects);
  } finally {
    closeObservers(observers);
  }
}

/** A column before the classifiers of unseen classes are trained. */
interface Measured {
  readonly label: string;
  readonly before: Column["values"];
  readonly lesson?: Lesson | undefined;
  readonly after?: Column["values"];
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
    readonly share: Sharing,
  ) {}

  async report(subjects: AsyncIterable<Subject> | Iterable<Subject>): Promise<Report> {
    const { dataset, trials } = this;
    const { samples, seed } = this.questions;
    const style = StyleVerification.prepare(dataset, seed, this.share);
    const measured: Measured[] = [await this.#real(), await this.#noise()];
    for await (const subject of subjects) measured.push(...(await this.#columns(subject, style)));
    const columns = await this.#withDrawnClasses(measured);
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

  async #real(): Promise<Measured> {
    const parts = await this.#each("real images", (trial) => trial.ofReal());
    const task = this.#task;
    return { label: "real", before: { ...parts, ...this.published?.ofReal }, lesson: task && realLesson(task) };
  }

  async #noise(): Promise<Measured> {
    const task = this.#task;
    const chance = task && { zeroShot: { value: 1 / task.classes.length } };
    return { label: "noise", before: { ...(await this.#each("noise", (trial) => trial.ofNoise())), ...chance } };
  }

  /** A column for each generator. */
  async #columns(subject: Subject, style: StyleVerification): Promise<Measured[]> {
    const { device, questions } = this;
    const columns: Measured[] = [];
    for (const [kind, generator] of subject.generators) {
      const label = `${subject.name} ${kind}`;
      const artist = await Artist.create(device, generator, subject.captions);
      const pictures = artist.pictures(questions.seed);
      columns.push({
        label,
        before: {
          ...(await this.#each(label, (trial) => trial.ofDrawn(pictures))),
          ...(await this.published?.ofDrawn(pictures, label)),
        },
        lesson: await this.#drawn(pictures),
        after: await style.of(device, subject, kind, artist),
      });
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

  /** What the classifiers of unseen classes are asked; undefined where they are not wanted, or cannot be. */
  get #task(): DrawnClassesTask | undefined {
    return this.questions.zeroShot ? drawnClassesTask(this.dataset) : undefined;
  }

  get #drawnClasses(): DrawnClassesSettings {
    return this.questions.drawnClasses ?? DRAWN_CLASSES;
  }

  /** The lesson of a generator's images of the unseen classes. */
  async #drawn(pictures: Pictures): Promise<Lesson | undefined> {
    const task = this.#task;
    if (!task) return undefined;
    const { perClass } = this.#drawnClasses;
    return drawnLesson(task, await pictures.of(drawnCaptions(task, perClass, this.questions.seed)), perClass, this.share);
  }

  /** Learns the unseen classes from each lesson, of drawn images or of real ones. Last, since each training is one rank's. */
  async #withDrawnClasses(measured: readonly Measured[]): Promise<Column[]> {
    const { device, hooks } = this;
    const { training } = this.#drawnClasses;
    const lessons = measured.flatMap(({ label, lesson }) => (lesson ? [{ label: label === "real" ? "real images" : label, lesson }] : []));
    const found = await this.share("classifiers of unseen classes", lessons.length, async (i) => {
      const { label, lesson } = lessons[i]!;
      const onStep = (step: number) =>
        hooks.onEvent({ kind: "work", what: `${label}: learning unseen classes`, unit: "images", done: step, total: training.steps });
      return Float64Array.of(await drawnClassesAccuracy(device, this.#task!, lesson, training, onStep, hooks.signal));
    });
    let next = 0;
    return measured.map(({ label, before, lesson, after }) => ({
      label,
      values: { ...before, ...(lesson && { zeroShot: { value: found[next++]![0]! } }), ...after },
    }));
  }
}

const CLASSLESS_NOTE =
  "No classes: zero-shot classification and the inception score are not measured, and FID and KID go by the features of the text-image encoder.";
const COLOUR_NOTE =
  "The two colour rows saturate above the real images' own figure: they say whether the text rules the colour, and nothing of quality.";
