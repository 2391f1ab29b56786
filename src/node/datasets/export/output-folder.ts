/** The files of an export on disk: written one after the other, tar archives as their entries come. */
import { createWriteStream } from "node:fs";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { UserError } from "../../../errors.js";
import { fileProblemOr } from "../../files/file-problem.js";
import type { ExportedFile } from "./write-layout.js";

interface OpenTar {
  readonly tar: Pack;
  readonly done: Promise<void>;
}

/** A file that was begun goes on. */
export class OutputFolder {
  readonly #folder: string;
  readonly #begun = new Set<string>();
  readonly #tars = new Map<string, OpenTar>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws UserError that names the file which cannot be written */
  async write(files: readonly ExportedFile[]): Promise<void> {
    for (const { path, bytes, inside } of files) {
      const file = join(this.#folder, path);
      await orSay(file, async () => {
        if (!this.#begun.has(path)) await mkdir(dirname(file), { recursive: true });
        if (inside !== undefined) await this.#pack(file, inside, bytes);
        else await (this.#begun.has(path) ? appendFile(file, bytes) : writeFile(file, bytes));
      });
      this.#begun.add(path);
    }
  }

  /** @throws UserError as `write` does */
  async end(): Promise<void> {
    for (const [file, { tar, done }] of this.#tars) {
      tar.finalize();
      await orSay(file, () => done);
    }
  }

  async #pack(file: string, name: string, bytes: Uint8Array | string): Promise<void> {
    let open = this.#tars.get(file);
    if (!open) {
      const tar = pack();
      open = { tar, done: pipeline(tar, createWriteStream(file)) };
      // Told below, or at the end.
      open.done.catch(() => undefined);
      this.#tars.set(file, open);
    }
    const { tar, done } = open;
    const written = new Promise<void>((resolve, reject) => {
      tar.entry({ name, mtime: new Date(0) }, Buffer.from(bytes), (error) => (error ? reject(error) : resolve()));
    });
    await Promise.race([written, done]);
  }
}

async function orSay(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new UserError(`${file} cannot be written: ${fileProblemOr(error)}`);
  }
}
