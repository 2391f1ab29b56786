/**
 * Rows of pixels in a file beside the packed file that is being made (`.part`), with a journal of the images that are done: a preparation
 * that is stopped, or killed at any moment, goes on where it was. Both go when the packed file is there.
 *
 * The journal is JSON, a line each: first the key of the packed file, which names all sources with their sizes and times, and the source's
 * place; then for each image its path, the row's side, place and checksum, or the reason why it has none; and the pixels that were decoded. A
 * line is written after its row.
 */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DataError } from "../../data/dataset.js";
import { fileProblemOr } from "../files/file-problem.js";
import { HeldError, lockFolder, lockState } from "../files/run-lock.js";
import type { DecodedImage, Outcome, Row, Rows } from "../../data/layouts/rows.js";

/** Bytes read by one system call. */
const PIECE = 1 << 20;
/** Both files are written by position. */
const READ_WRITE = constants.O_RDWR | constants.O_CREAT;
/** How often a process looks whether another one has done. */
const LOOK_MS = 200;

const journalOf = (packed: string): string => `${packed}.part.journal`;
const lockOf = (packed: string): string => `${packed}.part.lock`;

/** What a preparation is of. */
export interface PartOf {
  /** The packed file that it makes. */
  readonly packed: string;
  readonly key: string;
  /** Where the images lie. */
  readonly source: string;
}

export class PartFile implements Rows {
  readonly done = new Map<string, Outcome>();
  readonly #of: PartOf;
  readonly #rows: number;
  readonly #journal: number;
  readonly #unlock: () => void;
  /** Where the next row and the next line go. */
  #end = 0;
  #journalEnd = 0;

  /** @throws the file system's error */
  private constructor(of: PartOf, unlock: () => void) {
    this.#of = of;
    this.#unlock = unlock;
    this.#rows = openSync(`${of.packed}.part`, READ_WRITE);
    this.#journal = openSync(journalOf(of.packed), READ_WRITE);
    this.#resume();
  }

  /**
   * Opens the part of a preparation, an earlier one's too; waits for a process that is at it.
   * @param onWait Is told once when it waits.
   * @returns undefined where another process has made the packed file meanwhile, or given up: it is to be looked for again
   * @throws the file system's error where nothing can be written there; the signal's reason
   */
  static async open(of: PartOf, onWait: (line: string) => void, signal?: AbortSignal): Promise<PartFile | undefined> {
    mkdirSync(dirname(of.packed), { recursive: true });
    const lock = lockOf(of.packed);
    try {
      const unlock = lockFolder(of.packed, lock, () => undefined, "prepared");
      try {
        removeOutdated(of);
        return new PartFile(of, unlock);
      } catch (error) {
        unlock();
        throw error;
      }
    } catch (error) {
      if (!(error instanceof HeldError)) throw error;
      if (!error.here) throw new DataError(error.message, { cause: error });
      onWait(`another process prepares it already: waiting`);
    }
    while (lockState(lock) === "held") await pause(LOOK_MS, undefined, signal && { signal });
    return undefined;
  }

  add(path: string, { side, pixels, work }: DecodedImage): Row {
    const row = { side, at: this.#end };
    this.#write(this.#rows, pixels, row.at);
    this.#end += pixels.length;
    this.#note([path, side, row.at, work, checksum(pixels)]);
    return row;
  }

  fail(path: string, reason: string, work: number): void {
    this.#note([path, reason, work]);
  }

  *pixels(rows: readonly Row[]): Generator<Uint8Array> {
    // Rows that follow each other in the file are read together: mostly all do.
    for (let i = 0; i < rows.length;) {
      const { at, side } = rows[i++]!;
      let length = 3 * side ** 2;
      for (; i < rows.length && rows[i]!.at === at + length && length < PIECE; i++) length += 3 * rows[i]!.side ** 2;
      const piece = this.#read(at, length);
      if (piece.length < length) throw new DataError(`${this.#of.packed}.part has been changed by another program; remove it`);
      yield piece;
    }
  }

  /** @param finished Whether the packed file is there; else the part stays, to go on with. */
  close(finished: boolean): void {
    closeSync(this.#rows);
    closeSync(this.#journal);
    if (finished || this.#end === 0) removePart(this.#of.packed);
    this.#unlock();
  }

  /** What an earlier preparation of the same sources has done, whose rows are as they were written. */
  #resume(): void {
    const [head, ...lines] = wholeLines(readFileSync(journalOf(this.#of.packed), "utf8"));
    const own = JSON.stringify({ key: this.#of.key, source: this.#of.source });
    if (head !== own) {
      ftruncateSync(this.#rows);
      ftruncateSync(this.#journal);
      this.#line(own);
      return;
    }
    this.#journalEnd = Buffer.byteLength(`${own}\n`);
    for (const line of lines) {
      const entry = entryOf(line);
      if (!entry) break;
      this.#journalEnd += Buffer.byteLength(`${line}\n`);
      const { path, hash, ...outcome } = entry;
      if ("at" in outcome) {
        const length = 3 * outcome.side ** 2;
        const row = this.#read(outcome.at, length);
        // A machine that lost power may have kept the line, and not the row.
        if (row.length < length || checksum(row) !== hash) {
          this.done.delete(path);
          continue;
        }
        this.#end = Math.max(this.#end, outcome.at + length);
      }
      this.done.set(path, outcome);
    }
    ftruncateSync(this.#journal, this.#journalEnd);
  }

  #read(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#rows, bytes, done, length - done, at + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  #note(entry: readonly (string | number)[]): void {
    this.#line(JSON.stringify(entry));
  }

  #line(text: string): void {
    const bytes = Buffer.from(`${text}\n`);
    this.#write(this.#journal, bytes, this.#journalEnd);
    this.#journalEnd += bytes.length;
  }

  #write(file: number, bytes: Uint8Array, position: number): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, position + at);
    } catch (error) {
      throw cannotWrite(this.#of.packed, error);
    }
  }
}

/** One line for a disk that is full while a data set is prepared. */
export const cannotWrite = (packed: string, error: unknown): DataError =>
  new DataError(
    `${dirname(packed)} cannot be written: ${fileProblemOr(error)}; the images that are done are kept there: make room, and the same command goes on`,
    { cause: error },
  );

function removePart(packed: string): void {
  for (const path of [journalOf(packed), `${packed}.part`]) rmSync(path, { force: true });
}

/** Removes what stopped preparations of this source left when its files were others: it can be of no use. */
function removeOutdated({ packed, source }: PartOf): void {
  const prefix = basename(packed).replace(/[0-9a-f]+\.packed$/, "");
  for (const name of readdirSync(dirname(packed))) {
    if (!name.startsWith(prefix) || !name.endsWith(journalOf(""))) continue;
    const other = join(dirname(packed), name.slice(0, -journalOf("").length));
    if (other === packed || lockState(lockOf(other)) === "held") continue;
    const [head] = wholeLines(readFileSync(journalOf(other), "utf8"));
    if (head?.endsWith(`,"source":${JSON.stringify(source)}}`)) removePart(other);
  }
}

/** FNV-1a over words: it is to find a row that was never written, not one that was forged. */
function checksum(bytes: Uint8Array): number {
  const words = bytes.length >>> 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let hash = 0x811c9dc5;
  for (let i = 0; i < words; i++) hash = Math.imul(hash ^ view.getUint32(4 * i, true), 0x01000193);
  for (let i = 4 * words; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

/** The last line may have been cut short. */
const wholeLines = (text: string): string[] => text.split("\n").slice(0, -1);

type Entry = Outcome & { readonly path: string; readonly hash?: number };

function entryOf(line: string): Entry | undefined {
  let values: unknown;
  try {
    values = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(values)) return undefined;
  const [path, second, third, work, hash] = values as unknown[];
  if (typeof path !== "string" || typeof third !== "number") return undefined;
  if (typeof second === "string") return { path, reason: second, work: third };
  if (typeof second !== "number" || typeof work !== "number" || typeof hash !== "number") return undefined;
  return { path, side: second, at: third, work, hash };
}
