/** A data set whose captions are given vectors: which vectors are which image's, and the images that have some. */
import { DataError, type Dataset, type SplitName } from "../dataset.js";
import { nameForm } from "../names.js";
import type { GivenEmbeddings } from "./given.js";

/** Each image's vectors: the number of the first, and how many; none where `count` is 0. */
export interface VectorPlaces {
  readonly first: Uint32Array;
  readonly count: Uint32Array;
  /** Images named with the embeddings that the data set lacks. */
  readonly unknown: readonly string[];
}

/**
 * Finds each image's vectors: by its name where the embeddings come with names, else by the data set's order (by class, then by image).
 * @throws DataError when they fit no image, an image's come twice, or an array without names has another number of rows
 */
export function placeVectors({ path, size, values, images }: GivenEmbeddings, dataset: Dataset): VectorPlaces {
  const places = { first: new Uint32Array(dataset.images), count: new Uint32Array(dataset.images) };
  const unknown: string[] = [];
  if (!images || images.some(({ name }) => name === "")) {
    const counts = images ? images.map(({ count }) => count) : countsOf(values.length / size, dataset, path);
    if (counts.length !== dataset.images)
      throw new DataError(
        `${path} has the embeddings of ${counts.length} images, and ${dataset.name} has ${dataset.images}: they are of other data`,
      );
    let at = 0;
    counts.forEach((count, image) => {
      places.first[image] = at;
      places.count[image] = count;
      at += count;
    });
    return { ...places, unknown };
  }
  const find = imageFinder(dataset);
  let at = 0;
  for (const { name, count } of images) {
    const image = find(name);
    if (image === undefined) unknown.push(name);
    else if (places.count[image]! > 0) throw new DataError(`${path}: the embeddings of ${name} come twice`);
    else {
      places.first[image] = at;
      places.count[image] = count;
    }
    at += count;
  }
  if (!places.count.some((count) => count > 0))
    throw new DataError(
      `${path}: none of its images (the first is ${images[0]!.name}) is in ${dataset.name} (whose first is ${nameOf(dataset, 0)})`,
    );
  return { ...places, unknown };
}

/** Of an array [rows, size]: a row a caption, or a row an image. */
function countsOf(rows: number, dataset: Dataset, path: string): number[] {
  const each = Array.from({ length: dataset.images }, (_, image) => dataset.captionsOf(image).length);
  if (rows === dataset.captions) return each;
  if (rows === dataset.images) return each.map(() => 1);
  throw new DataError(
    `${path} has ${rows} vectors, and ${dataset.name} has ${dataset.captions} captions of ${dataset.images} images: they are of other data`,
  );
}

/** "class/image"; where there are no classes, the image with its folders. */
export const nameOf = (dataset: Dataset, image: number): string =>
  dataset.classless ? dataset.classes[image]! : `${dataset.classes[dataset.classOf(image)]}/${dataset.imageName(image)}`;

/** By class and image, or by the image's name alone where it is the only one of that name. */
function imageFinder(dataset: Dataset): (name: string) => number | undefined {
  const byPath = new Map<string, number>();
  const byName = new Map<string, number | undefined>();
  for (let image = 0; image < dataset.images; image++) {
    const name = nameForm(dataset.imageName(image));
    byPath.set(nameForm(nameOf(dataset, image)), image);
    byName.set(name, byName.has(name) ? undefined : image);
  }
  return (name) => byPath.get(name) ?? byName.get(name.split("/").at(-1)!);
}

/** The data set, its captions replaced by the vectors: images without any are left out of classes and splits. Image numbers stay. */
export class EmbeddedDataset implements Dataset {
  readonly name: string;
  readonly size: number;
  readonly images: number;
  readonly captions: number;
  readonly split: Dataset["split"];
  readonly #owner: Uint32Array;

  constructor(
    readonly base: Dataset,
    readonly places: VectorPlaces,
    vectors: number,
  ) {
    this.name = base.name;
    this.size = base.size;
    this.images = base.images;
    this.captions = vectors;
    const used = (classes: readonly number[]) => classes.filter((c) => this.imagesOfClass(c).length > 0);
    this.split = { train: used(base.split.train), test: used(base.split.test) };
    this.#owner = new Uint32Array(vectors);
    places.first.forEach((first, image) => this.#owner.fill(image, first, first + places.count[image]!));
  }

  get classes() {
    return this.base.classes;
  }
  get classless() {
    return this.base.classless ?? false;
  }
  get alphabet() {
    return this.base.alphabet;
  }
  get report() {
    return this.base.report;
  }
  get attributes() {
    return this.base.attributes;
  }

  imagesOfClass(classIndex: number): readonly number[] {
    return this.base.imagesOfClass(classIndex).filter((image) => this.places.count[image]! > 0);
  }
  imagesOfSplit(split: SplitName): readonly number[] {
    return this.base.imagesOfSplit(split).filter((image) => this.places.count[image]! > 0);
  }
  classOf(image: number): number {
    return this.base.classOf(image);
  }
  imageName(image: number): string {
    return this.base.imageName(image);
  }
  side(image: number): number {
    return this.base.side(image);
  }
  pixels(image: number): Uint8Array {
    return this.base.pixels(image);
  }

  /** The captions of that order; where there are fewer than vectors, names of the vectors. */
  captionsOf(image: number): readonly string[] {
    const captions = this.base.captionsOf(image);
    return Array.from({ length: this.places.count[image]! }, (_, k) => captions[k] ?? `${nameOf(this.base, image)}:${k + 1}`);
  }
  firstCaption(image: number): number {
    return this.places.first[image]!;
  }
  caption(index: number): string {
    const image = this.#owner[index]!;
    return this.captionsOf(image)[index - this.places.first[image]!]!;
  }
  imageOfCaption(index: number): number {
    return this.#owner[index]!;
  }
}
