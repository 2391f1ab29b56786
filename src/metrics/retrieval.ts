/**
 * Measures of a joint embedding of texts and images on classes it was not trained on (Reed et al. 2016, "Learning Deep Representations",
 * section 5): zero-shot classification and retrieval by classes, by how many sentences describe a class (their figure 4), and which caption
 * belongs to which image. Pure functions of embeddings. Ties count against the embedding.
 */
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import { classMeans, dotProducts, type Embedded, normalizeEmbeddings, scoreZeroShot, type ZeroShot } from "../train/text/zero-shot.js";
import type { Similarity } from "../train/text/objectives.js";
import { requireFinite } from "./finite.js";

/** Ranks looked at. */
export const RANKS = [1, 5, 10] as const;

/** Share of the queries that find what belongs to them among the first 1, 5, 10. */
export type Recall = Readonly<Record<(typeof RANKS)[number], number>>;

/** Zero-shot measures where each class is described by so many of its captions; the mean over draws of them. */
export interface BySentences extends ZeroShot {
  readonly sentences: number;
  /** Standard deviation of top-1 over the draws; 0 where all captions are taken. */
  readonly deviation: number;
}

export interface Task {
  readonly images: Embedded;
  readonly texts: Embedded;
  /** Number of classes. */
  readonly classes: number;
  /** Length of an embedding. */
  readonly size: number;
  readonly similarity: Similarity;
}

/** 1, 2, 4, 8 ... below the number of captions of the class that has fewest. */
export function sentenceCounts({ texts, classes }: Pick<Task, "texts" | "classes">): number[] {
  const least = Math.min(...captionsByClass(texts, classes).map((rows) => rows.length));
  return Array.from({ length: Math.ceil(Math.log2(least)) }, (_, i) => 2 ** i);
}

/**
 * Zero-shot measures by the number of sentences of a class, drawn at random; the last entry takes all of them, which is the paper's protocol.
 * @param draws Of each number of sentences.
 */
export function bySentences(task: Task, { draws = 10, seed = 1 } = {}): BySentences[] {
  const { classes, size } = task;
  requireFinite(task.images.values, "the embeddings of images");
  requireFinite(task.texts.values, "the embeddings of captions");
  const unit = unitRows(task);
  const images = unit(task.images.values);
  const texts = unit(task.texts.values);
  const rows = captionsByClass(task.texts, classes);
  const measure = (chosen: readonly (readonly number[])[]): ZeroShot => {
    const picked = chosen.flat();
    const values = new Float32Array(picked.length * size);
    picked.forEach((row, i) => values.set(texts.subarray(row * size, (row + 1) * size), i * size));
    const means = unit(classMeans({ values, classes: chosen.flatMap((some, c) => some.map(() => c)) }, classes, size));
    return scoreZeroShot(dotProducts(images, means, size), task.images.classes, classes);
  };
  const drawn = sentenceCounts(task).map((sentences): BySentences => {
    const results = Array.from({ length: draws }, (_, draw) => {
      const random = new RandomStream(seed, StreamPurpose.sentences, sentences, draw);
      return measure(rows.map((all) => random.shuffle([...all], sentences).slice(0, sentences)));
    });
    const mean = (key: keyof ZeroShot) => results.reduce((sum, result) => sum + result[key], 0) / draws;
    const variance = results.reduce((sum, { top1 }) => sum + (top1 - mean("top1")) ** 2, 0) / Math.max(1, draws - 1);
    return { sentences, top1: mean("top1"), ap50: mean("ap50"), deviation: Math.sqrt(variance) };
  });
  const most = Math.max(...rows.map((all) => all.length));
  return [...drawn, { sentences: most, ...measure(rows), deviation: 0 }];
}

/**
 * Retrieval of single images and captions.
 * @param images [N, size]
 * @param captions [M, size]
 * @param imageOf The row in `images` that each caption belongs to; every image must have one.
 */
export function instanceRecall(
  images: Float32Array,
  captions: Float32Array,
  imageOf: ArrayLike<number>,
  { size, similarity }: Pick<Task, "size" | "similarity">,
): { captionToImage: Recall; imageToCaption: Recall } {
  requireFinite(images, "the embeddings of images");
  requireFinite(captions, "the embeddings of captions");
  const unit = unitRows({ similarity, size });
  const [a, b] = [unit(images), unit(captions)];
  const [n, m] = [images.length / size, captions.length / size];
  const own = new Float32Array(m);
  for (let j = 0; j < m; j++) own[j] = dotProducts(a.subarray(imageOf[j]! * size, (imageOf[j]! + 1) * size), row(b, j, size), size)[0]!;
  // How many others fit as well or better: images for each caption, captions of other images for each image.
  const before = { caption: new Uint32Array(m), image: new Uint32Array(n) };
  for (let i = 0; i < n; i++) {
    const scores = dotProducts(row(a, i, size), b, size);
    let best = -Infinity;
    for (let j = 0; j < m; j++) if (imageOf[j] === i) best = Math.max(best, scores[j]!);
    for (let j = 0; j < m; j++) {
      if (imageOf[j] === i) continue;
      if (scores[j]! >= best) before.image[i]!++;
      if (scores[j]! >= own[j]!) before.caption[j]!++;
    }
  }
  return { captionToImage: recallOf(before.caption), imageToCaption: recallOf(before.image) };
}

/** Which of the second captions belongs to each of the first ones: row i to row i. [N, size] each. */
export function pairRecall(first: Float32Array, second: Float32Array, task: Pick<Task, "size" | "similarity">): Recall {
  const rows = Uint32Array.from({ length: first.length / task.size }, (_, i) => i);
  return instanceRecall(second, first, rows, task).captionToImage;
}

/** What guessing gets. */
export const chance = {
  zeroShot: (classes: number): ZeroShot => ({ top1: 1 / classes, ap50: 1 / classes }),
  captionToImage: (images: number): Recall => recalls((k) => Math.min(1, k / images)),
  /** One of `own` captions among the first k of `captions`. */
  imageToCaption: (own: number, captions: number): Recall =>
    recalls(
      (k) =>
        1 -
        Array.from({ length: Math.min(k, captions) }, (_, i) => Math.max(0, captions - own - i) / (captions - i)).reduce(
          (a, b) => a * b,
          1,
        ),
    ),
};

/** The most that AP@50 can be where classes have fewer than 50 images. */
export function mostAp50({ images, classes }: Pick<Task, "images" | "classes">): number {
  const counts = captionsByClass(images, classes).map((rows) => Math.min(50, rows.length) / 50);
  return counts.reduce((a, b) => a + b, 0) / classes;
}

const recalls = (at: (k: number) => number): Recall => ({ 1: at(1), 5: at(5), 10: at(10) });

const recallOf = (before: Uint32Array): Recall => recalls((k) => before.filter((others) => others < k).length / before.length);

const row = (values: Float32Array, i: number, size: number): Float32Array => values.subarray(i * size, (i + 1) * size);

const unitRows =
  ({ similarity, size }: Pick<Task, "size" | "similarity">) =>
  (values: Float32Array): Float32Array =>
    similarity === "cosine" ? normalizeEmbeddings(values.slice(), size) : values;

/** Rows of each class. */
function captionsByClass({ classes }: Pick<Embedded, "classes">, count: number): number[][] {
  const rows = Array.from({ length: count }, (): number[] => []);
  for (let i = 0; i < classes.length; i++) rows[classes[i]!]!.push(i);
  return rows;
}
