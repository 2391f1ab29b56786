/** A run's store as a folder on disk. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../errors.js";
import type { RunStore, StoredRows } from "../../train/run/store.js";
import { writeFileAtomic } from "./atomic-file.js";
import { fileProblem } from "./file-problem.js";
import { RowsFile } from "./stored-rows.js";
import { writing } from "./writing.js";

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

  rows(name: string, count: number, length: number): StoredRows {
    const path = join(this.path, name);
    return writing(path, () => new RowsFile(path, count, length));
  }
}

function unreadable(error: unknown, path: string): unknown {
  const problem = fileProblem(error);
  return problem === undefined ? error : new UserError(`${path} cannot be read: ${problem}`);
}
