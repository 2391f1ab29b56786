/** A folder of the authors' files of embeddings, one an image in class folders (data/embeddings/icml-file.ts). */
import { join } from "node:path";
import type { ImageVectors } from "../../../data/embeddings/given.js";
import { readIcmlFile } from "../../../data/embeddings/icml-file.js";
import { readPath } from "../../files/read-bytes.js";
import { listFolder } from "../archive.js";

/** Every .t7 file one level below a folder, by class and name. */
export async function readIcmlFolder(folder: string): Promise<ImageVectors[]> {
  const images: ImageVectors[] = [];
  for (const { path, name } of await listFolder(folder)) {
    if (/^[^/]+\/[^/]+\.t7$/i.test(path)) images.push(await readPath(join(folder, path), (bytes, file) => readIcmlFile(bytes, name, file)));
  }
  return images;
}
