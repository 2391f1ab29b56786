/** Files of a data set, wherever they lie: in a folder, or in an archive (.tar, .tar.gz, .tgz, .zip). All are read the same way. */
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import type { ArchiveEntry } from "./archive-entry.js";
import { DataError, type Skipped } from "../../data/dataset.js";
import { fileProblem } from "../files/file-problem.js";
import { followLinks } from "./links.js";
import { isStray, nameForm } from "../../data/names.js";
import { mebibytes, readFileUpTo } from "./read-file.js";
import { tarEntries } from "./tar.js";
import { zipEntries } from "./zip.js";

/** One file of a folder or archive. */
export interface SourceFile {
  /** Path inside the folder or archive, with forward slashes, in the Unicode form in which names are compared. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** What is to be read of a folder or archive. */
export interface Reading {
  readonly wanted: (path: string) => boolean;
  /** Bytes of the largest file that is read. */
  readonly largest: number;
  /** Told of wanted files that are left out. */
  readonly onSkipped: (skipped: Skipped) => void;
}

/** Folders deeper than this are not looked into. */
const DEEPEST = 6;
/** Longer paths in an archive are nobody's. */
const LONGEST_PATH = 4096;

/** Whether a file name is that of an archive that is read. */
export function isArchiveName(name: string): boolean {
  return /\.(?:tgz|tar\.gz|tar|zip)$/i.test(name);
}

/** Whether a file name is that of an archive of another kind. */
export function isOtherArchiveName(name: string): boolean {
  return /\.(?:tar\.(?:bz2|xz|zst)|tbz2?|txz|tzst|7z|rar)$/i.test(name);
}

/**
 * All wanted files of a folder (by ascending path) or an archive (in its order, then those that are links). Files that are hidden or a
 * system's own (`isStray`) are passed over.
 * @throws DataError that names the archive where it is damaged, or of a kind that is not read.
 */
export async function* readSource(source: string, reading: Reading): AsyncGenerator<SourceFile> {
  if (!(await stat(source)).isDirectory()) {
    yield* readArchive(source, reading);
    return;
  }
  const skip = (path: string, reason: string): void => reading.onSkipped({ file: `${basename(source)}/${path}`, reason });
  for (const { path, name, size } of await listFolder(source, skip)) {
    if (!reading.wanted(name)) continue;
    if (size > reading.largest) {
      reading.onSkipped(tooLarge(source, name, size, reading.largest));
      continue;
    }
    const bytes = await readFileUpTo(join(source, path), reading.largest).catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      skip(name, `cannot be read: ${fileProblem(error)}`);
    });
    if (bytes) yield { path: name, bytes };
  }
}

/** One file or folder that others may read and we may not is no reason to stop: it is left out, and named. */
const isRefused = (error: unknown): boolean => ["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");

async function* readArchive(file: string, reading: Reading): AsyncGenerator<SourceFile> {
  const entries = await readerOf(file);
  let count = 0;
  const files = new Set<string>();
  const links = new Map<string, string | undefined>();
  const skip = (path: string, reason: string): void => reading.onSkipped({ file: `${basename(file)}/${path}`, reason });
  try {
    for await (const { entry, path } of named(entries())) {
      count++;
      if (entry.kind === "link") {
        links.set(path, entry.target === undefined ? undefined : nameForm(entry.target));
      } else if (entry.kind === "file") {
        files.add(path);
      }
      if (entry.kind === "link" || entry.kind === "folder" || isStray(path) || !reading.wanted(path)) {
        continue;
      }
      if (entry.kind === "other") skip(path, "a device, pipe or file with holes");
      else if (entry.size > reading.largest) reading.onSkipped(tooLarge(file, path, entry.size, reading.largest));
      else yield { path, bytes: await entry.read() };
    }
    if (links.size > 0) {
      const { names, dead } = followLinks(files, links);
      for (const link of dead.filter((path) => !isStray(path))) {
        skip(link, "a link to what is not in the archive");
      }
      yield* readLinked(entries(), names, file, reading);
    }
  } catch (error) {
    throw new DataError(`${file} is a damaged archive (${(error as Error).message}); fetch it again`, { cause: error });
  }
  if (count === 0) {
    throw new DataError(`${file} is not an archive, or an empty one; fetch it again`);
  }
}

/** A second way through an archive, for the files that have wanted names by links. */
async function* readLinked(
  entries: AsyncGenerator<ArchiveEntry>,
  names: ReadonlyMap<string, readonly string[]>,
  file: string,
  reading: Reading,
): AsyncGenerator<SourceFile> {
  const wanted = new Map<string, readonly string[]>();
  for (const [path, all] of names) {
    const some = all.filter((name) => !isStray(name) && reading.wanted(name));
    if (some.length > 0) wanted.set(path, some);
  }
  if (wanted.size === 0) {
    return;
  }
  for await (const { entry, path } of named(entries)) {
    const names = entry.kind === "file" ? wanted.get(path) : undefined;
    if (names === undefined) {
      continue;
    }
    wanted.delete(path);
    if (entry.size > reading.largest) {
      names.forEach((name) => reading.onSkipped(tooLarge(file, name, entry.size, reading.largest)));
    } else {
      const bytes = await entry.read();
      for (const name of names) yield { path: name, bytes };
    }
    if (wanted.size === 0) {
      return;
    }
  }
}

/** Entries with their names in one form. */
async function* named(entries: AsyncGenerator<ArchiveEntry>): AsyncGenerator<{ entry: ArchiveEntry; path: string }> {
  for await (const entry of entries) {
    if (entry.path.length > LONGEST_PATH) {
      throw new Error(`it holds a name of ${entry.path.length} characters`);
    }
    yield { entry, path: nameForm(entry.path) };
  }
}

function tooLarge(source: string, path: string, size: number, largest: number): Skipped {
  return { file: `${basename(source)}/${path}`, reason: `${mebibytes(size)} large: at most ${mebibytes(largest)} are read` };
}

/** Archives of other kinds, by their first bytes, and what unpacks them. */
const OTHER_KINDS: readonly [signature: string, kind: string, command: string][] = [
  ["425a68", "bzip2", "tar -xf"],
  ["fd377a585a00", "xz", "tar -xf"],
  ["28b52ffd", "zstd", "tar -xf"],
  ["377abcaf271c", "7-Zip", "7z x"],
  ["526172211a07", "RAR", "unrar x"],
];

/** How an archive is read, by its first bytes, whatever its name. */
async function readerOf(file: string): Promise<() => AsyncGenerator<ArchiveEntry>> {
  const head = await firstBytes(file, 6);
  const other = OTHER_KINDS.find(([signature]) => head.startsWith(signature));
  if (other) {
    const [, kind, command] = other;
    throw new DataError(
      `${file} is packed by ${kind}, which is not read here: unpack it (${command} ${basename(file)}), or pack it anew as .tar.gz`,
    );
  }
  return head.startsWith("504b0304") || head.startsWith("504b0506")
    ? () => zipEntries(file)
    : () => tarEntries(file, head.startsWith("1f8b"));
}

/** As hexadecimal digits. */
async function firstBytes(file: string, count: number): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead).toString("hex");
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
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      const about = await stat(join(folder, path)).catch(() => undefined);
      if (!about?.isDirectory()) {
        return about?.isFile() ? [{ path, name: nameForm(path), size: about.size, mtimeMs: about.mtimeMs }] : [];
      }
      const real = entry.isSymbolicLink() ? await realpath(join(folder, path)) : join(above.at(-1)!, entry.name);
      const circular = entry.isSymbolicLink() && above.some((one) => asFolder(one).startsWith(asFolder(real)));
      return circular || above.length > DEEPEST ? [] : listInside(folder, path, [...above, real], onRefused);
    }),
  );
  return found.flat();
}

function asFolder(path: string): string {
  return path.endsWith(sep) ? path : `${path}${sep}`;
}
