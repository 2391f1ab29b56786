/** Embeddings that people bring in place of captions', whatever the form in which they are found. */
import { type NumberArray, toFloats } from "../../formats/number-array.js";
import type { NumpyArray } from "../../formats/numpy-array.js";
import { UserError } from "../../errors.js";
import { isImageName, nameForm, withoutEnding } from "../names.js";

export interface GivenEmbeddings {
  /** What was opened, for messages. */
  readonly path: string;
  /** Length of a vector. */
  readonly size: number;
  /** [vectors, size] */
  readonly values: Float32Array;
  /** The images in the vectors' order, with the number of vectors of each; the name is "" where only the order tells the image. */
  readonly images: readonly { readonly name: string; readonly count: number }[] | undefined;
}

/** The vectors of one image's captions. */
export interface ImageVectors {
  /** "class/image", or the image alone where there is no class. */
  readonly name: string;
  readonly count: number;
  /** [count, size] */
  readonly values: Float32Array;
}

/** "images/001.A/x.jpg" → "001.A/x": what a data set calls an image, whatever folders stand before, in the form in which names are compared. */
export function bareName(name: string): string {
  const path = name.replaceAll("\\", "/").split("/").slice(-2).join("/");
  return nameForm(isImageName(path) || /\.(?:t7|txt|bmp)$/i.test(path) ? withoutEnding(path) : path);
}

export interface AnyArray {
  readonly shape: readonly number[];
  readonly data: NumpyArray["data"];
}

const isNumbers = (data: NumpyArray["data"]): data is NumberArray => !Array.isArray(data);

/**
 * Embeddings of an array [captions, size] in the data set's order, or [images, captions of each, size].
 * @param names The images' names, a row's each.
 * @throws UserError when it is of another form, or not finite
 */
export function embeddingsOfArray(path: string, { shape, data }: AnyArray, names?: AnyArray): GivenEmbeddings {
  if (!isNumbers(data) || data.length === 0 || (shape.length !== 2 && shape.length !== 3))
    throw new UserError(
      `${path} is an array of [${shape.join(", ")}]; embeddings are numbers of [captions, size] or [images, captions, size]`,
    );
  const [rows, size] = [shape[0]!, shape.at(-1)!];
  const count = shape.length === 3 ? shape[1]! : 1;
  if (names && (isNumbers(names.data) || names.data.length !== rows))
    throw new UserError(`${path}: its ${names.data.length} filenames do not name its ${rows} rows`);
  const images =
    shape.length === 3 || names
      ? Array.from({ length: rows }, (_, i) => ({ name: names ? bareName(String(names.data[i])) : "", count }))
      : undefined;
  return finite({ path, size, values: toFloats(data), images });
}

/** All images' vectors one after the other. @throws UserError when there are none, they differ in length, or are not finite */
export function embeddingsOfImages(path: string, images: readonly ImageVectors[]): GivenEmbeddings {
  const first = images.find(({ count }) => count > 0);
  if (!first) throw new UserError(`${path} holds no embeddings: neither .t7 files in class folders nor StackGAN's pickles`);
  const size = first.values.length / first.count;
  const other = images.find(({ count, values }) => values.length !== count * size);
  if (other)
    throw new UserError(
      `${path}: the vectors of ${other.name} are ${other.values.length / other.count} long, those of ${first.name} ${size}`,
    );
  const values = new Float32Array(images.reduce((sum, image) => sum + image.values.length, 0));
  let at = 0;
  for (const image of images) {
    values.set(image.values, at);
    at += image.values.length;
  }
  return finite({ path, size, values, images });
}

function finite(given: GivenEmbeddings): GivenEmbeddings {
  const bad = given.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new UserError(`${given.path}: vector ${Math.floor(bad / given.size) + 1} holds a value that is not finite`);
  return given;
}
