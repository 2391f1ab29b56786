// Packed data sets on disk: written whole or not at all, and refused when damaged.

import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "./dataset.js";
import { decodePacked, encodePacked, type PackedDataset, type PreparedData } from "./packed.js";

/** Bytes moved by one system call. */
const PIECE = 1 << 26;

/**
 * Writes a packed file: beside its place, synced, then renamed, so that an interruption leaves either the old file or the new one.
 * @throws the file system's error; nothing half-made stays.
 */
export async function writePacked(file: string, prepared: PreparedData, key: string): Promise<void> {
  const parts = await encodePacked(prepared, key);
  await mkdir(dirname(file), { recursive: true });
  await removeAbandoned(file);
  const beside = `${file}.tmp-${process.pid}`;
  try {
    const handle = await open(beside, "w");
    try {
      for (const part of parts) {
        for (let at = 0; at < part.length; at += PIECE) {
          await handle.writeFile(part.subarray(at, at + PIECE));
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
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
    if (error instanceof DataError || error instanceof SyntaxError) {
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

/** Removes what a killed process left beside the file. */
async function removeAbandoned(file: string): Promise<void> {
  const prefix = `${basename(file)}.tmp-`;
  for (const name of await readdir(dirname(file))) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : NaN;
    if (Number.isInteger(pid) && (pid === process.pid || !isRunning(pid))) {
      await rm(join(dirname(file), name), { force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
