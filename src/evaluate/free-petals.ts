/**
 * Petals whose attributes are combined freely. A network that reads attributes must not know an image's petal count by its class, which on the
 * data set's own classes is the easier way; nor has it seen any image of the data set, so all of them can show how well it reads.
 */
import type { Dataset } from "../data/dataset.js";
import { Alphabet } from "../data/alphabet.js";
import { PackedDataset, type PreparedImage } from "../data/packed.js";
import type { PetalsAttributes } from "../data/petals-attributes.js";
import { drawClass, drawStyle } from "../data/petals-classes.js";
import { renderPetals } from "../data/petals-render.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";

/** Images rendered between two looks at the rest of the world. */
const AT_ONCE = 20;

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
    const random = new RandomStream(seed, StreamPurpose.freePetals, i);
    const image = { named: drawClass(random), style: drawStyle(random) };
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
