/**
 * Embeddings as StackGAN keeps them: a pickle with one array [captions, size] an image (char-CNN-RNN-embeddings.pickle), beside it
 * filenames.pickle with the images' names in the same order; the two of the training classes in train/, those of the others in test/.
 */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { toFloats } from "../../../formats/number-array.js";
import type { NumpyArray } from "../../../formats/numpy-array.js";
import { PickledArray, type PickleValue, readPickle } from "../../../formats/pickle.js";
import { isStray } from "../../../data/names.js";
import { UserError } from "../../../errors.js";
import { bareName, type ImageVectors } from "./image-vectors.js";
import { readBytes } from "../../files/read-bytes.js";

const NAMES = "filenames.pickle";

export const isPickle = (path: string): boolean => /\.(?:pickle|pkl)$/i.test(path);

/** The pickles of embeddings in a folder, in its train/ and in its test/. */
export async function stackGanPickles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const inside of [".", "train", "test"]) {
    const files = await readdir(join(folder, inside)).catch(() => []);
    found.push(
      ...files.filter((name) => !isStray(name) && isPickle(name) && /embedding/i.test(name)).map((name) => join(folder, inside, name)),
    );
  }
  const folders = found.map((path) => dirname(path));
  const two = folders.findIndex((name, i) => folders.indexOf(name) !== i);
  if (two >= 0)
    throw new UserError(
      `${folders[two]} holds several pickles of embeddings (${found.map((path) => basename(path)).join(", ")}): name one of them`,
    );
  return found;
}

/** The images of these pickles, one after the other. */
export async function readStackGan(paths: readonly string[]): Promise<ImageVectors[]> {
  const lists: ImageVectors[] = [];
  for (const path of paths) {
    const names = namesIn(readPickle(await readBytes(join(dirname(path), NAMES)), join(dirname(path), NAMES)), join(dirname(path), NAMES));
    const arrays = arraysIn(readPickle(await readBytes(path), path), path);
    if (names.length !== arrays.length)
      throw new UserError(`${path} has the embeddings of ${arrays.length} images, and ${NAMES} beside it names ${names.length}`);
    for (const [i, name] of names.entries()) lists.push({ name: bareName(name), ...arrays[i]! });
  }
  return lists;
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
