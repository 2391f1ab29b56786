/**
 * Embeddings that people bring, in the forms in which they are found:
 *
 *   DIR/<class>/<image>.t7                    of the authors' programs (icml-folder.ts)
 *   DIR/[train/|test/]…embeddings….pickle     of StackGAN (stackgan-folder.ts)
 *   FILE.npy, FILE.npz, FILE.safetensors      [captions, size] in the data set's order, or [images, captions of each, size]
 */
import { stat } from "node:fs/promises";
import { isArrayFile, readArrayFile } from "../../../data/embeddings/array-file.js";
import { embeddingsOfImages, type GivenEmbeddings } from "../../../data/embeddings/given.js";
import { UserError } from "../../../errors.js";
import { readPath } from "../../files/read-bytes.js";
import { readIcmlFolder } from "./icml-folder.js";
import { isPickle, readStackGan, stackGanPickles } from "./stackgan-folder.js";

/**
 * Reads embeddings, whatever their form.
 * @throws UserError when there are none, they are damaged, of different lengths or not finite
 */
export async function openEmbeddings(path: string): Promise<GivenEmbeddings> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new UserError(`${path}: no such file or folder of embeddings`);
  if (found.isDirectory()) {
    const pickles = await stackGanPickles(path);
    return embeddingsOfImages(path, pickles.length > 0 ? await readStackGan(pickles) : await readIcmlFolder(path));
  }
  if (isPickle(path)) return embeddingsOfImages(path, await readStackGan([path]));
  if (isArrayFile(path)) return readPath(path, readArrayFile);
  throw new UserError(
    `${path}: embeddings are read from .npy, .npz, .safetensors and .pickle files, from a folder with a .t7 file an image in class ` +
      "folders, and from one with StackGAN's pickles",
  );
}
