/**
 * Petals whose attributes are combined freely. A network that reads attributes must not know an image's petal count by its class, which on the
 * data set's own hundred classes is the easier way; nor has it seen any image of the data set, so all of them can show how well it reads.
 */
import type { Dataset } from "../data/dataset.js";
import { Alphabet } from "../data/alphabet.js";
import { PackedDataset, type PreparedImage } from "../data/packed.js";
import {
  CENTRE_COLOURS,
  CENTRE_SIZES,
  LEAVES,
  PETAL_COLOURS,
  PETAL_COUNTS,
  PETAL_LENGTHS,
  PETAL_SHAPES,
  type PetalsAttributes,
  type PetalsClass,
} from "../data/petals-attributes.js";
import { drawStyle } from "../data/petals-classes.js";
import { renderPetals } from "../data/petals-render.js";
import { RandomStream } from "../data/philox.js";

/** First word of the random streams. */
const STREAM = 140;

/** Images rendered between two looks at the rest of the world. */
const AT_ONCE = 20;

function drawNamed(random: RandomStream): PetalsClass {
  const petalColour = random.pick(PETAL_COLOURS);
  return {
    petalColour,
    petalCount: random.pick(PETAL_COUNTS),
    petalShape: random.pick(PETAL_SHAPES),
    petalLength: random.pick(PETAL_LENGTHS),
    // A centre of the petals' own colour would not be seen.
    centreColour: random.pick(CENTRE_COLOURS.filter((colour) => colour !== petalColour)),
    centreSize: random.pick(CENTRE_SIZES),
    leaves: random.pick(LEAVES),
  };
}

/**
 * Renders `count` images, all of one class.
 * @param size Side in pixels.
 * @throws the signal's reason when aborted
 */
export async function freePetals(
  size: number,
  count: number,
  seed: number,
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<Dataset> {
  const pixels = new Uint8Array(count * 3 * size * size);
  const attributes: PetalsAttributes[] = [];
  const images: PreparedImage[] = [];
  for (let i = 0; i < count; i++) {
    const random = new RandomStream(seed, STREAM, i);
    const image = { named: drawNamed(random), style: drawStyle(random) };
    pixels.set(renderPetals(image, size, random), i * 3 * size * size);
    attributes.push(image);
    images.push({ name: String(i), classIndex: 0, side: size, captions: ["free petals"] });
    if (i % AT_ONCE === AT_ONCE - 1) {
      onProgress(i + 1);
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
    }
  }
  return new PackedDataset({
    ...{ name: "free petals", size, classes: ["all"], split: { train: [0], test: [] }, alphabet: Alphabet.original() },
    ...{ images, pixels, attributes, report: { images: count, captions: count, skipped: [], notes: [] } },
  });
}
