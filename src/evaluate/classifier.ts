/**
 * Image classifiers that the measures stand on: a small convolutional network with one or several softmax heads (of classes; or of petal
 * colour, petal count and centre colour), trained by cross-entropy on mirrored and shifted images.
 */
import { grad } from "../autograd/grad.js";
import { fillImages } from "../data/batch.js";
import type { Dataset } from "../data/dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import { drawViews } from "../data/sampler.js";
import { NonFiniteError } from "../errors.js";
import type { Device } from "../gpu/device.js";
import { ImageEncoder } from "../models/image-encoder.js";
import { sum } from "../tensor/broadcast.js";
import { compile } from "../tensor/compile.js";
import { add, mul, sub } from "../tensor/elementwise.js";
import { reshape, slice } from "../tensor/layout.js";
import { Adam } from "../tensor/optimizers.js";
import { logSumExp, mean } from "../tensor/reduce.js";
import { input, type Tensor } from "../tensor/tensor.js";
import { arithmetic } from "../tensor/work.js";
import { requireFinite } from "../metrics/finite.js";

/** What a classifier is to learn. */
export interface Lesson {
  readonly dataset: Dataset;
  /** The images to learn from. */
  readonly images: readonly number[];
  /** Number of classes of each head. */
  readonly heads: readonly number[];
  /** An image's class under each head, from 0. */
  readonly labels: (image: number) => readonly number[];
}

/** What of a lesson decides the network's form. */
export interface LessonForm extends Pick<Lesson, "heads"> {
  readonly dataset: Pick<Dataset, "size">;
}

export interface ClassifierTraining {
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Channels after the first convolution. */
  readonly width: number;
  /** Images are moved by up to this many pixels. */
  readonly shift: number;
  readonly seed: number;
}

/** A network for the lesson, before any training. */
export function newClassifier({ dataset, heads }: LessonForm, { width, seed }: ClassifierTraining): ImageEncoder {
  const embedding = heads.reduce((total, classes) => total + classes, 0);
  return new ImageEncoder({ imageSize: dataset.size, width, embedding }, new RandomStream(seed, StreamPurpose.classifierValues));
}

/** Mean over heads and rows of −log p(own class). @param logits [N, Σ heads] @param targets One 1 a head in each row, [N, Σ heads]. */
export function crossEntropy(logits: Tensor, targets: Tensor, heads: readonly number[]): Tensor {
  const rows = logits.shape[0]!;
  let start = 0;
  const losses = heads.map((classes) => {
    const of = (t: Tensor) => slice(t, 1, start, start + classes);
    const [own, target] = [of(logits), of(targets)];
    start += classes;
    return mean(sub(reshape(logSumExp(own, 1), [rows]), sum(mul(own, target), [1])));
  });
  return mul(losses.reduce(add), 1 / heads.length);
}

/** One training step as a graph. */
function iteration(network: ImageEncoder, adam: Adam, heads: readonly number[], batch: number): { loss: Tensor } {
  const { imageSize, embedding } = network.options;
  const logits = network.call(input("images", [batch, 3, imageSize, imageSize]), "train");
  network.updateStatistics();
  const loss = crossEntropy(logits, input("targets", [batch, embedding]), heads);
  const variables = network.parameters.entries.map(({ tensor }) => tensor);
  adam.step(grad(loss, variables), input("rate", [2]));
  return { loss };
}

/** Floating-point operations of a training. */
export function classifierOperations(lesson: LessonForm, training: ClassifierTraining): number {
  const network = newClassifier(lesson, training);
  return training.steps * arithmetic(() => iteration(network, new Adam(network.parameters), lesson.heads, training.batch));
}

/**
 * Trains a classifier: a function of the lesson and the training.
 * @param onStep Called after each step.
 * @throws the signal's reason when aborted; NonFiniteError
 */
export async function trainClassifier(
  device: Device,
  lesson: Lesson,
  training: ClassifierTraining,
  onStep: (step: number, loss: number) => void,
  signal: AbortSignal,
): Promise<ImageEncoder> {
  const { dataset, images, heads, labels } = lesson;
  const { steps, batch, shift, seed } = training;
  const network = newClassifier(lesson, training);
  const adam = new Adam(network.parameters);
  const program = await compile(device, () => iteration(network, adam, heads, batch));
  let pending: Promise<void> = Promise.resolve();
  try {
    for (let step = 1; step <= steps; step++) {
      signal.throwIfAborted();
      const random = new RandomStream(seed, StreamPurpose.classifierBatches, step);
      const rows = Uint32Array.from({ length: batch }, () => random.pick(images));
      const result = program.run({
        images: fillImages(dataset, rows, drawViews(dataset, rows, random, { shift })),
        targets: oneHot(rows, heads, labels),
        rate: adam.rate(learningRate(training, step), step),
      });
      // The step before is looked at while this one is computed.
      await pending;
      pending = result.then(({ loss }) => {
        if (!Number.isFinite(loss[0])) throw new NonFiniteError(`a classifier's loss is ${loss[0]} at step ${step}`);
        onStep(step, loss[0]!);
      });
    }
    await pending;
  } finally {
    await pending.catch(() => undefined);
    program.destroy();
  }
  return network;
}

/** Rises over the first tenth of the steps, then falls to 0 along a cosine. */
function learningRate({ steps, learningRate: top }: ClassifierTraining, step: number): number {
  return top * Math.min(1, step / Math.max(1, steps / 10)) * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps));
}

/** A 1 in the columns of each row's classes, one a head: [rows, Σ heads]. */
export function oneHot(rows: Uint32Array, heads: readonly number[], labels: Lesson["labels"]): Float32Array {
  const width = heads.reduce((total, classes) => total + classes, 0);
  const targets = new Float32Array(rows.length * width);
  rows.forEach((image, row) => {
    let start = 0;
    labels(image).forEach((label, head) => {
      targets[row * width + start + label] = 1;
      start += heads[head]!;
    });
  });
  return targets;
}

/**
 * The likeliest class of each row under one head.
 * @param logits [N, Σ heads]
 * @throws NonFiniteError
 */
export function predictions(logits: Float32Array, heads: readonly number[], head: number): Uint32Array {
  requireFinite(logits, "the logits of classes");
  const width = heads.reduce((total, classes) => total + classes, 0);
  const start = heads.slice(0, head).reduce((total, classes) => total + classes, 0);
  return Uint32Array.from({ length: logits.length / width }, (_, row) => {
    const own = logits.subarray(row * width + start, row * width + start + heads[head]!);
    return own.reduce((best, value, i) => (value > own[best]! ? i : best), 0);
  });
}
