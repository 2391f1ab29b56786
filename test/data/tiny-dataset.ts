/** A data set of a few coloured squares, for tests of what works on any data set. */
import { Alphabet } from "../../src/data/alphabet.js";
import { PackedDataset, type PreparedData } from "../../src/data/packed.js";

export interface TinyOptions {
  readonly classes?: number;
  readonly imagesPerClass?: number;
  readonly size?: number;
  /** Side of the stored images. */
  readonly side?: number;
  readonly captionsOf?: (image: number) => string[];
}

/** Pixel (x, y) of image i is (i, x, y); the last fifth of the classes is for testing. */
export function tinyPrepared({ classes = 5, imagesPerClass = 3, size = 4, side = size, captionsOf }: TinyOptions = {}): PreparedData {
  const count = classes * imagesPerClass;
  const pixels = new Uint8Array(count * side * side * 3);
  for (let i = 0, at = 0; i < count; i++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        pixels[at++] = i;
        pixels[at++] = x;
        pixels[at++] = y;
      }
    }
  }
  const held = Math.floor(classes / 5);
  const all = Array.from({ length: classes }, (_, i) => i);
  const images = Array.from({ length: count }, (_, i) => ({
    name: `image_${i}`,
    classIndex: Math.floor(i / imagesPerClass),
    side,
    captions: captionsOf?.(i) ?? [`image ${i}`, `number ${i}`],
  }));
  return {
    name: "tiny",
    size,
    classes: all.map((i) => `class_${i}`),
    split: { train: all.slice(0, classes - held), test: all.slice(classes - held) },
    alphabet: Alphabet.original(),
    report: { images: count, captions: images.reduce((sum, image) => sum + image.captions.length, 0), skipped: [], notes: [] },
    images,
    pixels,
  };
}

export function tinyDataset(options?: TinyOptions): PackedDataset {
  return new PackedDataset(tinyPrepared(options));
}
