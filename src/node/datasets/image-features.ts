/** The file of `--image-features`. */
import { closeSync, openSync, readSync } from "node:fs";
import type { Dataset } from "../../data/dataset.js";
import { UserError } from "../../errors.js";
import { type ImageFeatures, isFeaturesFile, readImageFeatures } from "../../train/text/image-features.js";
import { fileProblemOr } from "../files/file-problem.js";
import { readPath } from "../files/read-bytes.js";

/** Tells before any work what reading them would tell at once. @throws UserError when it is no file of such a kind, or cannot be read */
export function requireImageFeatures(path: string): void {
  if (!isFeaturesFile(path)) throw new UserError(`--image-features ${path}: a .safetensors or .npy file is wanted`);
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

/** Reads them. @throws UserError when the file cannot be read, is of another kind, or does not fit the data set */
export function openImageFeatures(path: string, dataset: Dataset): Promise<ImageFeatures> {
  requireImageFeatures(path);
  return readPath(path, (bytes, name) => readImageFeatures(bytes, name, dataset));
}
