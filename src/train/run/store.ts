/**
 * Where a run keeps its files, and where later runs find what earlier ones made: a folder in Node, the origin's own file system in a page,
 * memory in a test. Names are relative, with "/" between folder and file.
 */

export interface RunStore {
  /** For people: the folder's path. */
  readonly path: string;
  /** A file's bytes, or undefined where there is none. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Writes a file, whole or not at all: whoever reads sees the old contents or the new ones.
   * @throws UserError that names the file and the reason (a full disk, no permission)
   */
  write(name: string, contents: Uint8Array | string): Promise<void>;
  /** Adds to the end of a text file, which a kill may cut in its last line. @throws UserError as `write` */
  append(name: string, text: string): Promise<void>;
  /** Names of the files in a folder, without its own; none where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Forgets a file, if it is there. */
  remove(name: string): Promise<void>;
  /**
   * A table of numbers that is too large to be held, where the store can read and write it by its rows.
   * @throws UserError as `write`
   */
  rows?(name: string, count: number, length: number): StoredRows;
}

/** Rows of numbers of one length that lie in a store. */
export interface StoredRows {
  /** 1 for each row that was there when they were kept last. */
  readonly known: Uint8Array;
  read(row: number): Float32Array;
  /** @throws UserError as a store's `write` */
  write(row: number, values: Float32Array): void;
  /** Makes last what has been written. @param known 1 for each row that is there */
  keep(known: Uint8Array): Promise<void>;
}

/** The part of a store that lies in one of its folders, as a store. */
export function within(store: RunStore, folder: string): RunStore {
  const inside = (name: string) => `${folder}/${name}`;
  return {
    path: joined(store.path, folder),
    read: (name) => store.read(inside(name)),
    write: (name, contents) => store.write(inside(name), contents),
    append: (name, text) => store.append(inside(name), text),
    list: (name) => store.list(inside(name)),
    remove: (name) => store.remove(inside(name)),
  };
}

/** A path for people, of a file in a store. */
export const pathIn = (store: Pick<RunStore, "path">, name: string): string => joined(store.path, name);

const joined = (path: string, name: string): string => (path.endsWith("/") ? path + name : `${path}/${name}`);

/** A store in memory: for tests, and for pages that keep nothing. */
export class MemoryStore implements RunStore {
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();

  constructor(readonly path = "memory") {}

  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return Promise.resolve(this.#files.get(name)?.slice());
  }

  write(name: string, contents: Uint8Array | string): Promise<void> {
    this.#files.set(name, bytesOf(contents));
    return Promise.resolve();
  }

  append(name: string, text: string): Promise<void> {
    const [before, more] = [this.#files.get(name) ?? new Uint8Array(), bytesOf(text)];
    const all = new Uint8Array(before.length + more.length);
    all.set(before);
    all.set(more, before.length);
    this.#files.set(name, all);
    return Promise.resolve();
  }

  list(folder: string): Promise<string[]> {
    const inside = [...this.#files.keys()].filter((name) => name.startsWith(`${folder}/`)).map((name) => name.slice(folder.length + 1));
    return Promise.resolve(inside.filter((name) => !name.includes("/")));
  }

  remove(name: string): Promise<void> {
    this.#files.delete(name);
    return Promise.resolve();
  }
}

const bytesOf = (contents: Uint8Array | string): Uint8Array<ArrayBuffer> =>
  typeof contents === "string" ? new TextEncoder().encode(contents) : Uint8Array.from(contents);
