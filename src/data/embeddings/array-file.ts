/** Embeddings as one array: .npy, .npz and .safetensors files of [captions, size] or [images, captions of each, size]. */
import { readNpy, readNpz } from "../../formats/npy.js";
import { readSafetensors, type SafetensorsFile } from "../../formats/safetensors.js";
import { UserError } from "../../errors.js";
import { endingOf } from "../names.js";
import { embeddingsOfArray, type GivenEmbeddings } from "./given.js";

/** Whether a file's name is that of an array. */
export const isArrayFile = (name: string): boolean => /^\.(?:npy|npz|safetensors)$/.test(endingOf(name));

/**
 * Reads such a file.
 * @param name The file, whose ending says its form; for messages too.
 * @throws UserError when it is of another kind, damaged, or holds no embeddings
 */
export async function readArrayFile(bytes: Uint8Array, name: string): Promise<GivenEmbeddings> {
  switch (endingOf(name)) {
    case ".npy":
      return embeddingsOfArray(name, readNpy(bytes, name));
    case ".npz": {
      const arrays = readNpz(bytes, name, (names) => (names.includes("embeddings") ? ["embeddings", "filenames"] : names));
      return embeddingsOfArray(name, only(arrays, name), arrays.get("filenames"));
    }
    case ".safetensors":
      return embeddingsOfArray(name, only(await tensorsIn(bytes, name), name));
    default:
      throw new UserError(`${name}: arrays of embeddings are read from .npy, .npz and .safetensors files`);
  }
}

async function tensorsIn(bytes: Uint8Array, name: string): Promise<SafetensorsFile["tensors"]> {
  const { tensors, unread } = await readSafetensors(bytes, name);
  const type = unread.get("embeddings") ?? (tensors.size === 0 ? [...unread.values()][0] : undefined);
  if (type !== undefined) throw new UserError(`${name}: its embeddings are of the type ${type}; save them as 32-bit floats`);
  return tensors;
}

/** The array of that name among others, or the only one. */
function only<T>(arrays: ReadonlyMap<string, T>, name: string): T {
  const array = arrays.get("embeddings") ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  if (!array) throw new UserError(`${name} holds ${arrays.size} arrays, and none is named "embeddings"`);
  return array;
}
