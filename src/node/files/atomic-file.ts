/** Writing files so that a reader, or a machine that loses power, sees the old contents or the new ones, never a mixture. */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Bytes moved by one system call, which takes less than 2 GiB. */
const PIECE = 1 << 26;

/**
 * Replaces a file: written beside it under this process's own name, synced, renamed, the folder synced. Several processes may write the same
 * file: one's contents stay. Leaves nothing behind when it fails, and removes what a killed process left.
 * @param contents text, bytes, or bytes in parts that follow each other.
 * @throws the file system's error.
 */
export function writeFileAtomic(path: string, contents: string | Uint8Array | readonly Uint8Array[]): void {
  const parts =
    typeof contents === "string" ? [new TextEncoder().encode(contents)] : contents instanceof Uint8Array ? [contents] : contents;
  mkdirSync(dirname(path), { recursive: true });
  removeAbandoned(path);
  const beside = `${path}.tmp-${process.pid}`;
  try {
    const file = openSync(beside, "w");
    try {
      for (const part of parts) {
        for (let at = 0; at < part.length;) at += writeSync(file, part, at, Math.min(PIECE, part.length - at));
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/**
 * The same, for a file that is written piece by piece.
 * @param write Writes the new contents.
 * @throws what `write` throws, and the file system's error.
 */
export async function replaceFile(path: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  removeAbandoned(path);
  const beside = `${path}.tmp-${process.pid}`;
  try {
    const handle = await open(beside, "w");
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

function removeAbandoned(path: string): void {
  const prefix = `${basename(path)}.tmp-`;
  for (const name of readdirSync(dirname(path))) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : NaN;
    if (Number.isInteger(pid) && !isRunning(pid)) rmSync(join(dirname(path), name), { force: true });
  }
}

/** Whether a process of this machine is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Makes a rename in a folder last. Windows has no such call and needs none. */
function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
