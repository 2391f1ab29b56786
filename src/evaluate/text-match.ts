/** Does an image show what its caption says: R-precision, and on petals the attributes that a network reads in it. */
import type { Dataset } from "../data/dataset.js";
import { attributesNamed } from "../data/petals-captions.js";
import { predictions } from "./classifier.js";
import { READER_HEADS } from "./networks.js";
import { otherCaptions } from "./pictures.js";
import { rPrecision } from "./r-precision.js";
import type { Value } from "./report.js";

/** The pools' sizes: an image's own caption and so many others less one. */
const POOLS = [10, 100] as const;

/**
 * @param images The images' embeddings, [N, size].
 * @param texts Their captions' embeddings, [N, size].
 * @param captions The captions' numbers, [N].
 */
export function textMatch(
  dataset: Dataset,
  images: Float32Array,
  texts: Float32Array,
  captions: readonly number[],
  size: number,
  seed: number,
): Record<string, Value> {
  return Object.fromEntries(
    POOLS.flatMap((pool) => {
      const others = otherCaptions(dataset, captions, pool - 1, seed);
      return others ? [[`rPrecision${pool}`, { value: rPrecision(images, texts, texts, others, size) }]] : [];
    }),
  );
}

/** What guessing would get. */
export const textMatchByChance = (): Record<string, Value> =>
  Object.fromEntries(POOLS.map((pool) => [`rPrecision${pool}`, { value: 1 / pool }]));

/**
 * How often the reader sees in an image what its caption names.
 * @param logits The reader's, [N, Σ heads].
 * @param captions The captions' numbers, [N].
 */
export function attributesRight(dataset: Dataset, logits: Float32Array, captions: readonly number[]): Record<string, Value> {
  const heads = READER_HEADS.map(({ values }) => values.length);
  const result: Record<string, Value> = {};
  READER_HEADS.forEach(({ attribute, values }, head) => {
    const read = predictions(logits, heads, head);
    let [hits, of] = [0, 0];
    captions.forEach((caption, i) => {
      const { named } = dataset.attributes!(dataset.imageOfCaption(caption));
      if (!attributesNamed(dataset.caption(caption), named)[attribute]) return;
      of++;
      if (values[read[i]] === named[attribute]) hits++;
    });
    if (of > 0) result[attribute] = { value: hits / of };
  });
  return result;
}
