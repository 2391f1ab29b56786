/** A prepared data set: captions and names in memory, pixels there too or read by their place where they lie. */
import type { Alphabet } from "./alphabet.js";
import { DataError, type Dataset, type PrepareReport, type Split, type SplitName } from "./dataset.js";
import type { PetalsAttributes } from "./petals-attributes.js";

/** What preparing a data set makes, but for the pixels. */
export interface PreparedSet {
  readonly name: string;
  /** Side of the images that batches are made of. */
  readonly size: number;
  readonly classes: readonly string[];
  /** Each image is a class of its own, of its number. */
  readonly classless?: boolean;
  readonly split: Split;
  readonly alphabet: Alphabet;
  readonly report: PrepareReport;
  readonly images: readonly PreparedImage[];
  /** petals: what is true of each image. */
  readonly attributes?: readonly PetalsAttributes[];
}

/** What preparing a data set makes. */
export interface PreparedData extends PreparedSet {
  /** All images' pixels one after the other: side x side x RGB each. */
  readonly pixels: Uint8Array;
}

/** Pixels that lie elsewhere than in memory. */
export interface StoredPixels {
  /** Bytes in all. */
  readonly length: number;
  /** The bytes from one place to before another. @throws Error where they cannot be had any more */
  read(start: number, end: number): Uint8Array;
}

/** One image of a prepared data set; its pixels lie with the others'. */
export interface PreparedImage {
  readonly name: string;
  readonly classIndex: number;
  readonly side: number;
  readonly captions: readonly string[];
}

/** A data set of which all but the pixels is in memory, and they too where they are few. */
export class PackedDataset implements Dataset {
  readonly name: string;
  readonly size: number;
  readonly images: number;
  readonly captions: number;
  readonly classes: readonly string[];
  readonly classless: boolean;
  readonly split: Split;
  readonly alphabet: Alphabet;
  readonly report: PrepareReport;
  readonly attributes?: (image: number) => PetalsAttributes;
  readonly #list: readonly PreparedImage[];
  readonly #data: StoredPixels;
  readonly #pixelStart: Float64Array;
  readonly #captionStart: Uint32Array;
  readonly #captionOwner: Uint32Array;
  readonly #byClass: readonly number[][];
  readonly #bySplit: Partial<Record<SplitName, readonly number[]>> = {};

  /** @param prepared.pixels All images' one after the other. */
  constructor(prepared: PreparedSet & { readonly pixels: Uint8Array | StoredPixels }) {
    const { images, attributes, pixels } = prepared;
    this.name = prepared.name;
    this.size = prepared.size;
    this.classes = prepared.classes;
    this.classless = prepared.classless ?? false;
    this.split = prepared.split;
    this.alphabet = prepared.alphabet;
    this.report = prepared.report;
    this.#list = images;
    this.#data = pixels instanceof Uint8Array ? inMemory(pixels) : pixels;
    this.images = images.length;
    this.#pixelStart = new Float64Array(images.length + 1);
    this.#captionStart = new Uint32Array(images.length + 1);
    this.#byClass = prepared.classes.map(() => []);
    images.forEach((image, i) => {
      this.#pixelStart[i + 1] = this.#pixelStart[i]! + 3 * image.side ** 2;
      this.#captionStart[i + 1] = this.#captionStart[i]! + image.captions.length;
      this.#byClass[image.classIndex]!.push(i);
    });
    this.captions = this.#captionStart[images.length]!;
    this.#captionOwner = new Uint32Array(this.captions);
    images.forEach((_, i) => this.#captionOwner.fill(i, this.#captionStart[i], this.#captionStart[i + 1]));
    if (this.#pixelStart[images.length] !== pixels.length) {
      throw new DataError(`${prepared.name}: ${pixels.length} bytes of pixels where ${this.#pixelStart[images.length]} belong`);
    }
    if (attributes !== undefined) {
      this.attributes = (image) => attributes[this.#known(image)]!;
    }
  }

  imagesOfClass(classIndex: number): readonly number[] {
    const images = this.#byClass[classIndex];
    if (images === undefined) {
      throw new RangeError(`${this.name} has classes 0 to ${this.classes.length - 1}, not ${classIndex}`);
    }
    return images;
  }

  imagesOfSplit(split: SplitName): readonly number[] {
    // Asked for at every step of a training.
    return (this.#bySplit[split] ??= this.split[split].flatMap((classIndex) => this.imagesOfClass(classIndex)).sort((a, b) => a - b));
  }

  classOf(image: number): number {
    return this.#list[this.#known(image)]!.classIndex;
  }

  imageName(image: number): string {
    return this.#list[this.#known(image)]!.name;
  }

  side(image: number): number {
    return this.#list[this.#known(image)]!.side;
  }

  pixels(image: number): Uint8Array {
    return this.#data.read(this.#pixelStart[this.#known(image)]!, this.#pixelStart[image + 1]!);
  }

  captionsOf(image: number): readonly string[] {
    return this.#list[this.#known(image)]!.captions;
  }

  firstCaption(image: number): number {
    return this.#captionStart[this.#known(image)]!;
  }

  caption(index: number): string {
    const image = this.imageOfCaption(index);
    return this.#list[image]!.captions[index - this.#captionStart[image]!]!;
  }

  imageOfCaption(index: number): number {
    const image = this.#captionOwner[index];
    if (image === undefined) {
      throw new RangeError(`${this.name} has captions 0 to ${this.captions - 1}, not ${index}`);
    }
    return image;
  }

  #known(image: number): number {
    if (!(image >= 0 && image < this.images)) {
      throw new RangeError(`${this.name} has images 0 to ${this.images - 1}, not ${image}`);
    }
    return image;
  }
}

const inMemory = (pixels: Uint8Array): StoredPixels => ({ length: pixels.length, read: (start, end) => pixels.subarray(start, end) });
