/** Reading a whole file, but none that is larger than its like may reasonably be. */
import { readFile, stat } from "node:fs/promises";
import { DataError } from "../../data/dataset.js";
import { mebibytes } from "../../data/files/source.js";

/**
 * A file's bytes.
 * @throws DataError where there are more than `largest`, or it is a device or a pipe; the file system's error where it cannot be read.
 */
export async function readFileUpTo(path: string, largest: number): Promise<Buffer> {
  const about = await stat(path);
  if (!about.isFile() && !about.isDirectory()) {
    throw new DataError(`${path} is a device or a pipe, not a file`);
  }
  if (about.size > largest) {
    throw new DataError(`${path} is ${mebibytes(about.size)} large; at most ${mebibytes(largest)} are read of such a file`);
  }
  return readFile(path);
}
