/** Colour match on captions that name one petal colour: by the rule on the central hue, and by a histogram classifier trained on real images. */
import type { Dataset } from "../data/dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import { ColourClassifier, colourHistogram } from "../metrics/colour-histogram.js";
import { type Colour, colourMatch, COLOURS, namedColour } from "../metrics/colour-match.js";
import { isHeldOut } from "./lessons.js";
import { alone, type Sharing } from "../tensor/sharing.js";
import { CHUNK, type Parts, realImages } from "./pictures.js";
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

/** @param parts Images of the task's captions, in order. @param share Who draws and looks at which of them. */
export async function coloursRight(
  parts: Parts,
  { colours }: Pick<ColourTask, "colours">,
  classifier: ColourClassifier | undefined,
  size: number,
  share: Sharing = alone,
): Promise<Record<string, Value>> {
  const right = await share("colours looked at", parts.count, async (i) => {
    const images = await parts.at(i);
    const named = colours.slice(i * CHUNK, i * CHUNK + parts.sizeOf(i));
    const histograms = classifier ? histogramsOf(images, size).map((histogram) => classifier.colourOf(histogram)) : [];
    return Float64Array.of(
      colourMatch(images, size, named).share * named.length,
      histograms.filter((colour, j) => colour === named[j]).length,
    );
  });
  const [byRule, byHistogram] = [0, 1].map((of) => right.reduce((sum, part) => sum + part[of]!, 0)) as [number, number];
  const done = parts.images;
  return { colourRule: { value: byRule / done }, ...(classifier && { colourHistogram: { value: byHistogram / done } }) };
}
