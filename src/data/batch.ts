/**
 * From image and caption numbers to the arrays a step uploads: pixels as bytes or as NCHW floats in [-1, 1], captions as rows of character
 * indices.
 */
import { CAPTION_LENGTH } from "./alphabet.js";
import type { Dataset } from "./dataset.js";
import type { Symbols } from "./symbols.js";

/** Which part of each stored image is taken, and whether it is mirrored; one entry a row. */
export interface Views {
  /** Left edge of the crop in the stored image; may lie outside it (a shift), then edge pixels are repeated. */
  readonly x: Int16Array;
  /** Upper edge. */
  readonly y: Int16Array;
  /** 1 where the crop is mirrored left to right. */
  readonly mirror: Uint8Array;
  /** Of the crop, the square that is enlarged to the whole; absent: all of it. */
  readonly part?: Parts;
  /** Factor on the brightness, black staying black; absent: 1. */
  readonly light?: Float32Array;
}

/** Squares inside crops, in the crop's pixels; one entry a row. */
export interface Parts {
  readonly left: Float32Array;
  readonly top: Float32Array;
  readonly side: Float32Array;
}

/** The deterministic view: centre crop, no mirror. For evaluation. */
export function centreViews(dataset: Pick<Dataset, "size" | "side">, images: ArrayLike<number>): Views {
  const offsets = Int16Array.from(images, (image) => (dataset.side(image) - dataset.size) >> 1);
  return { x: offsets, y: offsets.slice(), mirror: new Uint8Array(images.length) };
}

/** Images as the views want them, as bytes [images, size, size, 3]. */
export function fillPixels(dataset: Pick<Dataset, "size" | "side" | "pixels">, images: ArrayLike<number>, views: Views): Uint8Array {
  const { size } = dataset;
  const out = new Uint8Array(images.length * size * size * 3);
  const columns = new Int32Array(size);
  let at = 0;
  for (let row = 0; row < images.length; row++) {
    if (views.part) {
      fillPart(dataset, images[row]!, views, views.part, row, out);
      at += size * size * 3;
      continue;
    }
    const side = dataset.side(images[row]!);
    const pixels = dataset.pixels(images[row]!);
    const [left, mirrored] = [views.x[row]!, views.mirror[row] === 1];
    // A crop inside the image, as it lies there, is copied by whole lines.
    const whole = !mirrored && left >= 0 && left + size <= side;
    if (!whole) {
      for (let column = 0; column < size; column++) columns[column] = 3 * clamp(left + (mirrored ? size - 1 - column : column), side - 1);
    }
    for (let line = 0; line < size; line++) {
      const start = 3 * side * clamp(views.y[row]! + line, side - 1);
      if (whole) {
        out.set(pixels.subarray(start + 3 * left, start + 3 * (left + size)), at);
        at += 3 * size;
        continue;
      }
      for (let column = 0; column < size; column++) {
        const from = start + columns[column]!;
        out[at++] = pixels[from]!;
        out[at++] = pixels[from + 1]!;
        out[at++] = pixels[from + 2]!;
      }
    }
  }
  if (views.light) {
    const bytes = size * size * 3;
    for (let i = 0; i < out.length; i++) out[i] = Math.min(255, Math.round(out[i]! * views.light[Math.floor(i / bytes)]!));
  }
  return out;
}

/** The same as floats in [-1, 1], [images, 3, size, size]. */
export function fillImages(dataset: Pick<Dataset, "size" | "side" | "pixels">, images: ArrayLike<number>, views: Views): Float32Array {
  const plane = dataset.size ** 2;
  const bytes = fillPixels(dataset, images, views);
  const out = new Float32Array(bytes.length);
  for (let row = 0, at = 0; row < images.length; row++) {
    for (let i = row * 3 * plane; i < row * 3 * plane + plane; i++) {
      for (let channel = 0; channel < 3; channel++) out[i + channel * plane] = bytes[at++]! / 127.5 - 1;
    }
  }
  return out;
}

/** One row of fillPixels: a square of the crop enlarged by linear interpolation between the centres of pixels. */
function fillPart(
  dataset: Pick<Dataset, "size" | "side" | "pixels">,
  image: number,
  views: Views,
  part: Parts,
  row: number,
  out: Uint8Array,
): void {
  const { size } = dataset;
  const side = dataset.side(image);
  const pixels = dataset.pixels(image);
  const last = side - 1;
  const step = part.side[row]! / size;
  for (let line = 0; line < size; line++) {
    const v = clamp(views.y[row]! + part.top[row]! + (line + 0.5) * step - 0.5, last);
    const upper = Math.floor(v);
    const lower = Math.min(upper + 1, last);
    for (let column = 0; column < size; column++) {
      const place = views.mirror[row] ? size - 1 - column : column;
      const u = clamp(views.x[row]! + part.left[row]! + (place + 0.5) * step - 0.5, last);
      const left = Math.floor(u);
      const right = Math.min(left + 1, last);
      for (let c = 0; c < 3; c++) {
        const at = (y: number, x: number): number => pixels[3 * (side * y + x) + c]!;
        const above = at(upper, left) + (u - left) * (at(upper, right) - at(upper, left));
        const below = at(lower, left) + (u - left) * (at(lower, right) - at(lower, left));
        out[((row * size + line) * size + column) * 3 + c] = Math.round(above + (v - upper) * (below - above));
      }
    }
  }
}

/**
 * Writes captions as indices of symbols, [captions, columns]; 0 where there is no (known) one.
 * @param columns fewer than a document's where the batch's common zero tail is trimmed.
 * @param symbols the encoder's, by default the data set's alphabet. @returns out.
 */
export function fillCaptions(
  dataset: Dataset,
  captions: ArrayLike<number>,
  columns = CAPTION_LENGTH,
  out = new Uint32Array(captions.length * columns),
  symbols: Symbols = dataset.alphabet,
): Uint32Array {
  if (out.length !== captions.length * columns) {
    throw new RangeError(
      `fillCaptions: ${captions.length} captions of ${columns} columns need ${captions.length * columns} indices, the array has ${out.length}`,
    );
  }
  for (let row = 0; row < captions.length; row++) {
    symbols.encodeInto(dataset.caption(captions[row]!), out, row * columns, columns);
  }
  return out;
}

function clamp(value: number, last: number): number {
  return value < 0 ? 0 : value > last ? last : value;
}
