/** Files of a data set, wherever they lie: in a folder, or in an archive (.tar, .tar.gz, .tgz, .zip). All are read the same way. */
import { type Stats, statSync } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { setImmediate as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { type Archive, archiveKind, HEAD, readArchive } from "../../data/files/archive.js";
import type { ArchiveEntry } from "../../data/files/archive-entry.js";
import { type FileSource, type Reading, type SourceFile, tooLarge } from "../../data/files/source.js";
import { parquetSource } from "../../data/files/parquet.js";
import { isParquetName } from "../../data/files/parquet-names.js";
import { type RandomAccess, zipEntries } from "../../data/files/zip.js";
import { fileProblem } from "../files/file-problem.js";
import { isStray, nameForm } from "../../data/names.js";
import { readFileUpTo } from "./read-file.js";
import { tarEntries } from "./tar.js";

export { isArchiveName, isOtherArchiveName } from "../../data/files/archive.js";
export type { Reading, SourceFile };

/** Folders deeper than this are not looked into. */
const DEEPEST = 6;
/** Files that are looked up before other work may go on. */
const LISTED_AT_ONCE = 1000;

/**
 * All wanted files of a folder (by ascending path) or an archive (in its order, then those that are links). Files that are hidden or a
 * system's own (`isStray`) are passed over.
 * @throws DataError that names the archive where it is damaged, or of a kind that is not read.
 */
export async function* readSource(source: string, reading: Reading): AsyncGenerator<SourceFile> {
  if (!(await stat(source)).isDirectory()) {
    yield* readArchive(await archiveAt(source), reading);
    return;
  }
  const skip = (path: string, reason: string): void => reading.onSkipped({ file: `${basename(source)}/${path}`, reason });
  for (const { path, name, size } of await listFolder(source, skip)) {
    if (!reading.wanted(name)) continue;
    if (size > reading.largest) {
      reading.onSkipped(tooLarge(basename(source), name, size, reading.largest));
      continue;
    }
    const bytes = await readFileUpTo(join(source, path), reading.largest).catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      skip(name, `cannot be read: ${fileProblem(error)}`);
    });
    if (bytes) yield { path: name, bytes };
  }
}

/** A folder or archive of the file system. */
export const sourceAt = (path: string): FileSource => ({
  ...{ path: resolve(path), name: basename(path), size: () => sourceSize(path) },
  read: (reading) => readSource(path, reading),
});

/** A file that holds others: an archive, or a Parquet table. */
export const packedAt = (path: string): FileSource =>
  isParquetName(path)
    ? parquetSource(
        resolve(path),
        () => sourceSize(path),
        () => openFile(path),
      )
    : sourceAt(path);

const inflate = promisify(inflateRaw);

/** @throws DataError where it is of a kind that is not read */
async function archiveAt(file: string): Promise<Archive> {
  const named = { path: file, name: basename(file) };
  const kind = archiveKind(await firstBytes(file), named);
  return { ...named, entries: kind === "zip" ? () => zipFile(file) : () => tarEntries(file, kind === "tgz") };
}

async function* zipFile(file: string): AsyncGenerator<ArchiveEntry> {
  const { access, close } = await openFile(file);
  try {
    yield* zipEntries(access, (packed, most) => inflate(packed, { maxOutputLength: Math.max(1, most) }));
  } finally {
    await close();
  }
}

/** A file's bytes, from anywhere in it. */
async function openFile(file: string): Promise<{ access: RandomAccess; close: () => Promise<void> }> {
  const handle = await open(file, "r");
  const { size } = await handle.stat();
  const read = async (position: number, length: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, (await handle.read(bytes, 0, length, position)).bytesRead);
  };
  return { access: { size, read }, close: () => handle.close() };
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** One file or folder that others may read and we may not is no reason to stop: it is left out, and named. */
const isRefused = (error: unknown): boolean => ["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");

/** Size and time of change of a file, or of every file of a folder: what a packed file's name depends on. */
export async function fingerprint(source: string): Promise<string> {
  const own = await stat(source);
  if (!own.isDirectory()) {
    return `${basename(source)} ${own.size} ${own.mtimeMs}`;
  }
  const files = await listFolder(source);
  return `${basename(source)}\n${files.map(({ name, size, mtimeMs }) => `${name} ${size} ${mtimeMs}`).join("\n")}`;
}

/** Bytes of an archive, or of all files of a folder. */
export async function sourceSize(source: string): Promise<number> {
  const own = await stat(source);
  return own.isDirectory() ? (await listFolder(source)).reduce((sum, { size }) => sum + size, 0) : own.size;
}

/** A file under a folder. */
export interface ListedFile {
  /** Path inside the folder, with forward slashes, as the file system has it. */
  readonly path: string;
  /** The path in the form in which names are compared. */
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * All files under a folder that are not stray, by ascending path. Links are followed, but for those to a folder they lie in.
 * @param onRefused Is told of the folders inside that may not be read.
 */
export async function listFolder(folder: string, onRefused: OnRefused = () => undefined): Promise<ListedFile[]> {
  return listInside(folder, "", [await realpath(folder)], onRefused);
}

type OnRefused = (path: string, reason: string) => void;

/** @param above Where the folders from the top to this one really lie. */
async function listInside(folder: string, inside: string, above: readonly string[], onRefused: OnRefused): Promise<ListedFile[]> {
  const all = await readdir(join(folder, inside), { withFileTypes: true }).catch((error: unknown) => {
    if (inside === "" || !isRefused(error)) throw error;
    onRefused(nameForm(inside), `the folder cannot be read: ${fileProblem(error)}`);
    return [];
  });
  const entries = all.filter(({ name }) => !isStray(name));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: ListedFile[] = [];
  for (const entry of entries) {
    const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
    const about = statOf(join(folder, path));
    if (about?.isFile()) found.push({ path, name: nameForm(path), size: about.size, mtimeMs: about.mtimeMs });
    if (found.length % LISTED_AT_ONCE === 1) await pause();
    if (!about?.isDirectory()) continue;
    const real = entry.isSymbolicLink() ? await realpath(join(folder, path)) : join(above.at(-1)!, entry.name);
    const circular = entry.isSymbolicLink() && above.some((one) => asFolder(one).startsWith(asFolder(real)));
    if (circular || above.length > DEEPEST) continue;
    for (const file of await listInside(folder, path, [...above, real], onRefused)) found.push(file);
  }
  return found;
}

/** Looked up in this thread: of a hundred thousand files at once, promises would take more time and memory than the files' names. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function asFolder(path: string): string {
  return path.endsWith(sep) ? path : `${path}${sep}`;
}
