/**
 * A store in the browser's own file system (OPFS): the same run as in a folder, kept in the browser for this page's origin. `createWritable`
 * replaces a file only when it is closed, so a file is written whole or not at all.
 */
import { UserError } from "../../src/errors.js";
import type { RunStore } from "../../src/train/run/store.js";

/** Appended lines wait so long for others, since a file is copied for each addition. A crash loses them; a resumed run makes them again. */
const FLUSH_AFTER = 1000;

export class OpfsStore implements RunStore {
  /** What is to be added to files, by name. */
  readonly #added = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Everything happens one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** What went wrong behind the back of who asked: the next call tells it. */
  #failure: unknown;

  /** @param path The folder in the origin's file system, such as "runs/petals-1"; it is made with its first file. */
  constructor(readonly path: string) {}

  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#inTurn(async () => {
      const file = await this.#file(name);
      return file && new Uint8Array(await (await file.getFile()).arrayBuffer());
    });
  }

  /** A file as the browser has it, without its bytes in memory. */
  blob(name: string): Promise<File | undefined> {
    return this.#inTurn(async () => (await this.#file(name))?.getFile());
  }

  write(name: string, contents: Uint8Array | string): Promise<void> {
    return this.#inTurn(() => this.#put(name, contents));
  }

  /** Writes a file of several parts, one after the other. */
  writeParts(name: string, parts: readonly Uint8Array[]): Promise<void> {
    return this.#inTurn(() => this.#put(name, parts));
  }

  append(name: string, text: string): Promise<void> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) return Promise.reject(failure as Error);
    this.#added.set(name, (this.#added.get(name) ?? "") + text);
    this.#timer ??= setTimeout(() => void this.flush().catch((error: unknown) => (this.#failure = error)), FLUSH_AFTER);
    return Promise.resolve();
  }

  /** Writes what was added and waits still. */
  flush(): Promise<void> {
    return this.#inTurn(() => Promise.resolve());
  }

  list(folder: string): Promise<string[]> {
    return this.#inTurn(async () => {
      const names: string[] = [];
      const inside = await directory(this.#parts(folder), false);
      if (inside) for await (const [name, handle] of inside.entries()) if (handle.kind === "file") names.push(name);
      return names.sort();
    });
  }

  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const parts = this.#parts(name);
      const folder = await directory(parts.slice(0, -1), false);
      await folder?.removeEntry(parts.at(-1)!).catch(ifMissing);
    });
  }

  #parts(name: string): string[] {
    return [...this.path.split("/"), ...name.split("/")].filter(Boolean);
  }

  async #file(name: string): Promise<FileSystemFileHandle | undefined> {
    const parts = this.#parts(name);
    const folder = await directory(parts.slice(0, -1), false);
    return folder?.getFileHandle(parts.at(-1)!).catch(ifMissing);
  }

  async #put(name: string, contents: Uint8Array | string | readonly Uint8Array[], add = false): Promise<void> {
    const parts = this.#parts(name);
    const folder = (await directory(parts.slice(0, -1), true))!;
    const handle = await folder.getFileHandle(parts.at(-1)!, { create: true });
    if (!("createWritable" in handle)) throw new UserError("this browser writes no files for pages: use a current one to train");
    const writable = await handle.createWritable({ keepExistingData: add });
    try {
      if (add) await writable.seek((await handle.getFile()).size);
      // The types allow no view of shared memory, of which there is none.
      for (const part of Array.isArray(contents) ? contents : [contents]) await writable.write(part as Uint8Array<ArrayBuffer> | string);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
  }

  /** After all that was asked before, what was added first. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(async () => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      const added = [...this.#added];
      this.#added.clear();
      for (const [name, text] of added) await this.#put(name, text, true);
      return work();
    });
    const told = mine.catch((error: unknown) => {
      throw refusal(error, this.path);
    });
    this.#last = mine.catch(() => undefined);
    return told;
  }
}

/** A folder of the origin's file system; undefined where there is none and none is to be made. */
export async function directory(parts: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  let at: FileSystemDirectoryHandle | undefined = await root();
  for (const part of parts) {
    at = await at.getDirectoryHandle(part, { create }).catch(ifMissing);
    if (!at) return undefined;
  }
  return at;
}

async function root(): Promise<FileSystemDirectoryHandle> {
  const storage = (navigator as Partial<Navigator>).storage as Partial<StorageManager> | undefined;
  if (!storage?.getDirectory)
    throw new UserError("this browser keeps no files for pages: use a current one, and no private window, to train");
  return storage.getDirectory();
}

function ifMissing(error: unknown): undefined {
  if (error instanceof DOMException && (error.name === "NotFoundError" || error.name === "TypeMismatchError")) return undefined;
  throw error;
}

/** What the file system refuses, as one line with the way out. */
function refusal(error: unknown, path: string): unknown {
  if (!(error instanceof DOMException)) return error;
  if (error.name === "QuotaExceededError")
    return new UserError("the browser's storage for this page is full: delete runs, or free disk space");
  if (error.name === "NoModificationAllowedError" || error.name === "InvalidStateError")
    return new UserError(`${path} is being written by another tab: close that, and try again`);
  return new UserError(`${path}: the browser's file system says "${error.message}"`);
}
