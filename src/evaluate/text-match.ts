/** Does an image show what its caption says: R-precision, and on petals the attributes that a network reads in it. */
import type { Dataset } from "../data/dataset.js";
import { attributesNamed } from "../data/petals-captions.js";
import { predictions } from "./classifier.js";
import { READER_HEADS } from "./lessons.js";
import { otherCaptions, rivals } from "./pictures.js";
import { rPrecision } from "../metrics/r-precision.js";
import type { Value } from "./report.js";

/** The pools' sizes: an image's own caption and so many others less one. */
const POOLS = [10, 100] as const;

/**
 * R-precision in each pool for which there are captions enough.
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

/** What guessing would get, where there are rivals enough. */
export const textMatchByChance = (dataset: Dataset, captions: readonly number[]): Record<string, Value> =>
  Object.fromEntries(
    POOLS.filter((pool) => pool <= 1 + rivals(dataset, captions)).map((pool) => [`rPrecision${pool}`, { value: 1 / pool }]),
  );

/** What a reader should know of these captions: that there are too few for a pool. */
export function textMatchNotes(dataset: Dataset, captions: readonly number[]): string[] {
  const count = rivals(dataset, captions);
  return POOLS.filter((pool) => pool > 1 + count).map(
    (pool) =>
      `"own caption first among ${pool}" is not measured: of the captions drawn, each has ${count} different ones of other ${dataset.classless ? "images" : "classes"} beside it, and ${pool - 1} are wanted.`,
  );
}

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
      if (values[read[i]!] === named[attribute]) hits++;
    });
    if (of > 0) result[attribute] = { value: hits / of };
  });
  return result;
}
