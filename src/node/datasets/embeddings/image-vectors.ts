/** What the readers of embeddings share: an image's vectors, and the name by which a data set knows the image. */
import { isImageName, nameForm, withoutEnding } from "../../../data/names.js";

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
