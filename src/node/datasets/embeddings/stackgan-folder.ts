/**
 * Where StackGAN's pickles lie (data/embeddings/stackgan-pickle.ts): in one folder, or those of the training classes in its train/ and those of
 * the others in its test/; each with its filenames.pickle beside it.
 */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ImageVectors } from "../../../data/embeddings/given.js";
import { NAMES_PICKLE, readStackGanPickle } from "../../../data/embeddings/stackgan-pickle.js";
import { isStray } from "../../../data/names.js";
import { UserError } from "../../../errors.js";
import { readPath } from "../../files/read-bytes.js";

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
  const asPickle = (bytes: Uint8Array, name: string) => ({ bytes, name });
  const lists: ImageVectors[][] = [];
  for (const path of paths) {
    const filenames = await readPath(join(dirname(path), NAMES_PICKLE), asPickle);
    lists.push(readStackGanPickle(await readPath(path, asPickle), filenames));
  }
  return lists.flat();
}
