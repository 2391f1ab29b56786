/** Rows of pixels as they are decoded: where a preparation puts them, and what an earlier one that was stopped has put there. */
import type { PreparedData, PreparedSet } from "../packed.js";

export interface DecodedImage {
  readonly side: number;
  readonly pixels: Uint8Array;
  /** Pixels that were decoded; rows and columns count as 64 at least, since thousands of tiny rows take as long. */
  readonly work: number;
}

/** Where the pixels of an image lie. */
export interface Row {
  readonly side: number;
  readonly at: number;
}

/** What became of an image: a row, or a reason why there is none. */
export type Outcome = (Row | { readonly reason: string }) & {
  /** Pixels that were decoded for it (`DecodedImage`). */
  readonly work: number;
};

export interface Rows {
  /** Images that are done, by their paths. */
  readonly done: ReadonlyMap<string, Outcome>;
  /** @throws DataError where there is no room for it; all rows before it are kept */
  add(path: string, image: DecodedImage): Row;
  fail(path: string, reason: string, work: number): void;
  /** The pixels of some rows, one row after the other, in pieces that are overwritten by those that follow. */
  pixels(rows: readonly Row[]): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A data set, and where the pixels of its images lie. */
export interface Prepared {
  readonly set: PreparedSet;
  readonly rows: readonly Row[];
}

export const bytesOf = (rows: readonly Row[]): number => rows.reduce((sum, { side }) => sum + 3 * side ** 2, 0);

/** For a page, and where nothing can be written. */
export class RowsInMemory implements Rows {
  readonly done = new Map<string, Outcome>();
  readonly #pixels: Uint8Array[] = [];

  add(_path: string, { side, pixels }: DecodedImage): Row {
    return { side, at: this.#pixels.push(pixels) - 1 };
  }

  fail(): void {
    // Nobody comes back to it.
  }

  pixels(rows: readonly Row[]): Uint8Array[] {
    return rows.map(({ at }) => this.#pixels[at]!);
  }

  /** The data set that these rows make up. */
  together({ set, rows }: Prepared): PreparedData {
    return { ...set, pixels: concatenate(this.pixels(rows)) };
  }
}

/** Pieces one after the other. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
