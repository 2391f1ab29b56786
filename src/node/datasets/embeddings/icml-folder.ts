/**
 * Embeddings as the authors' programs keep them (github.com/reedscot/icml2016): a Torch7 file an image in class folders, a table of `txt`
 * [captions, size], `char` [201, captions] (the captions' characters) and `img` (the image's path).
 */
import { join } from "node:path";
import { listFolder } from "../archive.js";
import { toFloats } from "../../../formats/number-array.js";
import { LuaTable, readTorch7, tensorValues, TorchTensor } from "../../../formats/torch7.js";
import { UserError } from "../../../errors.js";
import { bareName, type ImageVectors } from "./image-vectors.js";
import { readBytes } from "../../files/read-bytes.js";

/** Every .t7 file one level below a folder, by class and name. */
export async function readIcmlFolder(folder: string): Promise<ImageVectors[]> {
  const images: ImageVectors[] = [];
  for (const { path, name } of await listFolder(folder)) {
    if (/^[^/]+\/[^/]+\.t7$/i.test(path)) images.push(await readImage(join(folder, path), name));
  }
  return images;
}

async function readImage(path: string, name: string): Promise<ImageVectors> {
  const root = readTorch7(await readBytes(path), path);
  const vectors = root instanceof LuaTable ? root.get("txt") : undefined;
  if (!(vectors instanceof TorchTensor) || vectors.shape.length !== 2)
    throw new UserError(
      `${path} has no tensor "txt" of [captions, size], its texts' embeddings, as the .t7 files of the authors' data have`,
    );
  return { name: bareName(name), count: vectors.shape[0]!, values: Float32Array.from(toFloats(tensorValues(vectors))) };
}
