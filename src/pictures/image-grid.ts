/** Sample grids: a batch of generated images as one picture, and the list of captions that goes with it. */

/** A picture as its pixels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Bytes [height, width, 3]: red, green, blue. */
  readonly pixels: Uint8Array;
}

/** How images are laid out. */
export interface GridOptions {
  /** Images a row. */
  readonly columns: number;
  /** Dark pixels around and between the images (default 2). */
  readonly gap?: number;
  /** Each pixel becomes a square of this side (default 1). */
  readonly scale?: number;
}

/** Shade of the gaps: near black, so that light and dark images both stand off. */
export const GAP_SHADE = 24;

/**
 * Lays images out in rows, left to right. `images` are [count, 3, size, size] in [-1, 1] (values outside are clipped), row-major; the last
 * row may be short.
 */
export function imageGrid(images: Float32Array, size: number, { columns, gap = 2, scale = 1 }: GridOptions): Picture {
  const plane = size * size;
  const count = images.length / (3 * plane);
  if (!Number.isInteger(count) || count === 0) throw new RangeError(`${images.length} values are no images of 3x${size}x${size}`);
  const cell = size * scale + gap;
  const rows = Math.ceil(count / columns);
  const width = Math.min(columns, count) * cell + gap;
  const height = rows * cell + gap;
  const pixels = new Uint8Array(width * height * 3).fill(GAP_SHADE);
  for (let i = 0; i < count; i++) {
    const left = gap + (i % columns) * cell;
    const top = gap + Math.floor(i / columns) * cell;
    for (let y = 0; y < size * scale; y++) {
      for (let x = 0; x < size * scale; x++) {
        const from = 3 * plane * i + Math.floor(y / scale) * size + Math.floor(x / scale);
        const to = 3 * ((top + y) * width + left + x);
        for (let c = 0; c < 3; c++) pixels[to + c] = level(images[from + c * plane] as number);
      }
    }
  }
  return { width, height, pixels };
}

/** [-1, 1] -> 0 ... 255; not a number -> 0. */
function level(value: number): number {
  const scaled = Math.round((value + 1) * 127.5);
  return scaled > 0 ? Math.min(255, scaled) : 0;
}

/** Enlargement at which an image of that side is about as large as people like to look at. */
export const pleasantScale = (size: number): number => Math.max(1, Math.round(128 / size));

/** Letters of scripts that are written from right to left. */
const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/**
 * A sentence as it can stand in a line of another direction: one from right to left between Unicode's marks of isolation (U+2068, U+2069),
 * lest it draw the words around it into its own order.
 */
export const isolated = (sentence: string): string => (RIGHT_TO_LEFT.test(sentence) ? `\u2068${sentence}\u2069` : sentence);

/** The captions of a grid whose row r shows captions[r]: a line each, as samples/step-XXXXXX.txt holds them. */
export function captionList(captions: readonly string[]): string {
  return captions.map((caption, row) => `row ${row + 1}: ${caption}\n`).join("");
}

/** Puts an image before each row of others. @param first [rows, 3, S, S] @param rest [rows · columns, 3, S, S] */
export function withFirst(first: Float32Array, rest: Float32Array, rows: number): Float32Array {
  const [each, row] = [first.length / rows, rest.length / rows];
  const all = new Float32Array(first.length + rest.length);
  for (let r = 0; r < rows; r++) {
    all.set(first.subarray(r * each, (r + 1) * each), r * (each + row));
    all.set(rest.subarray(r * row, (r + 1) * row), r * (each + row) + each);
  }
  return all;
}
