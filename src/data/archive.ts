// Files of a data set, wherever they lie: in a folder, or in a .tar, .tar.gz or .tgz archive. Both are read the same way.

import { createReadStream } from "node:fs";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { DataError } from "./dataset.js";

/** One file of a folder or archive. */
export interface SourceFile {
  /** Path inside the folder or archive, with forward slashes. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** Folders deeper than this are not looked into: a link to a folder above would never end. */
const DEEPEST = 6;

/** Whether a file name is an archive's. */
export function isArchiveName(name: string): boolean {
  return /\.(?:tgz|tar\.gz|tar)$/i.test(name);
}

/**
 * All wanted files of a folder (by ascending path) or an archive (in its order). Hidden files, such as macOS's "._" companions, are left out.
 * @throws DataError that names the archive where it is damaged.
 */
export async function* readSource(source: string, wanted: (path: string) => boolean): AsyncGenerator<SourceFile> {
  const take = (path: string): boolean => !basename(path).startsWith(".") && wanted(path);
  if ((await stat(source)).isDirectory()) {
    for (const { path } of await listFolder(source)) {
      if (take(path)) {
        yield { path, bytes: await readFile(join(source, path)) };
      }
    }
  } else {
    yield* readArchive(source, take);
  }
}

async function* readArchive(file: string, take: (path: string) => boolean): AsyncGenerator<SourceFile> {
  const archive = extract();
  const input = createReadStream(file);
  const flow = (await isGzip(file)) ? pipeline(input, createGunzip(), archive) : pipeline(input, archive);
  // The iteration below reports the same failure; this keeps it from counting as unhandled.
  flow.catch(() => undefined);
  let entries = 0;
  try {
    for await (const entry of archive) {
      entries++;
      const path = entry.header.name.replace(/^(?:\.\/)+/, "");
      if (entry.header.type === "file" && take(path)) {
        const pieces: Buffer[] = [];
        for await (const piece of entry) {
          pieces.push(piece as Buffer);
        }
        yield { path, bytes: Buffer.concat(pieces) };
      } else {
        entry.resume();
      }
    }
    await flow;
  } catch (error) {
    throw new DataError(`${file} is a damaged archive (${(error as Error).message}); fetch it again`, { cause: error });
  } finally {
    input.destroy();
  }
  if (entries === 0) {
    throw new DataError(`${file} is not an archive, or an empty one; fetch it again`);
  }
}

async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

/** Size and time of change of a file, or of every file of a folder: what a packed file's name depends on. */
export async function fingerprint(source: string): Promise<string> {
  const own = await stat(source);
  if (!own.isDirectory()) {
    return `${basename(source)} ${own.size} ${own.mtimeMs}`;
  }
  const files = await listFolder(source);
  return `${basename(source)}\n${files.map(({ path, size, mtimeMs }) => `${path} ${size} ${mtimeMs}`).join("\n")}`;
}

/** All files under a folder, by ascending path. */
async function listFolder(folder: string, inside = "", depth = 0): Promise<{ path: string; size: number; mtimeMs: number }[]> {
  const names = (await readdir(join(folder, inside))).sort();
  const found = await Promise.all(
    names.map(async (name) => {
      const path = inside === "" ? name : `${inside}/${name}`;
      const about = await stat(join(folder, path)).catch(() => undefined);
      if (about?.isDirectory()) {
        return depth < DEEPEST ? listFolder(folder, path, depth + 1) : [];
      }
      return about?.isFile() ? [{ path, size: about.size, mtimeMs: about.mtimeMs }] : [];
    }),
  );
  return found.flat();
}
