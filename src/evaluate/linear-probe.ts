/** What one linear layer can tell from vectors: softmax regression, trained by Adam on vectors of which each element has deviation 1. */
import { grad } from "../autograd/grad.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import type { Device } from "../gpu/device.js";
import { add } from "../tensor/elementwise.js";
import { compile } from "../tensor/compile.js";
import { linear } from "../tensor/matmul.js";
import { Adam } from "../tensor/optimizers.js";
import { input } from "../tensor/tensor.js";
import { Store } from "../tensor/variables.js";
import { joined, RowProgram } from "../tensor/rows.js";
import { crossEntropy, oneHot, predictions } from "./classifier.js";

/** Vectors, [N, size], and the class of each, from 0. */
export interface Labelled {
  readonly vectors: Float32Array;
  readonly labels: readonly number[];
}

const TRAINING = { steps: 1500, batch: 64, learningRate: 0.01 } as const;

/**
 * Learns the classes of some vectors and tells those of others.
 * @returns share of the others whose class was told right
 * @throws the signal's reason when aborted
 */
export async function linearProbe(
  device: Device,
  taught: Labelled,
  asked: Labelled,
  { size, classes, seed }: { readonly size: number; readonly classes: number; readonly seed: number },
  signal: AbortSignal,
): Promise<number> {
  const { steps, batch, learningRate } = TRAINING;
  const standardise = standardisation(taught.vectors, size);
  const store = new Store("probe");
  const weight = store.variable("weight", [classes, size], undefined, [1, 0]);
  const bias = store.variable("bias", [classes]);
  const adam = new Adam(store);
  const logits = () => add(linear(input("vectors", [batch, size]), weight), bias);
  const learning = await compile(device, () => {
    const loss = crossEntropy(logits(), input("targets", [batch, classes]), [classes]);
    adam.step(grad(loss, [weight, bias]), input("rate", [2]));
    return { loss };
  });
  const vectors = standardise(taught.vectors);
  try {
    for (let step = 1; step <= steps; step++) {
      signal.throwIfAborted();
      const random = new RandomStream(seed, StreamPurpose.probeBatches, step);
      const rows = Uint32Array.from({ length: batch }, () => random.below(taught.labels.length));
      await learning.run({
        vectors: joined(Array.from(rows, (row) => vectors.subarray(row * size, (row + 1) * size))),
        targets: oneHot(rows, [classes], (row) => [taught.labels[row]!]),
        rate: adam.rate(learningRate * (1 - (step - 1) / steps), step),
      });
    }
  } finally {
    learning.destroy();
  }
  const telling = await RowProgram.compile(device, batch, logits);
  const told = await telling.run({ vectors: standardise(asked.vectors) }, asked.labels.length);
  telling.destroy();
  const right = predictions(told, [classes], 0).filter((label, i) => label === asked.labels[i]).length;
  return right / asked.labels.length;
}

/** Takes from each element its mean over these vectors, and divides by its deviation. */
function standardisation(vectors: Float32Array, size: number): (values: Float32Array) => Float32Array {
  const count = vectors.length / size;
  const mean = new Float64Array(size);
  const variance = new Float64Array(size);
  vectors.forEach((value, i) => (mean[i % size]! += value / count));
  vectors.forEach((value, i) => (variance[i % size]! += (value - mean[i % size]!) ** 2 / count));
  return (values) => values.map((value, i) => (value - mean[i % size]!) / Math.sqrt(variance[i % size]! + 1e-12));
}
