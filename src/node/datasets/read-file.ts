/** Reading a whole file, but none that is larger than its like may reasonably be. */
import { readFileSync, statSync } from "node:fs";
import { DataError } from "../../data/dataset.js";
import { mebibytes } from "../../data/files/source.js";

/**
 * A file's bytes. They are read in this thread: a round through the pool for each of four calls takes longer than an image's bytes do, and
 * the pool is decoding.
 * @throws DataError where there are more than `largest`, or it is a device or a pipe; the file system's error where it cannot be read.
 */
export function readFileUpTo(path: string, largest: number): Promise<Buffer> {
  return new Promise((resolve) => resolve(readNow(path, largest)));
}

function readNow(path: string, largest: number): Buffer {
  const about = statSync(path);
  if (!about.isFile() && !about.isDirectory()) {
    throw new DataError(`${path} is a device or a pipe, not a file`);
  }
  if (about.size > largest) {
    throw new DataError(`${path} is ${mebibytes(about.size)} large; at most ${mebibytes(largest)} are read of such a file`);
  }
  return readFileSync(path);
}
