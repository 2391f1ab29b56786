/** Writing files so that a reader, or a machine that loses power, sees the old contents or the new ones, never a mixture. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces a file: written beside it, synced, renamed, the folder synced. Leaves nothing behind when it fails. */
export function writeFileAtomic(path: string, contents: Uint8Array | string): void {
  const beside = `${path}.tmp`;
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  mkdirSync(dirname(path), { recursive: true });
  try {
    const file = openSync(beside, "w");
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
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
