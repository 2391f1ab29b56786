/** Pictures that a person gave: a folder that was chosen or dropped, or a file that holds them. */
import { isArchiveName } from "../../src/data/files/archive.js";
import { isParquetName } from "../../src/data/files/parquet-names.js";
import { UserError } from "../../src/errors.js";
import type { GivenFile } from "../train/archive.js";

/** It can be sent to another thread, which reads it there. */
export type GivenPictures =
  | { readonly kind: "folder"; readonly name: string; readonly folder: FileSystemDirectoryHandle }
  | { readonly kind: "files"; readonly name: string; readonly files: readonly GivenFile[] }
  | { readonly kind: "archive"; readonly name: string; readonly file: File };

/** Whether this browser lets a person choose a folder without handing all of its files over first. */
export const choosesFolders = typeof (globalThis as { showDirectoryPicker?: unknown }).showDirectoryPicker === "function";

/** @returns undefined where nothing was chosen */
export async function chooseFolder(): Promise<GivenPictures | undefined> {
  const { showDirectoryPicker } = globalThis as unknown as { showDirectoryPicker(): Promise<FileSystemDirectoryHandle> };
  try {
    const folder = await showDirectoryPicker();
    return { kind: "folder", name: folder.name, folder };
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    throw error;
  }
}

/** An archive or table, or all files of a folder, whose paths begin with its name. @throws UserError where they are neither */
export function givenFiles(files: readonly GivenFile[]): GivenPictures {
  const [first] = files;
  if (!first) throw new UserError("There was nothing in it.");
  const parts = first.path.split("/");
  if (parts.length > 1)
    return { kind: "files", name: parts[0]!, files: files.map(({ path, file }) => ({ path: path.slice(parts[0]!.length + 1), file })) };
  if (files.length === 1 && (isArchiveName(first.path) || isParquetName(first.path)))
    return { kind: "archive", name: first.path, file: first.file };
  throw new UserError("Give the folder with the pictures and their captions, or one file that holds them (.zip, .tar, .tgz, .parquet).");
}

/** What was dropped: entries are to be asked for before anything else is waited for. */
export async function droppedPictures(items: DataTransferItemList): Promise<GivenPictures> {
  const found = [...items].map((item): FileSystemEntry | File | null => item.webkitGetAsEntry() ?? item.getAsFile());
  const all = found.map(async (one): Promise<GivenFile[]> => {
    if (one instanceof File) return [{ path: one.name, file: one }];
    return one ? filesUnder(one) : [];
  });
  return givenFiles((await Promise.all(all)).flat());
}

async function filesUnder(entry: FileSystemEntry): Promise<GivenFile[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile)
    return [{ path, file: await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)) }];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: GivenFile[] = [];
  for (;;) {
    // A hundred or so at a time, until there are none.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const one of some) found.push(...(await filesUnder(one)));
  }
}
