/**
 * R-precision (Xu et al. 2018, section 4): how often an image's own caption is the nearest, by cosine, among itself and captions of other
 * images. Chance is 1 / (others + 1).
 */
import { requireFinite } from "./finite.js";

/**
 * Share of images whose own caption scores highest; t captions that share the first place count 1/t each, so that equal features give chance.
 * @param images [N, size]
 * @param own The images' own captions, [N, size].
 * @param candidates Captions to choose the others from, [M, size].
 * @param others For each image, rows of `candidates` that compete with its own caption.
 * @throws NonFiniteError
 */
export function rPrecision(
  images: Float32Array,
  own: Float32Array,
  candidates: Float32Array,
  others: readonly (readonly number[])[],
  size: number,
): number {
  requireFinite(images, "the embeddings of images");
  for (const captions of [own, candidates]) requireFinite(captions, "the embeddings of captions");
  let hits = 0;
  others.forEach((rows, i) => {
    const target = cosine(images, i, own, i, size);
    let ties = 1;
    let beaten = false;
    for (const row of rows) {
      const score = cosine(images, i, candidates, row, size);
      if (score > target) beaten = true;
      if (score === target) ties++;
    }
    if (!beaten) hits += 1 / ties;
  });
  return hits / others.length;
}

/** Cosine of row i of a and row j of b, each [·, size]; 0 where one of them is zero. */
export function cosine(a: Float32Array, i: number, b: Float32Array, j: number, size: number): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let d = 0; d < size; d++) {
    const [x, y] = [a[i * size + d]!, b[j * size + d]!];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}
