/**
 * What a data set is to the rest of petalgrad: images with captions, mostly in classes, a split by classes or images, and an alphabet. Knows
 * neither files nor Node.
 */
import { UserError } from "../errors.js";
import type { Alphabet } from "./alphabet.js";
import type { PetalsAttributes } from "./petals-attributes.js";

/** Something is wrong with a data set or with how it was asked for: the message names the thing and the way out, on one line where it can. */
export class DataError extends UserError {
  override readonly name = "DataError";
}

/** Seen classes, and unseen ones. */
export type SplitName = "train" | "test";

/** A classes-disjoint split: class indices. Classes of a folder that no list names are in neither. */
export type Split = Readonly<Record<SplitName, readonly number[]>>;

/** Something that was left out of a data set while preparing it, and why. */
export interface Skipped {
  /** The file, relative to the data set's folder or archive. */
  readonly file: string;
  readonly reason: string;
}

/** What preparing found. */
export interface PrepareReport {
  /** Images in the data set. */
  readonly images: number;
  /** Captions in the data set. */
  readonly captions: number;
  /** Every image or caption file left out, each with its reason. */
  readonly skipped: readonly Skipped[];
  /** What else a reader should know: where the split comes from, which captions were taken. */
  readonly notes: readonly string[];
}

/**
 * An opened data set. Images, classes and captions are numbered from 0; all of one image's captions are numbered in a row, so that a table
 * with one embedding a caption can be made once and indexed by them.
 */
export interface Dataset {
  /** "petals", "flowers", "birds", or the folder's name. */
  readonly name: string;
  /** Side of the images that batches are made of, in pixels. */
  readonly size: number;
  /** Number of images. */
  readonly images: number;
  /** Number of captions, of all images together. */
  readonly captions: number;
  /** Class names by class index: the folder names of the captions. */
  readonly classes: readonly string[];
  /**
   * True where nobody has put the images into classes. Each image is then a class of its own, named and numbered as the image, so that what
   * draws by class draws uniformly over images; what has a meaning only with classes says so.
   */
  readonly classless?: boolean;
  /** Class indices to train on and to test on. */
  readonly split: Split;
  /** Characters that the captions are written in; made of the training classes' captions. */
  readonly alphabet: Alphabet;
  /** What was skipped when the data set was prepared. */
  readonly report: PrepareReport;
  /** Images of a class, in ascending order. */
  imagesOfClass(classIndex: number): readonly number[];
  /** All images of a split's classes, in ascending order. */
  imagesOfSplit(split: SplitName): readonly number[];
  classOf(image: number): number;
  /** The image's file name without folder and extension. */
  imageName(image: number): string;
  /** Side of the stored image: `size`, or more where a random crop is taken (76 for 64). */
  side(image: number): number;
  /** Stored pixels, side x side x RGB, row by row from the top: a view, not to be written to. */
  pixels(image: number): Uint8Array;
  /** The captions of an image, as written in the file (surrounding blanks removed); at least one. */
  captionsOf(image: number): readonly string[];
  /** Number of the image's first caption; the others follow it. */
  firstCaption(image: number): number;
  /** Text of a caption by its number. */
  caption(index: number): string;
  /** The image a caption belongs to. */
  imageOfCaption(index: number): number;
  /** petals only: everything that is true of an image. */
  readonly attributes?: (image: number) => PetalsAttributes;
}

/** The numbers of all captions of these images. */
export const captionNumbers = (dataset: Dataset, images: readonly number[]): number[] =>
  images.flatMap((image) => dataset.captionsOf(image).map((_, i) => dataset.firstCaption(image) + i));

/** Classes to train on that have images. */
export const trainingClasses = (dataset: Dataset): number[] => dataset.split.train.filter((c) => dataset.imagesOfClass(c).length > 0);

/** What the parts of a data set are called, in tables and messages. */
export const splitName = (split: SplitName, classless = false): string =>
  classless ? { train: "training images", test: "held-out images" }[split] : { train: "training classes", test: "unseen classes" }[split];
