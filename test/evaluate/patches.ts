/** A data set that small networks learn in seconds: two bands of ten brightnesses, and captions that name them. */
import { PackedDataset } from "../../src/data/packed.js";
import { RandomStream } from "../../src/random/philox.js";
import { tinyPrepared } from "../data/tiny-dataset.js";

/** Two ways to say what a class looks like. */
function words(classIndex: number): string[] {
  const above = ["black", "dim", "grey", "pale", "white"][classIndex % 5]!;
  const below = classIndex < 5 ? "night" : "snow";
  return [`${above} over ${below}`, `${below} under ${above}`];
}

const SIZE = 16;

/** Ten classes of noisy images, each of its own brightness above and below; two are unseen. */
export function patches(): PackedDataset {
  const prepared = tinyPrepared({ classes: 10, imagesPerClass: 8, size: SIZE, captionsOf: (image) => words(Math.floor(image / 8)) });
  const random = new RandomStream(1);
  const pixels = new Uint8Array(prepared.pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    const image = Math.floor(at / (3 * SIZE * SIZE));
    const above = Math.floor(at / (3 * SIZE)) % SIZE < SIZE / 2;
    const classIndex = Math.floor(image / 8);
    const level = above ? (classIndex % 5) * 50 : Math.floor(classIndex / 5) * 200;
    pixels[at] = Math.min(255, level + random.below(40));
  }
  return new PackedDataset({ ...prepared, pixels });
}
