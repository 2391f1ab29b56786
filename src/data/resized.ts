/** A data set with smaller images, made of the larger ones that are kept. */
import type { Dataset } from "./dataset.js";
import { PackedDataset, type PreparedImage } from "./packed.js";
import { storedSide } from "./photo.js";
import { resizeArea } from "./resize.js";

/** @param size Side of the images that batches are made of; none is enlarged beyond what a photograph of its size would be. */
export function resized(dataset: Dataset, size: number): PackedDataset {
  const { name, classes, classless = false, split, alphabet, report } = dataset;
  const pieces: Uint8Array[] = [];
  const images = Array.from({ length: dataset.images }, (_, i): PreparedImage => {
    const before = dataset.side(i);
    const side = storedSide(before, before, size);
    pieces.push(side === before ? dataset.pixels(i) : resizeArea(dataset.pixels(i), before, before, side, side));
    return { name: dataset.imageName(i), classIndex: dataset.classOf(i), side, captions: dataset.captionsOf(i) };
  });
  const pixels = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    pixels.set(piece, at);
    at += piece.length;
  }
  return new PackedDataset({ name, size, classes, classless, split, alphabet, report, images, pixels });
}
