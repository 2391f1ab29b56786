/**
 * The unseen classes, learnt from drawn images (what the paper's supplement, section 2, calls zero-shot classification): a classifier that
 * has seen only drawn images of these classes tells real images of them apart. One trained on real images of them, the others of each
 * class, is the figure beside.
 */
import type { Dataset } from "../data/dataset.js";
import { PackedDataset, type PreparedImage } from "../data/packed.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import type { Device } from "../gpu/device.js";
import { type ClassifierTraining, type Lesson, predictions, trainClassifier } from "./classifier.js";
import { Observer } from "./observer.js";
import { alone, type Sharing } from "../tensor/sharing.js";
import { type Parts, realImages } from "./pictures.js";

export interface DrawnClassesSettings {
  readonly training: ClassifierTraining;
  /** Images drawn of each class. */
  readonly perClass: number;
}

export const DRAWN_CLASSES: DrawnClassesSettings = {
  training: { steps: 300, batch: 32, learningRate: 2e-3, width: 16, shift: 4, seed: 2 ** 40 + 1 },
  perClass: 60,
};

/** The unseen classes and their real images: half to learn from (for the figure beside), half to be told apart. */
export interface DrawnClassesTask {
  readonly dataset: Dataset;
  /** Class indices. */
  readonly classes: readonly number[];
  readonly learnt: readonly number[];
  readonly asked: readonly number[];
}

/** @returns undefined where fewer than two classes are unseen, or there are no classes */
export function drawnClassesTask(dataset: Dataset): DrawnClassesTask | undefined {
  if (dataset.classless) return undefined;
  const classes = dataset.split.test.filter((c) => dataset.imagesOfClass(c).length >= 2);
  if (classes.length < 2) return undefined;
  const part = (parity: number) => classes.flatMap((c) => dataset.imagesOfClass(c).filter((_, i) => i % 2 === parity));
  return { dataset, classes, learnt: part(0), asked: part(1) };
}

/** Captions to draw, `perClass` of each class, class by class. */
export function drawnCaptions({ dataset, classes }: DrawnClassesTask, perClass: number, seed: number): number[] {
  return classes.flatMap((c) => {
    const random = new RandomStream(seed, StreamPurpose.drawnClasses, c);
    return Array.from({ length: perClass }, () => {
      const image = random.pick(dataset.imagesOfClass(c));
      return dataset.firstCaption(image) + random.below(dataset.captionsOf(image).length);
    });
  });
}

/**
 * The lesson of drawn images, `perClass` of each class, class by class; as bytes, as a PNG would hold them.
 * @param share Who draws which of the parts.
 */
export async function drawnLesson(task: DrawnClassesTask, parts: Parts, perClass: number, share: Sharing = alone): Promise<Lesson> {
  const { dataset, classes } = task;
  const { size } = dataset;
  const images: PreparedImage[] = classes.flatMap((_, classIndex) =>
    Array.from({ length: perClass }, (__, i) => ({ name: `${classIndex}-${i}`, classIndex, side: size, captions: ["drawn"] })),
  );
  const plane = size * size;
  const pixels = new Uint8Array(images.length * 3 * plane);
  const bytes = await share("images of unseen classes drawn", parts.count, async (number) => {
    const part = await parts.at(number);
    const own = new Uint8Array(part.length);
    for (let i = 0; i < part.length / (3 * plane); i++)
      for (let c = 0; c < 3; c++)
        for (let at = 0; at < plane; at++)
          own[3 * (i * plane + at) + c] = Math.round(127.5 * (Math.min(1, Math.max(-1, part[(3 * i + c) * plane + at]!)) + 1));
    return own;
  });
  bytes.reduce((at, part) => (pixels.set(part, at), at + part.length), 0);
  const drawn = new PackedDataset({
    ...{ name: "drawn", size, classes: classes.map((c) => dataset.classes[c]!), split: { train: classes.map((_, i) => i), test: [] } },
    ...{ alphabet: dataset.alphabet, images, pixels },
    report: { images: images.length, captions: images.length, skipped: [], notes: [] },
  });
  return { dataset: drawn, images: images.map((_, i) => i), heads: [classes.length], labels: (image) => [drawn.classOf(image)] };
}

/** The lesson of real images of the unseen classes. */
export function realLesson({ dataset, classes, learnt }: DrawnClassesTask): Lesson {
  return { dataset, images: learnt, heads: [classes.length], labels: (image) => [classes.indexOf(dataset.classOf(image))] };
}

/** Trains on the lesson. @returns the share of the task's real images whose class is found */
export async function drawnClassesAccuracy(
  device: Device,
  task: DrawnClassesTask,
  lesson: Lesson,
  training: ClassifierTraining,
  onStep: (step: number) => void,
  signal: AbortSignal,
): Promise<number> {
  const network = await trainClassifier(device, lesson, training, onStep, signal);
  const observer = await Observer.create(device, network);
  try {
    let [hits, done] = [0, 0];
    for (const images of realImages(task.dataset, task.asked)) {
      const found = predictions((await observer.observe(images)).outputs, lesson.heads, 0);
      for (const place of found) if (task.classes[place] === task.dataset.classOf(task.asked[done++]!)) hits++;
    }
    return hits / done;
  } finally {
    observer.destroy();
  }
}
