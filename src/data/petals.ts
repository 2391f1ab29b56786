/** The petals data set: made by petalgrad, needs no files. Image k of a class is a pure function of (seed, class, k). */
import { Alphabet } from "./alphabet.js";
import { DataError } from "./dataset.js";
import type { PreparedData, PreparedImage } from "./packed.js";
import type { PetalsAttributes } from "./petals-attributes.js";
import { petalsCaptions } from "./petals-captions.js";
import { className, isHeldOut, petalsAttributes, petalsClasses } from "./petals-classes.js";
import { renderPetals } from "./petals-render.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";

/** Changes when the same seed begins to make other images or captions, so that no packed file of an older form is taken for a new one. */
export const PETALS_VERSION = 2;

/** Which petals are made, and how one follows it. */
export interface PetalsOptions {
  /** Side of the images in pixels (default 64). */
  readonly size?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default 20. */
  readonly imagesPerClass?: number;
  /** Called after each image. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** One image with all that belongs to it. */
export interface PetalsImage {
  /** size x size x RGB. */
  readonly pixels: Uint8Array;
  readonly captions: readonly string[];
  readonly attributes: PetalsAttributes;
}

/** Image k of a class. */
export function petalsImage(seed: number, classIndex: number, k: number, size: number): PetalsImage {
  const attributes = petalsAttributes(seed, classIndex, k);
  return {
    pixels: renderPetals(attributes, size, new RandomStream(seed, StreamPurpose.petalsTexture, classIndex, k)),
    captions: petalsCaptions(attributes.named, new RandomStream(seed, StreamPurpose.petalsCaptions, classIndex, k)),
    attributes,
  };
}

/** Makes the whole data set; lets other work go on between classes. @throws DataError for a size or a number that makes no sense. */
export async function makePetals(options: PetalsOptions = {}): Promise<PreparedData> {
  const { size = 64, seed = 0, imagesPerClass = 20, onProgress, signal } = options;
  for (const [what, value] of Object.entries({ size, imagesPerClass })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new DataError(`petals: ${what} must be a positive integer, not ${value}`);
    }
  }
  const classes = petalsClasses();
  const total = classes.length * imagesPerClass;
  const pixels = new Uint8Array(total * size * size * 3);
  const images: PreparedImage[] = [];
  const attributes: PetalsAttributes[] = [];
  for (let classIndex = 0; classIndex < classes.length; classIndex++) {
    for (let k = 0; k < imagesPerClass; k++) {
      const image = petalsImage(seed, classIndex, k, size);
      pixels.set(image.pixels, images.length * size * size * 3);
      images.push({ name: `${className(classIndex)}_${String(k + 1).padStart(4, "0")}`, classIndex, side: size, captions: image.captions });
      attributes.push(image.attributes);
      onProgress?.(images.length, total);
    }
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
  const all = classes.map((_, classIndex) => classIndex);
  return {
    name: "petals",
    size,
    classes: all.map(className),
    split: { train: all.filter((classIndex) => !isHeldOut(classIndex)), test: all.filter(isHeldOut) },
    alphabet: Alphabet.original(),
    report: {
      images: images.length,
      captions: images.reduce((sum, image) => sum + image.captions.length, 0),
      skipped: [],
      notes: [`made with seed ${seed}`],
    },
    images,
    pixels,
    attributes,
  };
}
