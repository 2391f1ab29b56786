/** Batches for text encoders that are trained without images: two captions of each of several images. */
import type { Dataset } from "./dataset.js";
import { DataError } from "./dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";

export interface CaptionPairOptions {
  /** Rows of a batch: as many different images. */
  readonly batch: number;
  readonly seed: number;
  /** Images to draw from; those with fewer than two captions are left out. */
  readonly images: readonly number[];
  /** Only the first so many captions of an image are drawn (default: all). */
  readonly sentences?: number;
}

export interface CaptionPairs {
  readonly first: Uint32Array;
  /** Another caption of the same row's image. */
  readonly second: Uint32Array;
}

/** As the authors' program for MS COCO: different images, uniformly, and two different captions of each. */
export class CaptionPairSampler {
  readonly #images: readonly number[];
  readonly #dataset: Dataset;
  readonly #options: CaptionPairOptions;

  /** @throws DataError where too few images have two captions. */
  constructor(dataset: Dataset, options: CaptionPairOptions) {
    this.#dataset = dataset;
    this.#options = options;
    this.#images = options.images.filter((image) => this.#count(image) >= 2);
    if (this.#images.length < options.batch) {
      throw new DataError(
        `${dataset.name}: ${this.#images.length} images have two captions or more, and a batch needs ${options.batch} different ones`,
      );
    }
  }

  /** Batch number `step`. */
  batch(step: number): CaptionPairs {
    const random = new RandomStream(this.#options.seed, StreamPurpose.captionPairs, step);
    const images = random.shuffle([...this.#images], this.#options.batch).slice(0, this.#options.batch);
    const first = new Uint32Array(images.length);
    const second = new Uint32Array(images.length);
    images.forEach((image, row) => {
      const count = this.#count(image);
      const one = random.below(count);
      first[row] = this.#dataset.firstCaption(image) + one;
      second[row] = this.#dataset.firstCaption(image) + ((one + 1 + random.below(count - 1)) % count);
    });
    return { first, second };
  }

  #count(image: number): number {
    return Math.min(this.#options.sentences ?? Infinity, this.#dataset.captionsOf(image).length);
  }
}
