/** Colour match on captions that name one petal colour: by the rule on the central hue, and by a histogram classifier trained on real images. */
import type { Dataset } from "../data/dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import { ColourClassifier, colourHistogram } from "../metrics/colour-histogram.js";
import { type Colour, colourMatch, COLOURS, namedColour } from "../metrics/colour-match.js";
import { isHeldOut } from "./lessons.js";
import { realImages } from "./pictures.js";
import type { Value } from "./report.js";

/** Captions that name one colour. */
export interface ColourTask {
  /** By number. */
  readonly captions: readonly number[];
  readonly colours: readonly Colour[];
}

/** Fewer captions than this say nothing. */
const LEAST = 20;

/** Up to `count` captions of these images that name one colour; undefined where there are too few, as in other languages. */
export function colourTask(dataset: Dataset, images: readonly number[], count: number, seed: number): ColourTask | undefined {
  const all = images.flatMap((image) =>
    dataset.captionsOf(image).flatMap((text, i) => {
      const colour = namedColour(text);
      return colour ? [{ caption: dataset.firstCaption(image) + i, colour }] : [];
    }),
  );
  if (all.length < LEAST) return undefined;
  const chosen = new RandomStream(seed, StreamPurpose.namedColours).shuffle(all, count).slice(0, count);
  return { captions: chosen.map((c) => c.caption), colours: chosen.map((c) => c.colour) };
}

/** Trains the histogram classifier on the training classes' images: each with the colour that most of its captions name. */
export function trainColours(dataset: Dataset): ColourClassifier | undefined {
  const held = isHeldOut(dataset);
  const lesson = dataset.imagesOfSplit("train").flatMap((image) => {
    const named = dataset.captionsOf(image).flatMap((text) => namedColour(text) ?? []);
    const counts = COLOURS.map((colour) => named.filter((other) => other === colour).length);
    const most = Math.max(...counts);
    return held(image) || most === 0 ? [] : [{ image, colour: COLOURS[counts.indexOf(most)]! }];
  });
  if (lesson.length < LEAST) return undefined;
  const images = lesson.map(({ image }) => image);
  const histograms = [...realImages(dataset, images)].flatMap((part) => histogramsOf(part, dataset.size));
  return ColourClassifier.train(
    histograms,
    lesson.map(({ colour }) => colour),
  );
}

function histogramsOf(images: Float32Array, size: number): Float64Array[] {
  const each = 3 * size * size;
  return Array.from({ length: images.length / each }, (_, i) => colourHistogram(images.subarray(i * each, (i + 1) * each), size));
}

/** @param parts Images of the task's captions, in order. */
export async function coloursRight(
  parts: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  { colours }: Pick<ColourTask, "colours">,
  classifier: ColourClassifier | undefined,
  size: number,
): Promise<Record<string, Value>> {
  let [byRule, byHistogram, done] = [0, 0, 0];
  for await (const images of parts) {
    const named = colours.slice(done, done + images.length / (3 * size * size));
    byRule += colourMatch(images, size, named).share * named.length;
    if (classifier)
      histogramsOf(images, size).forEach((histogram, i) => (byHistogram += classifier.colourOf(histogram) === named[i] ? 1 : 0));
    done += named.length;
  }
  return { colourRule: { value: byRule / done }, ...(classifier && { colourHistogram: { value: byHistogram / done } }) };
}
