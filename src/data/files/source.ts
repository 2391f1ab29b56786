/**
 * Where the files of a data set lie: a folder or an archive, of Node's file system or of a page. A source says what it holds and reads some
 * of it; all else that is known of data sets goes by this.
 */
import type { Skipped } from "../dataset.js";

/** One file of a folder or archive. */
export interface SourceFile {
  /** Path inside the folder or archive, with forward slashes, in the Unicode form in which names are compared. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What is to be read of a folder or archive. */
export interface Reading {
  readonly wanted: (path: string) => boolean;
  /** Bytes of the largest file that is read. */
  readonly largest: number;
  /** Told of wanted files that are left out. */
  readonly onSkipped: (skipped: Skipped) => void;
}

/** A folder or archive. */
export interface FileSource {
  /** As a message names it: its whole path, where it has one. */
  readonly path: string;
  /** Its own name, which stands before the paths of its files in reports. */
  readonly name: string;
  /** Bytes of the archive, or of all files of the folder. */
  size(): Promise<number>;
  /**
   * All wanted files of a folder (by ascending path) or an archive (in its order, then those that are links). Files that are hidden or a
   * system's own (`isStray`) are passed over.
   * @throws DataError that names the archive where it is damaged, or of a kind that is not read.
   */
  read(reading: Reading): AsyncIterable<SourceFile>;
}

/** A size for a person to read. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

/** A file that is left out for its size. */
export function tooLarge(source: string, path: string, size: number, largest: number): Skipped {
  return { file: `${source}/${path}`, reason: `${mebibytes(size)} large: at most ${mebibytes(largest)} are read` };
}
