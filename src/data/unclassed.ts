/**
 * Drawing from images without classes. There one image mismatches another where they have no caption in common, but for capitals: nothing
 * else says what differs.
 */
import { DataError, type Dataset } from "./dataset.js";
import type { RandomStream } from "../random/philox.js";

/** Random draws of a mismatching image before the images are gone through in turn. */
const DRAWS = 20;

const textsOf = (dataset: Dataset, image: number): string[] => dataset.captionsOf(image).map((caption) => caption.toLowerCase());

/** The place of an image none of whose captions the first image has, uniformly. @param images As `requireRivals` has passed them. */
export function mismatchingPlace(dataset: Dataset, images: readonly number[], first: number, random: RandomStream): number {
  const own = new Set(textsOf(dataset, images[first]!));
  const fits = (place: number): boolean => place !== first && !textsOf(dataset, images[place]!).some((text) => own.has(text));
  let place = first;
  for (let draw = 0; draw < DRAWS && !fits(place); draw++) place = random.below(images.length);
  while (!fits(place)) place = (place + 1) % images.length;
  return place;
}

/** @throws DataError where some image shares a caption with every other one */
export function requireRivals(dataset: Dataset, images: readonly number[]): void {
  const having = new Map<string, number[]>();
  for (const image of images)
    for (const text of new Set(textsOf(dataset, image))) {
      const list = having.get(text);
      if (list) list.push(image);
      else having.set(text, [image]);
    }
  for (const image of images) {
    const lists = [...new Set(textsOf(dataset, image))].map((text) => having.get(text)!);
    if (lists.reduce((sum, list) => sum + list.length, 0) < images.length || new Set(lists.flat()).size < images.length) continue;
    throw new DataError(
      `${dataset.name}: ${dataset.imageName(image)} shares a caption with every other training image, so nothing mismatches it; ` +
        "write captions that differ, or train with --variant gan or --variant gan-int",
    );
  }
}

/** Places of `count` different images, uniformly, but those that have a caption of one before them come last: they are hard to tell apart. */
export function differingImages(dataset: Dataset, images: readonly number[], count: number, random: RandomStream): number[] {
  const wanted = Math.min(images.length, 2 * count);
  const drawn = random.shuffle([...images.keys()], wanted).slice(0, wanted);
  const seen = new Set<string>();
  const [fresh, repeated]: [number[], number[]] = [[], []];
  for (const place of drawn) {
    const texts = textsOf(dataset, images[place]!);
    (texts.some((text) => seen.has(text)) ? repeated : fresh).push(place);
    for (const text of texts) seen.add(text);
  }
  return [...fresh, ...repeated].slice(0, count);
}
