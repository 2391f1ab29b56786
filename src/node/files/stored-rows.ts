/** Rows of numbers of one length in a file, read and written by their places: for tables that are too large to be held. */
import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { endianness } from "node:os";
import { dirname } from "node:path";
import type { StoredRows } from "../../train/run/store.js";
import { writing } from "./writing.js";

type Move = (file: number, bytes: Uint8Array, at: number, length: number, position: number) => number;

/** Closes the files of tables that nobody has any more. */
const forgotten = new FinalizationRegistry(closeSync);

/** The rows, 32-bit floats, then a byte for each that says whether it is there. */
export class RowsFile implements StoredRows {
  readonly known: Uint8Array;
  readonly #file: number;

  /** @throws UserError as the writing of a store does */
  constructor(
    readonly path: string,
    readonly count: number,
    /** Numbers of a row. */
    readonly length: number,
  ) {
    if (endianness() !== "LE") throw new Error("files of rows are little-endian, and this machine is not");
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT);
    forgotten.register(this, this.#file);
    this.known = new Uint8Array(count);
    const size = 4 * count * length + count;
    // The file has holes until its rows are written: they take no room.
    if (fstatSync(this.#file).size === size) this.#move(readSync, this.known, size - count);
    else writing(path, () => (ftruncateSync(this.#file), ftruncateSync(this.#file, size)));
  }

  read(row: number): Float32Array {
    const values = new Float32Array(this.length);
    this.#move(readSync, new Uint8Array(values.buffer), 4 * this.length * row);
    return values;
  }

  write(row: number, values: Float32Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    writing(this.path, () => this.#move(writeSync, bytes, 4 * this.length * row));
  }

  /** Rows reach the disk before it is said that they are there. */
  keep(known: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      writing(this.path, () => {
        fdatasyncSync(this.#file);
        this.#move(writeSync, known, 4 * this.length * this.count);
        fdatasyncSync(this.#file);
      });
      resolve();
    });
  }

  #move(by: Move, bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length;) {
      const moved = by(this.#file, bytes, at, bytes.length - at, position + at);
      if (moved === 0) throw new Error(`${this.path} has been cut short`);
      at += moved;
    }
  }
}
