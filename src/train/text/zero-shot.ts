/**
 * Zero-shot measures of a joint embedding (Reed et al. 2016, "Learning Deep Representations", section 5, in the protocol of the authors'
 * code): a class is the mean of its captions' embeddings.
 */
import type { Similarity } from "./objectives.js";

/** Rows of a matrix [N, size], and the class of each. */
export interface Embedded {
  readonly values: Float32Array;
  /** Class of each row: 0, 1, ... */
  readonly classes: ArrayLike<number>;
}

export interface ZeroShot {
  /** Share of the images whose own class is the one that fits best. A tie does not count. */
  readonly top1: number;
  /** Share of a class's 50 best fitting images that are of it, the mean over the classes. */
  readonly ap50: number;
}

/** Images looked at for a class in `ap50`. */
const FIRST = 50;

/** Rows of length one, in place. @param values [N, size] */
export function normalizeEmbeddings(values: Float32Array, size: number): Float32Array {
  for (let row = 0; row < values.length; row += size) {
    let square = 0;
    for (let d = 0; d < size; d++) square += values[row + d]! ** 2;
    const scale = 1 / Math.sqrt(square + 1e-24);
    for (let d = 0; d < size; d++) values[row + d]! *= scale;
  }
  return values;
}

/** Means of the rows of each class: [classes, size]. Every class must have a row. */
export function classMeans({ values, classes }: Embedded, count: number, size: number): Float32Array {
  const means = new Float32Array(count * size);
  const rows = new Float64Array(count);
  for (let row = 0; row < classes.length; row++) {
    rows[classes[row]!]!++;
    for (let d = 0; d < size; d++) means[classes[row]! * size + d]! += values[row * size + d]!;
  }
  means.forEach((_, i) => (means[i]! /= rows[Math.floor(i / size)]!));
  return means;
}

/** Dot products of the rows of a [N, size] with those of b [M, size]: [N, M]. */
export function dotProducts(a: Float32Array, b: Float32Array, size: number): Float32Array {
  const [n, m] = [a.length / size, b.length / size];
  const out = new Float32Array(n * m);
  for (let i = 0; i < n; i++) {
    const row = a.subarray(i * size, (i + 1) * size);
    for (let j = 0; j < m; j++) {
      let total = 0;
      for (let d = 0, at = j * size; d < size; d++, at++) total += row[d]! * b[at]!;
      out[i * m + j] = total;
    }
  }
  return out;
}

/**
 * @param images Embeddings of the images, of classes 0 ... count − 1.
 * @param texts Embeddings of captions; at least one of each class.
 * @param size Length of an embedding.
 */
export function zeroShot(images: Embedded, texts: Embedded, count: number, size: number, similarity: Similarity): ZeroShot {
  const unit = (values: Float32Array) => (similarity === "cosine" ? normalizeEmbeddings(values.slice(), size) : values);
  const means = unit(classMeans({ ...texts, values: unit(texts.values) }, count, size));
  return scoreZeroShot(dotProducts(unit(images.values), means, size), images.classes, count);
}

/** The same from scores [images, classes]. */
export function scoreZeroShot(scores: Float32Array, classes: ArrayLike<number>, count: number): ZeroShot {
  const images = classes.length;
  let hits = 0;
  for (let i = 0; i < images; i++) {
    const row = scores.subarray(i * count, (i + 1) * count);
    const own = row[classes[i]!]!;
    if (row.every((score, c) => c === classes[i] || score < own)) hits++;
  }
  let found = 0;
  for (let c = 0; c < count; c++) {
    const order = Array.from({ length: images }, (_, i) => i).sort((a, b) => scores[b * count + c]! - scores[a * count + c]!);
    found += order.slice(0, FIRST).filter((i) => classes[i] === c).length / FIRST;
  }
  return { top1: hits / images, ap50: found / count };
}
