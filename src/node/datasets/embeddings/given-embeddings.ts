/**
 * Embeddings that people bring, in the forms in which they are found:
 *
 *   DIR/<class>/<image>.t7                    of the authors' programs (icml-folder.ts)
 *   DIR/[train/|test/]…embeddings….pickle     of StackGAN (stackgan-pickles.ts)
 *   FILE.npy, FILE.npz, FILE.safetensors      [captions, size] in the data set's order, or [images, captions of each, size]
 */
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { type NumberArray, toFloats } from "../../../formats/number-array.js";
import { readNpy, readNpz } from "../../../formats/npy.js";
import type { NumpyArray } from "../../../formats/numpy-array.js";
import { UserError } from "../../../errors.js";
import { readSafetensors, type SafetensorsFile } from "../../../formats/safetensors.js";
import { readIcmlFolder } from "./icml-folder.js";
import { bareName, type ImageVectors } from "./image-vectors.js";
import { readBytes } from "../../files/read-bytes.js";
import { isPickle, readStackGan, stackGanPickles } from "./stackgan-pickles.js";

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

/**
 * Reads embeddings, whatever their form.
 * @throws UserError when there are none, they are damaged, of different lengths or not finite
 */
export async function openEmbeddings(path: string): Promise<GivenEmbeddings> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new UserError(`${path}: no such file or folder of embeddings`);
  const given = found.isDirectory() ? await openFolder(path) : await openFile(path);
  const bad = given.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new UserError(`${path}: vector ${Math.floor(bad / given.size) + 1} holds a value that is not finite`);
  return given;
}

async function openFolder(path: string): Promise<GivenEmbeddings> {
  const pickles = await stackGanPickles(path);
  return ofImages(path, pickles.length > 0 ? await readStackGan(pickles) : await readIcmlFolder(path));
}

async function openFile(path: string): Promise<GivenEmbeddings> {
  if (isPickle(path)) return ofImages(path, await readStackGan([path]));
  const array = async (): Promise<GivenEmbeddings> => {
    switch (extname(path).toLowerCase()) {
      case ".npy":
        return ofArray(path, readNpy(await readBytes(path), path));
      case ".npz": {
        const arrays = readNpz(await readBytes(path), path, (names) =>
          names.includes("embeddings") ? ["embeddings", "filenames"] : names,
        );
        return ofArray(path, only(arrays, path), arrays.get("filenames"));
      }
      case ".safetensors":
        return ofArray(path, only(await readTensors(path), path));
      default:
        throw new UserError(
          `${path}: embeddings are read from .npy, .npz, .safetensors and .pickle files, from a folder with a .t7 file an image in class ` +
            "folders, and from one with StackGAN's pickles",
        );
    }
  };
  return array();
}

async function readTensors(path: string): Promise<SafetensorsFile["tensors"]> {
  const { tensors, unread } = await readSafetensors(await readBytes(path), path);
  const type = unread.get("embeddings") ?? (tensors.size === 0 ? [...unread.values()][0] : undefined);
  if (type !== undefined) throw new UserError(`${path}: its embeddings are of the type ${type}; save them as 32-bit floats`);
  return tensors;
}

/** The array of that name among others, or the only one. */
function only<T>(arrays: ReadonlyMap<string, T>, path: string): T {
  const array = arrays.get("embeddings") ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  if (!array) throw new UserError(`${path} holds ${arrays.size} arrays, and none is named "embeddings"`);
  return array;
}

interface AnyArray {
  readonly shape: readonly number[];
  readonly data: NumpyArray["data"];
}

const isNumbers = (data: NumpyArray["data"]): data is NumberArray => !Array.isArray(data);

function ofArray(path: string, { shape, data }: AnyArray, names?: AnyArray): GivenEmbeddings {
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
  return { path, size, values: toFloats(data), images };
}

/** All images' vectors one after the other. */
function ofImages(path: string, images: readonly ImageVectors[]): GivenEmbeddings {
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
  return { path, size, values, images };
}
