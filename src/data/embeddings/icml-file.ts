/**
 * Embeddings as the authors' programs keep them (github.com/reedscot/icml2016): a Torch7 file an image in class folders, a table of `txt`
 * [captions, size], `char` [201, captions] (the captions' characters) and `img` (the image's path).
 */
import { toFloats } from "../../formats/number-array.js";
import { LuaTable, readTorch7, tensorValues, TorchTensor } from "../../formats/torch7.js";
import { UserError } from "../../errors.js";
import { bareName, type ImageVectors } from "./given.js";

/**
 * Reads the file of one image.
 * @param image "class/image.t7"
 * @param name The file, for messages.
 * @throws UserError when it is damaged, or has no texts' embeddings
 */
export function readIcmlFile(bytes: Uint8Array, image: string, name: string): ImageVectors {
  const root = readTorch7(bytes, name);
  const vectors = root instanceof LuaTable ? root.get("txt") : undefined;
  if (!(vectors instanceof TorchTensor) || vectors.shape.length !== 2)
    throw new UserError(
      `${name} has no tensor "txt" of [captions, size], its texts' embeddings, as the .t7 files of the authors' data have`,
    );
  return { name: bareName(image), count: vectors.shape[0]!, values: Float32Array.from(toFloats(tensorValues(vectors))) };
}
