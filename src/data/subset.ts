/** A part of a data set: some of its images, under their own numbers. */
import type { Dataset } from "./dataset.js";

/** The data set as if its classes had only the images that `keep` says; numbers of images, classes and captions stay what they were. */
export function subset(dataset: Dataset, keep: (image: number) => boolean): Dataset {
  const byClass = dataset.classes.map((_, classIndex) => dataset.imagesOfClass(classIndex).filter(keep));
  const bySplit = { train: dataset.imagesOfSplit("train").filter(keep), test: dataset.imagesOfSplit("test").filter(keep) };
  const { name, size, images, captions, classes, classless = false, split, alphabet, report, attributes } = dataset;
  return {
    ...{ name, size, images, captions, classes, classless, split, alphabet, report },
    ...(attributes && { attributes }),
    imagesOfClass: (classIndex) => byClass[classIndex]!,
    imagesOfSplit: (splitName) => bySplit[splitName],
    classOf: (image) => dataset.classOf(image),
    imageName: (image) => dataset.imageName(image),
    side: (image) => dataset.side(image),
    pixels: (image) => dataset.pixels(image),
    captionsOf: (image) => dataset.captionsOf(image),
    firstCaption: (image) => dataset.firstCaption(image),
    caption: (index) => dataset.caption(index),
    imageOfCaption: (index) => dataset.imageOfCaption(index),
  };
}
