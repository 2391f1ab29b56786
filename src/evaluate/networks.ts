/**
 * The networks that the measures look through, trained once for a data set and kept for later evaluations:
 *
 *   classifier   classes of the data set's real images; its features serve the distances and the inception-style score. Where there are no
 *                classes, the matching encoder's image side looks in its place
 *   matching     a text-image encoder with another seed than any run's, for R-precision
 *   reader       petals only: petal colour, petal count and centre colour, learnt on other renders of freely combined attributes
 */
import type { Dataset } from "../data/dataset.js";
import { subset } from "../data/subset.js";
import { readSafetensors, writeSafetensors } from "../formats/safetensors.js";
import type { Device } from "../gpu/device.js";
import { ImageEncoder } from "../models/image-encoder.js";
import { datasetDigest, keep, keyOf } from "../train/run/cache.js";
import type { TrainHooks } from "../train/run/events.js";
import { loadNetwork, networkTensors } from "../train/run/network-file.js";
import { sharedBy } from "../train/run/shared-work.js";
import { pathIn, type RunStore } from "../train/run/store.js";
import { ALONE, type World } from "../train/run/world.js";
import { encodeTextEncoder, readTextEncoder, type TextEncoderFile } from "../train/text/encoder-file.js";
import { JointEmbedding } from "../train/text/joint-embedding.js";
import { type JointTraining, PLAIN_TRAINING } from "../train/text/joint-training.js";
import { measureSpeed, textOperations } from "../train/gan/expectation.js";
import { duration } from "../train/run/clock.js";
import { classifierOperations, type ClassifierTraining, type Lesson, newClassifier, trainClassifier } from "./classifier.js";
import { freePetals } from "./free-petals.js";
import { classLesson, isHeldOut, READER_HEADS, readerLesson } from "./lessons.js";

/** Raised with every change that makes networks of the same settings come out different. */
const VERSION = 1;

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

/** Where the networks are kept: a run's store, or any other. */
export type NetworkStore = Pick<RunStore, "path" | "read" | "write">;

/** A network that is read from the store, or trained and kept there. */
interface Task<T> {
  readonly what: string;
  /** Its file in the store. */
  readonly name: string;
  readonly operations: () => number;
  /** @param path Names the file in messages. */
  readonly read: (bytes: Uint8Array, path: string) => Promise<T>;
  readonly train: () => Promise<T>;
  readonly encode: (network: T) => Promise<Uint8Array>;
}

/**
 * Reads or trains the networks; tells beforehand how long the training should take. On several ranks each trains some of what is missing.
 * @param store Holds those of earlier evaluations, and gets the new ones; where it cannot be written, they are trained again the next time.
 * @throws the signal's reason when aborted
 */
export async function obtainNetworks(
  device: Device,
  dataset: Dataset,
  settings: NetworkSettings,
  store: NetworkStore,
  hooks: TrainHooks,
  world: World = ALONE,
): Promise<EvaluationNetworks> {
  const { onEvent, signal } = hooks;
  const nameOf = (what: string, training: unknown) => `evaluation-${what}-${keyOf(VERSION, datasetDigest(dataset), training)}.safetensors`;
  const show = (what: string, steps: number) => (step: number) =>
    onEvent({ kind: "work", what: `training the ${what}`, unit: "images", done: step, total: steps });

  /** @param lessonOf Made only where the network is trained. */
  const classifierTask = (
    what: string,
    heads: readonly number[],
    training: ClassifierTraining,
    lessonOf: () => Lesson | Promise<Lesson>,
  ): Task<ImageEncoder> => {
    const form = { dataset, heads };
    return {
      ...{ what, name: nameOf(what.replaceAll(" ", "-"), training) },
      operations: () => classifierOperations(form, training),
      read: async (bytes, path) => {
        const network = newClassifier(form, training);
        loadNetwork("classifier", network, (await readSafetensors(bytes, path, { sealed: true })).tensors, path);
        return network;
      },
      train: async () => trainClassifier(device, await lessonOf(), training, show(what, training.steps), signal),
      encode: async (network) => writeSafetensors(await networkTensors("classifier", network), {}),
    };
  };
  const held = isHeldOut(dataset);
  const learnt = subset(dataset, (image) => !held(image));
  const matching: Task<Matching> = {
    what: "text-image encoder",
    name: nameOf("matching", settings.matching),
    operations: () => settings.matching.steps * textOperations(settings.matching, dataset.size),
    read: async (bytes, path) => matchingOf(await readTextEncoder(bytes, path)),
    train: () => trainMatching(device, learnt, settings.matching, show("text-image encoder", settings.matching.steps), signal),
    encode: encodeTextEncoder,
  };
  const classifier = dataset.classless
    ? undefined
    : classifierTask("classifier of real images", [dataset.classes.length], settings.classifier, () => classLesson(dataset));
  const readerHeads = READER_HEADS.map(({ values }) => values.length);
  const { renders } = settings.reader;
  const reader =
    dataset.attributes &&
    classifierTask("reader of attributes", readerHeads, settings.reader, async () => {
      const rendered = (done: number) =>
        onEvent({ kind: "work", what: "rendering petals for the reader", unit: "images", done, total: renders });
      return readerLesson(await freePetals(dataset.size, renders, settings.reader.seed, rendered, signal));
    });

  const kept = new Map<string, Uint8Array>();
  const tasks = [...(classifier ? [wanted(classifier)] : []), wanted(matching), ...(reader ? [wanted(reader)] : [])];
  for (const { name } of tasks) {
    try {
      const bytes = await store.read(name);
      if (bytes) kept.set(name, bytes);
    } catch (error) {
      onEvent({ kind: "warning", text: `${(error as Error).message}; it is trained anew` });
    }
  }
  const missing = tasks.filter(({ name }) => !kept.has(name));
  if (missing.length > 0) {
    const { rate } = await measureSpeed(device);
    const seconds = missing.reduce((sum, { operations }) => sum + operations() / (SHARE * rate), 0);
    const names = missing.map(({ what }) => what).join(", ");
    onEvent({ kind: "message", text: `trained once for ${dataset.name}: ${names}; expected to take about ${duration(seconds)}` });
  }
  // Several ranks read what one of them has trained; who is alone has it already.
  const trained = await sharedBy(world)("networks that look", world.size > 1 ? missing.length : 0, (i) => missing[i]!.trained());
  for (const [i, bytes] of trained.entries()) {
    kept.set(missing[i]!.name, bytes);
    await keep(store, missing[i]!.name, bytes, onEvent);
  }
  const obtain = async <T>(task: Task<T>): Promise<T> => {
    const bytes = kept.get(task.name);
    if (bytes) {
      try {
        return await task.read(bytes, pathIn(store, task.name));
      } catch (error) {
        onEvent({ kind: "warning", text: `${(error as Error).message}; it is trained anew` });
      }
    }
    const network = await task.train();
    await keep(store, task.name, await task.encode(network), onEvent);
    return network;
  };
  const obtained = { classifier: classifier && (await obtain(classifier)), matching: await obtain(matching) };
  return {
    classifier: obtained.classifier ?? obtained.matching.image,
    matching: obtained.matching,
    ...(reader && { reader: await obtain(reader) }),
  };
}

/** Whatever network it is: its file, what training it costs, and training it for others to read. */
const wanted = <T>({ what, name, operations, train, encode }: Task<T>) => ({
  ...{ what, name, operations },
  trained: async () => encode(await train()),
});

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
    return matchingOf({ encoder: joint.model.text, image: joint.model.image, alphabet: dataset.alphabet, normalisation });
  } finally {
    await joint.destroy();
  }
}

function matchingOf(file: TextEncoderFile): Matching {
  if (!(file.image instanceof ImageEncoder)) throw new Error("the text-image encoder lacks its image network");
  return { ...file, image: file.image };
}
