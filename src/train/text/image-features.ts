/** Features of images from a file, for the image side of a joint embedding: those of GoogLeNet, as in the paper, or of any other network. */
import { closeSync, openSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { Dataset } from "../../data/dataset.js";
import { readNpy } from "../../formats/npy.js";
import { type NumberArray, toFloats } from "../../formats/number-array.js";
import type { NumpyArray } from "../../formats/numpy-array.js";
import { fileProblemOr } from "../../node/files/file-problem.js";
import { UserError } from "../../errors.js";
import { readSafetensors } from "../../formats/safetensors.js";

export interface ImageFeatures {
  /** Length of a feature vector. */
  readonly size: number;
  /** Feature vectors of an image: of crops and mirrors of it, of which the first is the whole image. */
  readonly views: number;
  /** [images, views, size] */
  readonly values: Float32Array;
  /** Named in messages. */
  readonly file: string;
}

/** Tells before any work what reading them would tell at once. @throws UserError when it is no file of such a kind, or cannot be read */
export function requireImageFeatures(path: string): void {
  const kind = extname(path).toLowerCase();
  if (kind !== ".safetensors" && kind !== ".npy") throw new UserError(`--image-features ${path}: a .safetensors or .npy file is wanted`);
  try {
    const file = openSync(path, "r");
    try {
      // A folder can be opened, but not read.
      readSync(file, new Uint8Array(1));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new UserError(`--image-features ${path} cannot be read: ${fileProblemOr(error)}`);
  }
}

/**
 * Reads [images, size] or [images, views, size] of numbers, a row an image in the data set's order (by class, then by image name).
 * @param path A .npy file, or a .safetensors file with one tensor, or one named `features`.
 * @throws UserError when the file is of another kind or does not fit the data set.
 */
export async function readImageFeatures(path: string, dataset: Dataset): Promise<ImageFeatures> {
  requireImageFeatures(path);
  const kind = extname(path).toLowerCase();
  const bytes = await readFile(path);
  const { shape, data } = kind === ".npy" ? floats(readNpy(bytes, path), path) : await onlyTensor(bytes, path);
  if ((shape.length !== 2 && shape.length !== 3) || shape[0] !== dataset.images) {
    const wanted = `[${dataset.images}, size] or [${dataset.images}, views, size]`;
    throw new UserError(`${path}: the features are [${shape.join(", ")}]; for ${dataset.name} they must be ${wanted}, a row an image`);
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new UserError(`${path}: the features of image ${Math.floor(bad / (data.length / dataset.images))} are not finite`);
  return { size: shape.at(-1)!, views: shape.length === 3 ? shape[1]! : 1, values: data, file: path };
}

interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

function floats({ shape, data }: { readonly shape: readonly number[]; readonly data: NumpyArray["data"] }, path: string): Floats {
  if (Array.isArray(data)) throw new UserError(`${path}: the features are texts, not numbers`);
  return { shape, data: toFloats(data as NumberArray) };
}

async function onlyTensor(bytes: Uint8Array, path: string): Promise<Floats> {
  const { tensors } = await readSafetensors(bytes, path);
  const found = tensors.get("features") ?? (tensors.size === 1 ? [...tensors.values()][0] : undefined);
  if (!found) throw new UserError(`${path} holds ${tensors.size} tensors and none named "features"`);
  return floats(found, path);
}

/** Feature vectors of images, one view of each: [images, size]. @param view By row; default the first. */
export function fillFeatures(
  { size, views, values }: ImageFeatures,
  images: ArrayLike<number>,
  view: (row: number) => number = () => 0,
): Float32Array {
  const out = new Float32Array(images.length * size);
  for (let row = 0; row < images.length; row++) {
    const from = (images[row]! * views + view(row)) * size;
    out.set(values.subarray(from, from + size), row * size);
  }
  return out;
}
