/**
 * What the networks that look are taught. A fifth of each class's images is held out from all of them, so that the real images' own figures
 * can be taken on images not learnt by heart; the text-image encoder and the reader of attributes never see the unseen classes.
 */
import type { Dataset } from "../data/dataset.js";
import { CENTRE_COLOURS, PETAL_COLOURS, PETAL_COUNTS } from "../data/petals-attributes.js";
import type { Lesson } from "./classifier.js";

/** One image in so many of each class is held out; of all of them where there are no classes. */
const HELD_OUT = 5;

/** True for the images that none of these networks is trained on. */
export function isHeldOut(dataset: Dataset): (image: number) => boolean {
  if (dataset.classless) return (image) => image % HELD_OUT === HELD_OUT - 1;
  const held = new Set(dataset.classes.flatMap((_, c) => dataset.imagesOfClass(c).filter((_, i) => i % HELD_OUT === HELD_OUT - 1)));
  return (image) => held.has(image);
}

/** The classes of an image of petals under the reader's heads. */
export const READER_HEADS = [
  { attribute: "petalColour", values: PETAL_COLOURS },
  { attribute: "petalCount", values: PETAL_COUNTS },
  { attribute: "centreColour", values: CENTRE_COLOURS },
] as const;

/** The classes of the data set, by the images that are not held out. */
export function classLesson(dataset: Dataset): Lesson {
  const held = isHeldOut(dataset);
  const images = dataset.classes.flatMap((_, c) => dataset.imagesOfClass(c).filter((image) => !held(image)));
  return { dataset, images, heads: [dataset.classes.length], labels: (image) => [dataset.classOf(image)] };
}

/** What a reader of images with attributes is to learn: all of them. */
export function readerLesson(dataset: Dataset): Lesson {
  const labels = (image: number) => {
    const { named } = dataset.attributes!(image);
    return READER_HEADS.map(({ attribute, values }) => (values as readonly unknown[]).indexOf(named[attribute]));
  };
  const images = Array.from({ length: dataset.images }, (_, image) => image);
  return { dataset, images, heads: READER_HEADS.map(({ values }) => values.length), labels };
}
