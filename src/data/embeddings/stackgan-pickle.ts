/**
 * Embeddings as StackGAN keeps them: a pickle with one array [captions, size] an image (char-CNN-RNN-embeddings.pickle), beside it
 * filenames.pickle with the images' names in the same order.
 */
import { toFloats } from "../../formats/number-array.js";
import type { NumpyArray } from "../../formats/numpy-array.js";
import { PickledArray, type PickleValue } from "../../formats/pickle-objects.js";
import { readPickle } from "../../formats/pickle.js";
import { UserError } from "../../errors.js";
import { bareName, type ImageVectors } from "./given.js";

/** A pickle's bytes, and what messages call it. */
export interface Pickle {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** What the file with the images' names is called. */
export const NAMES_PICKLE = "filenames.pickle";

/** The images of such a pair of pickles. @throws UserError when one is damaged or something else, or they do not fit each other */
export function readStackGanPickle(embeddings: Pickle, filenames: Pickle): ImageVectors[] {
  const names = namesIn(readPickle(filenames.bytes, filenames.name), filenames.name);
  const arrays = arraysIn(readPickle(embeddings.bytes, embeddings.name), embeddings.name);
  if (names.length !== arrays.length)
    throw new UserError(
      `${embeddings.name} has the embeddings of ${arrays.length} images, and ${NAMES_PICKLE} beside it names ${names.length}`,
    );
  return names.map((name, i) => ({ name: bareName(name), ...arrays[i]! }));
}

function namesIn(value: PickleValue, path: string): string[] {
  const list = value instanceof PickledArray ? value.array!.data : value;
  if (!Array.isArray(list) || !list.every((name) => typeof name === "string")) throw new UserError(`${path} is no list of file names`);
  return list;
}

/** A list of arrays, or one array of all images, which may have one vector each. */
function arraysIn(value: PickleValue, path: string): { count: number; values: Float32Array }[] {
  if (value instanceof PickledArray) {
    const { shape, data } = numbers(value.array!, path, value.array!.shape.length === 2 ? 2 : 3);
    const [images, size] = [shape[0]!, shape.at(-1)!];
    const count = shape.length === 3 ? shape[1]! : 1;
    return Array.from({ length: images }, (_, i) => ({ count, values: data.subarray(i * count * size, (i + 1) * count * size) }));
  }
  if (!Array.isArray(value)) throw new UserError(`${path} is no list of arrays`);
  return value.map((item) => {
    if (!(item instanceof PickledArray)) throw new UserError(`${path} is a list of something else than arrays`);
    const { shape, data } = numbers(item.array!, path, 2);
    return { count: shape[0]!, values: data };
  });
}

function numbers({ shape, data }: NumpyArray, path: string, dimensions: number): { shape: readonly number[]; data: Float32Array } {
  if (Array.isArray(data) || shape.length !== dimensions)
    throw new UserError(
      `${path} holds an array of [${shape.join(", ")}] where numbers of ${dimensions === 3 ? "[images, captions, size]" : "[captions, size]"} belong`,
    );
  return { shape, data: toFloats(data as Exclude<NumpyArray["data"], readonly string[]>) };
}
