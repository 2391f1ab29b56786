/** Packed data sets on disk: written whole or not at all, and refused when damaged. */
import { open } from "node:fs/promises";
import { writeFileAtomic } from "../files/atomic-file.js";
import { DataError } from "../../data/dataset.js";
import { decodePacked, encodePacked, type PackedDataset, type PreparedData } from "../../data/packed.js";

/** Bytes moved by one system call. */
const PIECE = 1 << 26;

/**
 * Writes a packed file: an interruption leaves either the old file or the new one.
 * @throws the file system's error; nothing half-made stays.
 */
export async function writePacked(file: string, prepared: PreparedData, key: string): Promise<void> {
  writeFileAtomic(file, await encodePacked(prepared, key));
}

/**
 * Reads a packed file, every checksum verified.
 * @returns undefined where there is no such file.
 * @throws DataError that names the file where it is damaged, or made of other sources than `key` says.
 */
export async function readPacked(file: string, key?: string): Promise<PackedDataset | undefined> {
  const bytes = await readWhole(file);
  if (bytes === undefined) {
    return undefined;
  }
  try {
    return await decodePacked(bytes, key);
  } catch (error) {
    if (error instanceof DataError) {
      throw new DataError(`${file} is damaged or outdated: ${error.message}; delete it, and it is made anew`, { cause: error });
    }
    throw error;
  }
}

/** The bytes of a file, also of one above the 2 GiB that readFile takes; undefined where there is none. */
async function readWhole(file: string): Promise<Uint8Array | undefined> {
  let handle;
  try {
    handle = await open(file, "r");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return undefined;
    }
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(PIECE, size - at), at);
      if (bytesRead === 0) {
        break;
      }
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await handle.close();
  }
}
