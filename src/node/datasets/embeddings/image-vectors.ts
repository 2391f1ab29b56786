/** What the readers of embeddings share: an image's vectors, and the name by which a data set knows the image. */
import { readFile } from "node:fs/promises";
import { isImageName, nameForm, withoutEnding } from "../../../data/names.js";
import { fileProblemOr } from "../../files/file-problem.js";
import { UserError } from "../../../errors.js";

/** The vectors of one image's captions. */
export interface ImageVectors {
  /** "class/image", or the image alone where there is no class. */
  readonly name: string;
  readonly count: number;
  /** [count, size] */
  readonly values: Float32Array;
}

/** "images/001.A/x.jpg" → "001.A/x": what a data set calls an image, whatever folders stand before, in the form in which names are compared. */
export function bareName(name: string): string {
  const path = name.replaceAll("\\", "/").split("/").slice(-2).join("/");
  return nameForm(isImageName(path) || /\.(?:t7|txt|bmp)$/i.test(path) ? withoutEnding(path) : path);
}

/** A file's bytes. @throws UserError when it cannot be read, or is larger than what can be read at once */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${fileProblemOr(error)}`);
  }
}
