/** Files of an archive: links followed, what is not wanted passed over, what is damaged told. */
import { DataError } from "../dataset.js";
import { isStray, nameForm } from "../names.js";
import type { ArchiveEntry } from "./archive-entry.js";
import { followLinks } from "./links.js";
import { type Reading, type SourceFile, tooLarge } from "./source.js";

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

/** An archive whose kind is known. */
export interface Archive {
  /** As a message names it. */
  readonly path: string;
  readonly name: string;
  /** All its entries, from the first. @throws Error where it is damaged */
  entries(): AsyncGenerator<ArchiveEntry>;
}

/** @throws DataError as `FileSource.read` does */
export async function* readArchive(archive: Archive, reading: Reading): AsyncGenerator<SourceFile> {
  let count = 0;
  const files = new Set<string>();
  const links = new Map<string, string | undefined>();
  const skip = (path: string, reason: string): void => reading.onSkipped({ file: `${archive.name}/${path}`, reason });
  try {
    for await (const { entry, path } of named(archive.entries())) {
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
      else if (entry.size > reading.largest) reading.onSkipped(tooLarge(archive.name, path, entry.size, reading.largest));
      else yield { path, bytes: await entry.read() };
    }
    if (links.size > 0) {
      const { names, dead } = followLinks(files, links);
      for (const link of dead.filter((path) => !isStray(path))) {
        skip(link, "a link to what is not in the archive");
      }
      yield* readLinked(archive, names, reading);
    }
  } catch (error) {
    throw new DataError(`${archive.path} is a damaged archive (${(error as Error).message}); fetch it again`, { cause: error });
  }
  if (count === 0) {
    throw new DataError(`${archive.path} is not an archive, or an empty one; fetch it again`);
  }
}

/** A second way through an archive, for the files that have wanted names by links. */
async function* readLinked(archive: Archive, names: ReadonlyMap<string, readonly string[]>, reading: Reading): AsyncGenerator<SourceFile> {
  const wanted = new Map<string, readonly string[]>();
  for (const [path, all] of names) {
    const some = all.filter((name) => !isStray(name) && reading.wanted(name));
    if (some.length > 0) wanted.set(path, some);
  }
  if (wanted.size === 0) {
    return;
  }
  for await (const { entry, path } of named(archive.entries())) {
    const names = entry.kind === "file" ? wanted.get(path) : undefined;
    if (names === undefined) {
      continue;
    }
    wanted.delete(path);
    if (entry.size > reading.largest) {
      names.forEach((name) => reading.onSkipped(tooLarge(archive.name, name, entry.size, reading.largest)));
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

/** Archives of other kinds, by their first bytes, and what unpacks them. */
const OTHER_KINDS: readonly [signature: string, kind: string, command: string][] = [
  ["425a68", "bzip2", "tar -xf"],
  ["fd377a585a00", "xz", "tar -xf"],
  ["28b52ffd", "zstd", "tar -xf"],
  ["377abcaf271c", "7-Zip", "7z x"],
  ["526172211a07", "RAR", "unrar x"],
];

/** Bytes of its begin that tell an archive's kind. */
export const HEAD = 6;

/**
 * How an archive is packed, by its first bytes, whatever its name.
 * @throws DataError where it is of a kind that is not read
 */
export function archiveKind(head: Uint8Array, { path, name }: Pick<Archive, "path" | "name">): "zip" | "tar" | "tgz" {
  const hex = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const other = OTHER_KINDS.find(([signature]) => hex.startsWith(signature));
  if (other) {
    const [, kind, command] = other;
    throw new DataError(`${path} is packed by ${kind}, which is not read here: unpack it (${command} ${name}), or pack it anew as .tar.gz`);
  }
  return hex.startsWith("504b0304") || hex.startsWith("504b0506") ? "zip" : hex.startsWith("1f8b") ? "tgz" : "tar";
}
