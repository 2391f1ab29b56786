/** What a text encoder is trained on at a step: the rows of one rank, of a batch that all ranks draw alike. */
import { fillCaptions, fillImages } from "../../data/batch.js";
import { CaptionPairSampler } from "../../data/caption-pairs.js";
import { JointSampler, viewsOf } from "../../data/sampler.js";
import type { TextEncoder } from "../../models/text-encoder.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import { fillFeatures } from "./image-features.js";
import type { JointTraining, TextData } from "./joint-training.js";

/** What differs from step to step: the columns of the captions, which are those of the whole batch, and the values of the program's inputs. */
export interface Batch {
  readonly columns: number;
  readonly values: Record<string, ArrayLike<number>>;
}

/** How batches are drawn. */
interface Drawn {
  /** Of a whole batch. */
  readonly rows: number;
  readonly own: { readonly begin: number; readonly end: number };
  readonly text: TextEncoder;
}

/** One image and some captions of each of several classes. */
export function imagesAndCaptions(
  { dataset, symbols, features }: TextData,
  { seed, numCaptions, sentences, mirror, shift, crop, light }: JointTraining,
  classes: readonly number[],
  { rows, own: { begin, end }, text }: Drawn,
): (step: number) => Batch {
  const sampler = new JointSampler(dataset, {
    ...{ batch: rows, seed, classes, captionsPerImage: numCaptions, mirror, shift, crop, light },
    ...(sentences !== null && { sentences }),
    lengthOf: (caption) => symbols.lengthOf(caption, text.options.length),
  });
  return (step) => {
    const { images, captions, views, length } = sampler.batch(step);
    const { columns } = text.window(length);
    const seen = images.subarray(begin, end);
    const texts = captions.subarray(begin * numCaptions, end * numCaptions);
    const index = fillCaptions(dataset, texts, columns, undefined, symbols);
    if (!features) return { columns, values: { images: fillImages(dataset, seen, viewsOf(views, begin, end)), index } };
    const random = new RandomStream(seed, StreamPurpose.textValues, step);
    const view = Uint32Array.from(images, () => random.below(features.views));
    return { columns, values: { images: fillFeatures(features, seen, (row) => view[begin + row]!), index } };
  };
}

/** Two captions of each of several images. */
export function captionPairs(
  { dataset, symbols }: TextData,
  { seed, sentences }: JointTraining,
  images: readonly number[],
  { rows, own: { begin, end }, text }: Drawn,
): (step: number) => Batch {
  const sampler = new CaptionPairSampler(dataset, { batch: rows, seed, images, ...(sentences !== null && { sentences }) });
  const lengthOf = (caption: number): number => symbols.lengthOf(dataset.caption(caption), text.options.length);
  return (step) => {
    const { first, second } = sampler.batch(step);
    const { columns } = text.window(Math.max(0, ...Array.from(first, lengthOf), ...Array.from(second, lengthOf)));
    const captions = Uint32Array.of(...first.subarray(begin, end), ...second.subarray(begin, end));
    return { columns, values: { index: fillCaptions(dataset, captions, columns, undefined, symbols) } };
  };
}
