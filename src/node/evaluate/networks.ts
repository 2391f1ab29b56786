/**
 * The networks that the measures look through, trained once for a data set and kept in the user's cache folder:
 *
 *   classifier   classes of the data set's real images; its features serve the distances and the inception-style score
 *   matching     a text-image encoder with another seed than any run's, for R-precision
 *   reader       petals only: petal colour, petal count and centre colour, learnt on other renders of freely combined attributes
 *
 * A fifth of each class's images is held out from all of them, so that the real images' own figures can be taken on images not learnt by
 * heart; matching and reader never see the unseen classes.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "../../data/dataset.js";
import { defaultCacheDir } from "../datasets/open.js";
import { CENTRE_COLOURS, PETAL_COLOURS, PETAL_COUNTS } from "../../data/petals-attributes.js";
import { subset } from "../../data/subset.js";
import type { Device } from "../../gpu/device.js";
import { ImageEncoder } from "../../models/image-encoder.js";
import { digest, fingerprint, keep } from "../../train/run/cache.js";
import { duration, measureSpeed, textOperations } from "../../train/gan/expectation.js";
import type { TrainHooks } from "../../train/run/events.js";
import { encodeTextEncoder, readTextEncoder, type TextEncoderFile } from "../../train/text/encoder-file.js";
import { loadNetwork, networkTensors } from "../../train/run/network-file.js";
import { readSafetensors, writeSafetensors } from "../../formats/safetensors.js";
import { JointEmbedding, type JointTraining, PLAIN_TRAINING } from "../../train/text/joint-embedding.js";
import { freePetals } from "../../evaluate/free-petals.js";
import { classifierOperations, type ClassifierTraining, type Lesson, newClassifier, trainClassifier } from "../../evaluate/classifier.js";
import { readPath } from "../files/read-bytes.js";

/** Raised with every change that makes networks of the same settings come out different. */
const VERSION = 1;

/** One image in so many of each class is held out. */
const HELD_OUT = 5;

/** Above every seed that a run can have. */
const SEED = 2 ** 40;

export interface ReaderTraining extends ClassifierTraining {
  /** Images rendered to learn from. */
  readonly renders: number;
}

/** How long and how large the networks are trained. */
export interface NetworkSettings {
  readonly classifier: ClassifierTraining;
  readonly reader: ReaderTraining;
  readonly matching: JointTraining;
}

/** Sizes that a CPU trains in two minutes or so each, the same for every run of a data set, so that runs can be compared. */
export function networkSettings(dataset: Pick<Dataset, "name">): NetworkSettings {
  const common = { batch: 32, learningRate: 2e-3, width: 16, shift: 4, seed: SEED };
  const petals = dataset.name === "petals";
  return {
    classifier: { ...common, steps: 1000 },
    reader: { ...common, steps: 3000, learningRate: 3e-3, shift: 3, renders: 8000 },
    matching: {
      ...PLAIN_TRAINING,
      ...{ steps: petals ? 1500 : 1000, seed: SEED },
      ...{ text: { width: 64, embedding: 128, cell: "rnn" as const }, imageWidth: 16 },
    },
  };
}

/** A joint embedding of captions and images. */
export interface Matching extends TextEncoderFile {
  readonly image: ImageEncoder;
}

export interface EvaluationNetworks {
  readonly classifier: ImageEncoder;
  readonly matching: Matching;
  /** petals only. */
  readonly reader?: ImageEncoder;
}

/** True for the images that no network here is trained on. */
export function isHeldOut(dataset: Dataset): (image: number) => boolean {
  const held = new Set(dataset.classes.flatMap((_, c) => dataset.imagesOfClass(c).filter((_, i) => i % HELD_OUT === HELD_OUT - 1)));
  return (image) => held.has(image);
}

/** The classes of an image of petals under the reader's heads. */
export const READER_HEADS = [
  { attribute: "petalColour", values: PETAL_COLOURS },
  { attribute: "petalCount", values: PETAL_COUNTS },
  { attribute: "centreColour", values: CENTRE_COLOURS },
] as const;

export function classLesson(dataset: Dataset): Lesson {
  const held = isHeldOut(dataset);
  const images = dataset.classes.flatMap((_, c) => dataset.imagesOfClass(c).filter((image) => !held(image)));
  return { dataset, images, heads: [dataset.classes.length], labels: (image) => [dataset.classOf(image)] };
}

/** What a reader of images with attributes is to learn: all of them. */
export function readerLesson(dataset: Dataset): Lesson {
  const labels = (image: number) => {
    const { named } = dataset.attributes!(image);
    return READER_HEADS.map(({ attribute, values }) => (values as readonly unknown[]).indexOf(named[attribute]));
  };
  const images = Array.from({ length: dataset.images }, (_, image) => image);
  return { dataset, images, heads: READER_HEADS.map(({ values }) => values.length), labels };
}

/** Something that is read from the cache, or trained and kept. */
interface Task<T> {
  readonly what: string;
  readonly path: string;
  readonly operations: () => number;
  read(): Promise<T>;
  train(): Promise<T>;
  encode(value: T): Promise<Uint8Array>;
}

/**
 * Reads or trains the networks; tells beforehand how long the training should take.
 * @throws the signal's reason when aborted
 */
export async function obtainNetworks(
  device: Device,
  dataset: Dataset,
  settings: NetworkSettings,
  { onEvent, signal }: TrainHooks,
): Promise<EvaluationNetworks> {
  const pathOf = (what: string, training: unknown) =>
    join(defaultCacheDir(), `evaluation-${what}-${digest(VERSION, fingerprint(dataset), training)}.safetensors`);
  const show = (what: string, steps: number) => (step: number) =>
    onEvent({ kind: "work", what: `training the ${what}`, unit: "images", done: step, total: steps });

  /** @param lessonOf Made only where the network is trained. */
  const classifierTask = (
    what: string,
    heads: readonly number[],
    training: ClassifierTraining,
    lessonOf: () => Lesson | Promise<Lesson>,
  ): Task<ImageEncoder> => {
    const path = pathOf(what.replaceAll(" ", "-"), training);
    const form = { dataset, heads };
    return {
      ...{ what, path },
      operations: () => classifierOperations(form, training),
      read: async () => {
        const network = newClassifier(form, training);
        loadNetwork("classifier", network, (await readSafetensors(await readFile(path), path, { sealed: true })).tensors, path);
        return network;
      },
      train: async () => trainClassifier(device, await lessonOf(), training, show(what, training.steps), signal),
      encode: async (network) => writeSafetensors(await networkTensors("classifier", network), {}),
    };
  };
  const held = isHeldOut(dataset);
  const learnt = subset(dataset, (image) => !held(image));
  const matchingTask: Task<Matching> = {
    what: "text-image encoder",
    path: pathOf("matching", settings.matching),
    operations: () => settings.matching.steps * textOperations(settings.matching, dataset.size),
    read: async () => matchingOf(await readPath(matchingTask.path, readTextEncoder)),
    train: () => trainMatching(device, learnt, settings.matching, show("text-image encoder", settings.matching.steps), signal),
    encode: encodeTextEncoder,
  };
  const classifier = classifierTask("classifier of real images", [dataset.classes.length], settings.classifier, () => classLesson(dataset));
  const readerHeads = READER_HEADS.map(({ values }) => values.length);
  const { renders } = settings.reader;
  const reader =
    dataset.attributes &&
    classifierTask("reader of attributes", readerHeads, settings.reader, async () => {
      const rendered = (done: number) =>
        onEvent({ kind: "work", what: "rendering petals for the reader", unit: "images", done, total: renders });
      return readerLesson(await freePetals(dataset.size, renders, settings.reader.seed, rendered, signal));
    });

  const missing = [classifier, matchingTask, ...(reader ? [reader] : [])].filter(({ path }) => !existsSync(path));
  if (missing.length > 0) {
    const { rate } = await measureSpeed(device);
    const seconds = missing.reduce((sum, { operations }) => sum + operations() / (SHARE * rate), 0);
    const names = missing.map(({ what }) => what).join(", ");
    onEvent({ kind: "message", text: `trained once for ${dataset.name}: ${names}; expected to take about ${duration(seconds)}` });
  }
  const obtain = async <T>(task: Task<T>): Promise<T> => {
    if (existsSync(task.path)) {
      try {
        return await task.read();
      } catch (error) {
        onEvent({ kind: "warning", text: `${(error as Error).message}; it is trained anew` });
      }
    }
    const value = await task.train();
    await keep(task.path, await task.encode(value), onEvent);
    return value;
  };
  return {
    classifier: await obtain(classifier),
    matching: await obtain(matchingTask),
    ...(reader && { reader: await obtain(reader) }),
  };
}

/** What these trainings reach of the speed of large products; measured on lavapipe. */
const SHARE = 0.4;

async function trainMatching(
  device: Device,
  dataset: Dataset,
  training: JointTraining,
  onStep: (step: number) => void,
  signal: AbortSignal,
): Promise<Matching> {
  const joint = new JointEmbedding(device, { dataset, symbols: dataset.alphabet, classes: dataset.split.train }, training);
  try {
    await joint.train(training.steps, onStep, signal);
    signal.throwIfAborted();
    // Cosines of raw embeddings are what it was trained on.
    const normalisation = { center: new Float32Array(training.text.embedding), scale: 1 };
    return matchingOf({ encoder: joint.text, image: joint.image, alphabet: dataset.alphabet, normalisation });
  } finally {
    await joint.destroy();
  }
}

function matchingOf(file: TextEncoderFile): Matching {
  if (!(file.image instanceof ImageEncoder)) throw new Error("the text-image encoder lacks its image network");
  return { ...file, image: file.image };
}
