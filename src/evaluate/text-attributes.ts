/**
 * What of an image's attributes stands in its captions' embeddings: petals only, where they are known. A linear probe learns an attribute
 * from embeddings of the training classes' captions that name it, and reads it in those of the unseen classes. No generator can be expected
 * to draw a colour more often than such a reader finds it: a bag of words, for one, cannot tell a white flower with a red middle from a red
 * one with a white middle.
 */
import { captionNumbers, type Dataset } from "../data/dataset.js";
import { attributesNamed, type ReadableAttribute } from "../data/petals-captions.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import type { Device } from "../gpu/device.js";
import { joined } from "../tensor/rows.js";
import { type Labelled, linearProbe } from "./linear-probe.js";
import { READER_HEADS } from "./lessons.js";

/** Absent where no caption names it. */
export type TextAttributes = Readonly<Partial<Record<ReadableAttribute, number>>>;

/** Captions to learn from. */
const LESSON = 6000;

/** Guessing. */
export const attributesByChance = (): TextAttributes =>
  Object.fromEntries(READER_HEADS.map(({ attribute, values }) => [attribute, 1 / values.length]));

/** Captions by number, and their embeddings, [captions, size]. */
interface Embedded {
  readonly captions: readonly number[];
  readonly values: Float32Array;
}

/**
 * Share of the unseen classes' captions in which an attribute that they name is read right.
 * @param embed Embeddings of captions by number.
 * @param seed Of the captions to learn from.
 * @throws the signal's reason when aborted
 */
export async function attributesInText(
  device: Device,
  dataset: Dataset,
  embed: (captions: readonly number[]) => Promise<Float32Array>,
  unseen: Embedded,
  seed: number,
  signal: AbortSignal,
): Promise<TextAttributes> {
  const size = unseen.values.length / unseen.captions.length;
  const all = captionNumbers(dataset, dataset.imagesOfSplit("train"));
  const captions = new RandomStream(seed, StreamPurpose.textAttributes).shuffle(all, LESSON).slice(0, LESSON);
  const lesson = { captions, values: await embed(captions) };
  const result: Partial<Record<ReadableAttribute, number>> = {};
  for (const { attribute, values: classes } of READER_HEADS) {
    const naming = ({ captions, values }: Embedded): Labelled => {
      const rows = captions.flatMap((caption, row) => {
        const { named } = dataset.attributes!(dataset.imageOfCaption(caption));
        return attributesNamed(dataset.caption(caption), named)[attribute] ? [{ row, value: named[attribute] }] : [];
      });
      return {
        vectors: joined(rows.map(({ row }) => values.subarray(row * size, (row + 1) * size))),
        labels: rows.map(({ value }) => (classes as readonly unknown[]).indexOf(value)),
      };
    };
    const [taught, asked] = [naming(lesson), naming(unseen)];
    if (taught.labels.length === 0 || asked.labels.length === 0) continue;
    const form = { size, classes: classes.length, seed };
    result[attribute] = await linearProbe(device, taught, asked, form, signal);
  }
  return result;
}
