/** The images that measures are taken on: real ones, noise, and which captions are drawn. All are functions of a seed. */
import { centreViews, fillImages } from "../data/batch.js";
import type { Dataset, SplitName } from "../data/dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";

/** Images that are taken together. */
export const CHUNK = 128;

/** Images in parts [·, 3, S, S] in [−1, 1], each of which can be had without the others. `at` is asked for parts in increasing order. */
export class Parts<Part extends Float32Array | Promise<Float32Array> = Float32Array | Promise<Float32Array>> {
  /** @param images How many in all. */
  constructor(
    readonly images: number,
    readonly at: (part: number) => Part,
  ) {}

  get count(): number {
    return Math.ceil(this.images / CHUNK);
  }

  /** How many images a part has. */
  sizeOf(part: number): number {
    return Math.min(CHUNK, this.images - part * CHUNK);
  }

  *[Symbol.iterator](): Iterator<Part> {
    for (let part = 0; part < this.count; part++) yield this.at(part);
  }
}

/** Images of a data set, each with one of its captions. */
export interface Pairs {
  readonly images: readonly number[];
  /** By number. */
  readonly captions: readonly number[];
}

/** Every image about equally often, in random order, each time with a random one of its captions. */
export function drawPairs(dataset: Dataset, images: readonly number[], count: number, random: RandomStream): Pairs {
  const chosen: number[] = [];
  while (chosen.length < count) chosen.push(...random.shuffle([...images]).slice(0, count - chosen.length));
  return { images: chosen, captions: chosen.map((image) => dataset.firstCaption(image) + random.below(dataset.captionsOf(image).length)) };
}

/** Real images, centre views. */
export function realImages(dataset: Dataset, images: readonly number[]): Parts<Float32Array> {
  return new Parts(images.length, (i) => {
    const part = images.slice(i * CHUNK, (i + 1) * CHUNK);
    return fillImages(dataset, part, centreViews(dataset, part));
  });
}

/** Images of independent uniform values. */
export function noiseImages(size: number, count: number, seed: number): Parts<Float32Array> {
  const random = new RandomStream(seed, StreamPurpose.noiseImages);
  let next = 0;
  const make = (): Float32Array => Float32Array.from({ length: parts.sizeOf(next++) * 3 * size * size }, () => random.between(-1, 1));
  const parts = new Parts(count, (i) => {
    while (next < i) make();
    return make();
  });
  return parts;
}

/** The halves of a split's images that are held against each other, of equal size, at most `count` each. */
export function halves(dataset: Dataset, split: SplitName, count: number, seed: number): readonly [number[], number[]] {
  const images = new RandomStream(seed, StreamPurpose.realHalves).shuffle([...dataset.imagesOfSplit(split)]);
  const half = Math.min(count, Math.floor(images.length / 2));
  return [images.slice(0, half), images.slice(half, 2 * half)];
}

/**
 * For each caption `count` others: different sentences, none of which an image of its class has. Places in the list.
 * @returns undefined where some caption has fewer than `count` beside it
 */
export function otherCaptions(dataset: Dataset, captions: readonly number[], count: number, seed: number): number[][] | undefined {
  const { places, ofClass, fewest } = sentences(dataset, captions);
  if (fewest < count) return undefined;
  const random = new RandomStream(seed, StreamPurpose.otherCaptions);
  return captions.map((caption) => {
    const taken = new Set(ofClass.get(classOf(dataset, caption)));
    const others: number[] = [];
    while (others.length < count) {
      const place = random.pick(places);
      const text = dataset.caption(captions[place]!);
      if (taken.has(text)) continue;
      taken.add(text);
      others.push(place);
    }
    return others;
  });
}

/** How many captions `otherCaptions` can give for each of these at most. */
export const rivals = (dataset: Dataset, captions: readonly number[]): number => sentences(dataset, captions).fewest;

const classOf = (dataset: Dataset, caption: number): number => dataset.classOf(dataset.imageOfCaption(caption));

/** The different sentences among captions: where each stands first, which a class has, and how many the class with most leaves for others. */
function sentences(dataset: Dataset, captions: readonly number[]) {
  const first = new Map<string, number>();
  const ofClass = new Map<number, Set<string>>();
  captions.forEach((caption, place) => {
    const [text, own] = [dataset.caption(caption), classOf(dataset, caption)];
    if (!first.has(text)) first.set(text, place);
    ofClass.set(own, (ofClass.get(own) ?? new Set()).add(text));
  });
  const fewest = first.size - Math.max(0, ...[...ofClass.values()].map((texts) => texts.size));
  return { places: [...first.values()], ofClass, fewest };
}
