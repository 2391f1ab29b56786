/**
 * Which images and captions make up batch t: a pure function of (seed, t), so that a resumed run draws what an uninterrupted one would have
 * drawn.
 */
import { CAPTION_LENGTH, encodedLength } from "./alphabet.js";
import type { Parts, Views } from "./batch.js";
import { DataError, type Dataset, type SplitName } from "./dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import { differingImages, mismatchingPlace, requireRivals } from "./unclassed.js";

/**
 * A batch of the GAN: for each row an image, its captions, and the mismatching pair's other half, taken from another class; where there are
 * no classes, an image none of whose captions the row's image has.
 */
export interface PairBatch {
  /** The matching images, [batch]. */
  readonly images: Uint32Array;
  /** Their captions' numbers, [batch, captionsPerImage] row by row; to be averaged over a row. */
  readonly captions: Uint32Array;
  /** Images of another class than the row's, [batch]. */
  readonly wrong: Uint32Array;
  /** Captions of the wrong images, [batch, captionsPerImage]: for the form of GAN-CLS whose mismatching pair is a real image with a wrong text. */
  readonly wrongCaptions: Uint32Array;
  readonly captionsPerImage: number;
  /** Where each image is cropped, and whether it is mirrored. */
  readonly views: Views;
  readonly wrongViews: Views;
}

/** What a batch of the GAN is drawn from. */
export interface PairSamplerOptions {
  /** Rows of a batch. */
  readonly batch: number;
  readonly seed: number;
  readonly split?: SplitName;
  /** Captions drawn for each image, whose embeddings are averaged: 4 as in the original program (default), 1 as in the paper. */
  readonly captionsPerImage?: number;
  /** Draw them without replacement, as the original program does for MS-COCO (default false); an image with fewer gives each equally often. */
  readonly differentCaptions?: boolean;
  /** Mirror half of the images (default true). */
  readonly mirror?: boolean;
  /** Whether the mismatching half is used (default true): without, one class is enough, which then stands in for the other. */
  readonly mismatch?: boolean;
}

/**
 * Batches for GAN training (Reed et al. 2016, section 4.2, algorithm 1), class-balanced as in the original program: each row draws two different
 * classes uniformly, then one image uniformly in each. Without classes it draws two images uniformly, whose captions differ.
 */
export class PairSampler {
  readonly #classes: readonly number[];
  readonly #captionsPerImage: number;
  readonly #dataset: Dataset;
  readonly #options: PairSamplerOptions;

  /**
   * @throws DataError where the split has fewer than two classes (without mismatch: none), or an image that mismatches none; RangeError for a
   * batch or a number of captions below 1.
   */
  constructor(dataset: Dataset, options: PairSamplerOptions) {
    this.#dataset = dataset;
    this.#options = options;
    requirePositive("batch", options.batch);
    this.#captionsPerImage = options.captionsPerImage ?? 4;
    requirePositive("captionsPerImage", this.#captionsPerImage);
    this.#classes = usableClasses(dataset, options.split ?? "train", options.mismatch === false ? 1 : 2);
    if (dataset.classless && options.mismatch !== false) requireRivals(dataset, this.#classes);
  }

  /** Batch number `step`. */
  batch(step: number): PairBatch {
    const { batch, seed, mirror = true, differentCaptions: different = false } = this.#options;
    const perImage = this.#captionsPerImage;
    const draw = different ? drawDifferentCaptions : drawCaptions;
    const random = new RandomStream(seed, StreamPurpose.pairBatch, step);
    const images = new Uint32Array(batch);
    const wrong = new Uint32Array(batch);
    const captions = new Uint32Array(batch * perImage);
    const wrongCaptions = new Uint32Array(batch * perImage);
    const unclassed = this.#dataset.classless === true && this.#options.mismatch !== false;
    for (let row = 0; row < batch; row++) {
      const first = random.below(this.#classes.length);
      // One of the other classes, where there are any: step over the first.
      const second = unclassed
        ? mismatchingPlace(this.#dataset, this.#classes, first, random)
        : (first + 1 + random.below(Math.max(1, this.#classes.length - 1))) % this.#classes.length;
      images[row] = random.pick(this.#dataset.imagesOfClass(this.#classes[first]!));
      wrong[row] = random.pick(this.#dataset.imagesOfClass(this.#classes[second]!));
      draw(this.#dataset, images[row]!, random, captions, row * perImage, perImage);
      draw(this.#dataset, wrong[row]!, random, wrongCaptions, row * perImage, perImage);
    }
    const views = drawViews(this.#dataset, images, random, { mirror });
    const wrongViews = drawViews(this.#dataset, wrong, random, { mirror });
    return { images, captions, wrong, wrongCaptions, captionsPerImage: perImage, views, wrongViews };
  }
}

/** Rows `begin` to before `end` of a batch. */
export function rowsOf(batch: PairBatch, begin: number, end: number): PairBatch {
  const { captionsPerImage: per } = batch;
  return {
    images: batch.images.slice(begin, end),
    captions: batch.captions.slice(begin * per, end * per),
    wrong: batch.wrong.slice(begin, end),
    wrongCaptions: batch.wrongCaptions.slice(begin * per, end * per),
    captionsPerImage: per,
    views: viewsOf(batch.views, begin, end),
    wrongViews: viewsOf(batch.wrongViews, begin, end),
  };
}

/** The same rows of views. */
export function viewsOf({ x, y, mirror, part, light }: Views, begin: number, end: number): Views {
  return {
    ...{ x: x.slice(begin, end), y: y.slice(begin, end), mirror: mirror.slice(begin, end) },
    ...(part && { part: { left: part.left.slice(begin, end), top: part.top.slice(begin, end), side: part.side.slice(begin, end) } }),
    ...(light && { light: light.slice(begin, end) }),
  };
}

/** A batch of the joint embedding: row i is of class i of `classes`, all different; each row's captions belong to the row's image. */
export interface JointBatch {
  /** Class indices, [batch]. */
  readonly classes: Uint32Array;
  /** Images, [batch]. */
  readonly images: Uint32Array;
  /** Caption numbers, [batch, captionsPerImage] row by row. */
  readonly captions: Uint32Array;
  readonly views: Views;
  /** Symbols of the longest caption in the batch: all columns from here on are zero in every row. */
  readonly length: number;
}

/** How images are varied in training. */
export interface Augmentation {
  /** Mirror half of the images (default true). */
  readonly mirror?: boolean;
  /** Images without a margin to crop from are shifted by up to this many pixels in x and y, their edges repeated (default 0). */
  readonly shift?: number;
  /** The least side of the square that is taken of an image and enlarged, as a share of the whole (default 1: all of it). */
  readonly crop?: number;
  /** The brightness is multiplied by up to 1 ± this: captions stay true, as hues stay (default 0). */
  readonly light?: number;
}

/** What a batch of the joint embedding is drawn from. */
export interface JointSamplerOptions extends Augmentation {
  /** Rows of a batch: as many different classes, or images where there are none. */
  readonly batch: number;
  readonly seed: number;
  /** Classes to draw from (default: those of the training split). */
  readonly classes?: readonly number[];
  /** Captions of each row's image (default 1). */
  readonly captionsPerImage?: number;
  /** Only the first so many captions of an image are drawn (default: all). */
  readonly sentences?: number;
  /** Symbols that a caption takes (default: its characters). */
  readonly lengthOf?: (caption: string) => number;
  /** Draw captions of similar length for one batch, so that its common zero tail can be trimmed (default true). Each caption stays as likely as without. */
  readonly groupByLength?: boolean;
}

/** Half-width, in quantiles of a class's caption lengths, of the window from which a length-grouped batch is drawn. */
const LENGTH_WINDOW = 0.08;

/**
 * Batches for the joint embedding of images and texts (Reed et al. 2016, "Learning Deep Representations ...", section 4): one image and one
 * caption of each of `batch` classes. Without classes: of `batch` images that have no caption in common, where there are so many.
 */
export class JointSampler {
  readonly #classes: readonly number[];
  readonly #lengths: Uint16Array;
  /** For the class at a place of `#classes`. */
  readonly #byLength: (place: number) => CaptionsByLength;
  readonly #dataset: Dataset;
  readonly #options: JointSamplerOptions;

  /** @throws DataError where the split has fewer classes than the batch has rows. */
  constructor(dataset: Dataset, options: JointSamplerOptions) {
    this.#dataset = dataset;
    this.#options = options;
    requirePositive("batch", options.batch);
    requirePositive("captionsPerImage", options.captionsPerImage ?? 1);
    this.#classes = usableClasses(dataset, options.classes ?? "train", options.batch);
    this.#lengths = captionLengths(dataset, options.lengthOf);
    const sorted = (classIndex: number) => captionsByLength(dataset, classIndex, this.#lengths, options.sentences);
    const kept = dataset.classless ? undefined : this.#classes.map(sorted);
    // An image's few captions are sorted when it is drawn: there may be a hundred thousand images.
    this.#byLength = (place) => kept?.[place] ?? sorted(this.#classes[place]!);
  }

  /** Batch number `step`. */
  batch(step: number): JointBatch {
    const { batch, seed, captionsPerImage: perImage = 1, sentences = Infinity, groupByLength = true } = this.#options;
    const random = new RandomStream(seed, StreamPurpose.jointBatch, step);
    const chosen = this.#dataset.classless
      ? differingImages(this.#dataset, this.#classes, batch, random)
      : random.shuffle([...this.#classes.keys()], batch);
    const classes = new Uint32Array(batch);
    const images = new Uint32Array(batch);
    const captions = new Uint32Array(batch * perImage);
    // Uniform centre plus a symmetric offset, reflected at 0 and 1, is uniform again: grouping favours no caption.
    const centre = random.uniform();
    let length = 0;
    for (let row = 0; row < batch; row++) {
      const quantile = groupByLength ? reflect(centre + random.between(-LENGTH_WINDOW, LENGTH_WINDOW)) : random.uniform();
      const { captions: sorted, cumulative } = this.#byLength(chosen[row]!);
      const caption = sorted[firstAbove(cumulative, quantile)]!;
      classes[row] = this.#classes[chosen[row]!]!;
      const image = this.#dataset.imageOfCaption(caption);
      images[row] = image;
      captions[row * perImage] = caption;
      for (let i = 1; i < perImage; i++) {
        captions[row * perImage + i] =
          this.#dataset.firstCaption(image) + random.below(Math.min(sentences, this.#dataset.captionsOf(image).length));
      }
    }
    captions.forEach((caption) => (length = Math.max(length, this.#lengths[caption]!)));
    return { classes, images, captions, views: drawViews(this.#dataset, images, random, this.#options), length };
  }
}

/** A class's captions by ascending length, and the share of draws that fall on each or one before it. */
interface CaptionsByLength {
  readonly captions: Uint32Array;
  readonly cumulative: Float64Array;
}

/** Columns each caption takes when encoded, by caption number. */
export function captionLengths(
  dataset: Dataset,
  lengthOf: (caption: string) => number = (text) => encodedLength(text, CAPTION_LENGTH),
): Uint16Array {
  return Uint16Array.from({ length: dataset.captions }, (_, index) => lengthOf(dataset.caption(index)));
}

function captionsByLength(dataset: Dataset, classIndex: number, lengths: Uint16Array, sentences = Infinity): CaptionsByLength {
  const weighted: { caption: number; weight: number }[] = [];
  for (const image of dataset.imagesOfClass(classIndex)) {
    const count = Math.min(sentences, dataset.captionsOf(image).length);
    for (let i = 0; i < count; i++) {
      // An image uniformly, then one of its captions uniformly.
      weighted.push({ caption: dataset.firstCaption(image) + i, weight: 1 / count });
    }
  }
  weighted.sort((a, b) => lengths[a.caption]! - lengths[b.caption]! || a.caption - b.caption);
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const cumulative = new Float64Array(weighted.length);
  let sum = 0;
  weighted.forEach(({ weight }, i) => (cumulative[i] = (sum += weight) / total));
  return { captions: Uint32Array.from(weighted, ({ caption }) => caption), cumulative };
}

/** First place whose cumulative share exceeds the quantile. */
function firstAbove(cumulative: Float64Array, quantile: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > quantile) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

function reflect(value: number): number {
  return value < 0 ? -value : value >= 1 ? 2 - value - Number.EPSILON : value;
}

function drawCaptions(dataset: Dataset, image: number, random: RandomStream, out: Uint32Array, offset: number, count: number): void {
  const first = dataset.firstCaption(image);
  const available = dataset.captionsOf(image).length;
  for (let i = 0; i < count; i++) {
    out[offset + i] = first + random.below(available);
  }
}

/** The same without replacement: where there are fewer, each comes again before any comes a third time. */
function drawDifferentCaptions(
  dataset: Dataset,
  image: number,
  random: RandomStream,
  out: Uint32Array,
  offset: number,
  count: number,
): void {
  const first = dataset.firstCaption(image);
  const places = random.shuffle([...dataset.captionsOf(image).keys()], count);
  for (let i = 0; i < count; i++) {
    out[offset + i] = first + places[i % places.length]!;
  }
}

/**
 * Random crops where an image has a margin (offsets 1 ... margin, as in the original program: 0 never occurs), random shifts where it has
 * none, random mirrors; then, where asked for, squares to enlarge and brightnesses.
 */
export function drawViews(
  dataset: Dataset,
  images: Uint32Array,
  random: RandomStream,
  { mirror = true, shift = 0, crop = 1, light = 0 }: Augmentation,
): Views {
  const x = new Int16Array(images.length);
  const y = new Int16Array(images.length);
  const mirrored = new Uint8Array(images.length);
  images.forEach((image, row) => {
    const margin = dataset.side(image) - dataset.size;
    const offset = (): number => (margin > 0 ? 1 + random.below(margin) : shift > 0 ? random.below(2 * shift + 1) - shift : 0);
    x[row] = offset();
    y[row] = offset();
    mirrored[row] = mirror && random.chance(0.5) ? 1 : 0;
  });
  return {
    ...{ x, y, mirror: mirrored },
    ...(crop < 1 && { part: drawParts(dataset.size, images.length, random, crop) }),
    ...(light > 0 && { light: Float32Array.from(images, () => random.between(1 - light, 1 + light)) }),
  };
}

function drawParts(size: number, rows: number, random: RandomStream, crop: number): Parts {
  const side = Float32Array.from({ length: rows }, () => size * random.between(crop, 1));
  const place = (): Float32Array => side.map((s) => random.uniform() * (size - s));
  return { side, left: place(), top: place() };
}

function usableClasses(dataset: Dataset, from: SplitName | readonly number[], needed: number): readonly number[] {
  const named = typeof from === "string" ? `the ${from} split has` : "there are";
  const kind = dataset.classless ? ["image", "images"] : ["class with images", "classes with images"];
  const classes = (typeof from === "string" ? dataset.split[from] : from).filter((c) => dataset.imagesOfClass(c).length > 0);
  if (classes.length < needed) {
    throw new DataError(
      `${dataset.name}: ${named} ${classes.length} ${kind[classes.length === 1 ? 0 : 1]}, and a batch needs ${needed} different ones`,
    );
  }
  return classes;
}

function requirePositive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a positive integer, not ${value}`);
  }
}
