/** Features of images from a file, for the image side of a joint embedding: those of GoogLeNet, as in the paper, or of any other network. */
import type { Dataset } from "../../data/dataset.js";
import { endingOf } from "../../data/names.js";
import { readNpy } from "../../formats/npy.js";
import { type NumberArray, toFloats } from "../../formats/number-array.js";
import type { NumpyArray } from "../../formats/numpy-array.js";
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

/** Whether a file's name is that of features. */
export const isFeaturesFile = (name: string): boolean => /^\.(?:npy|safetensors)$/.test(endingOf(name));

/**
 * Reads [images, size] or [images, views, size] of numbers, a row an image in the data set's order (by class, then by image name).
 * @param bytes A .npy file, or a .safetensors file with one tensor, or one named `features`.
 * @param name The file, whose ending says which it is; for messages too.
 * @throws UserError when the file is of another kind or does not fit the data set.
 */
export async function readImageFeatures(bytes: Uint8Array, name: string, dataset: Dataset): Promise<ImageFeatures> {
  if (!isFeaturesFile(name)) throw new UserError(`${name}: features of images are read from .npy and .safetensors files`);
  const { shape, data } = endingOf(name) === ".npy" ? floats(readNpy(bytes, name), name) : await onlyTensor(bytes, name);
  if ((shape.length !== 2 && shape.length !== 3) || shape[0] !== dataset.images) {
    const wanted = `[${dataset.images}, size] or [${dataset.images}, views, size]`;
    throw new UserError(`${name}: the features are [${shape.join(", ")}]; for ${dataset.name} they must be ${wanted}, a row an image`);
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new UserError(`${name}: the features of image ${Math.floor(bad / (data.length / dataset.images))} are not finite`);
  return { size: shape.at(-1)!, views: shape.length === 3 ? shape[1]! : 1, values: data, file: name };
}

interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

function floats({ shape, data }: { readonly shape: readonly number[]; readonly data: NumpyArray["data"] }, name: string): Floats {
  if (Array.isArray(data)) throw new UserError(`${name}: the features are texts, not numbers`);
  return { shape, data: toFloats(data as NumberArray) };
}

async function onlyTensor(bytes: Uint8Array, name: string): Promise<Floats> {
  const { tensors } = await readSafetensors(bytes, name);
  const found = tensors.get("features") ?? (tensors.size === 1 ? [...tensors.values()][0] : undefined);
  if (!found) throw new UserError(`${name} holds ${tensors.size} tensors and none named "features"`);
  return floats(found, name);
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
