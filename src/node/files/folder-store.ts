/** A run's store as a folder on disk. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../errors.js";
import type { RunStore } from "../../train/run/store.js";
import { writeFileAtomic } from "./atomic-file.js";
import { fileProblem } from "./file-problem.js";

/** The folder is made with its first file. */
export class FolderStore implements RunStore {
  constructor(readonly path: string) {}

  async read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = join(this.path, name);
    try {
      return new Uint8Array(await readFile(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw unreadable(error, path);
    }
  }

  async write(name: string, contents: Uint8Array | string): Promise<void> {
    const path = join(this.path, name);
    writing(path, () => writeFileAtomic(path, contents));
  }

  async append(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    writing(path, () => {
      mkdirSync(this.path, { recursive: true });
      appendFileSync(path, text);
    });
  }

  async list(folder: string): Promise<string[]> {
    const path = join(this.path, folder);
    try {
      return existsSync(path) ? readdirSync(path) : [];
    } catch (error) {
      throw unreadable(error, path);
    }
  }

  async remove(name: string): Promise<void> {
    const path = join(this.path, name);
    writing(path, () => rmSync(path, { force: true }));
  }
}

/** Turns what a full or closed disk says into one line. @param wayOn Its end, where there is more to say. */
export function writing<T>(path: string, action: () => T, wayOn?: string): T {
  try {
    return action();
  } catch (error) {
    const refused = refusal(error, path);
    throw refused === undefined ? error : new UserError(wayOn === undefined ? refused : `${refused}; ${wayOn}`);
  }
}

/** Undefined for an error that is none of the file system's. */
function refusal(error: unknown, path: string): string | undefined {
  const problem = fileProblem(error);
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (problem === undefined) return undefined;
  if (code === "ENOSPC" || code === "EDQUOT") return `the disk is full: ${path} could not be written. Free some space`;
  if (code === "ENOTDIR" || code === "EEXIST" || code === "EISDIR")
    return `${path} cannot be written: ${code === "EISDIR" ? "a folder" : "a file"} is in its way (${code})`;
  return `${path} cannot be written: ${problem}`;
}

function unreadable(error: unknown, path: string): unknown {
  const problem = fileProblem(error);
  return problem === undefined ? error : new UserError(`${path} cannot be read: ${problem}`);
}
