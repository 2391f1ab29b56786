/** A folder whose archives are read as if they were unpacked where they lie; shards and tables keep their names, as folders. */
import { DataError, type Skipped } from "../dataset.js";
import { isArchiveName } from "./archive.js";
import { isParquetName } from "./parquet-names.js";
import { baseName, folderOf } from "./paths.js";
import type { FileSource } from "./source.js";
import { isImageName } from "../names.js";

/** Whether a file's name is that of a tar archive. */
export const isTarName = (name: string): boolean => /\.(?:tar|tar\.gz|tgz)$/i.test(name);

/** The shard that a path lies in. */
export const shardOf = (path: string): string | undefined => /^(?:.*\/)?[^/]+\.(?:tar|tar\.gz|tgz)(?=\/)/i.exec(path)?.[0];

/** An archive or table inside a folder. */
interface Inner {
  readonly path: string;
  readonly source: FileSource;
  readonly files: readonly string[];
  /** What stands before its files' paths. */
  readonly mount: string;
}

/**
 * The same folder, its archives opened; itself where it holds none. What cannot be opened is left out, and named.
 * @param open Opens a file of the folder by its path, as it is named there.
 */
export async function withArchives(folder: FileSource, open: (path: string) => FileSource): Promise<FileSource> {
  const own = await listOf(folder);
  const paths = own.filter((path) => isArchiveName(path) || isParquetName(path));
  if (paths.length === 0) return folder;
  const skipped: Skipped[] = [];
  const found: Inner[] = [];
  const unpacked = unpackedIn(own);
  for (const path of paths) {
    const source = open(path);
    try {
      const files = await listOf(source);
      if (unpacked(path, files)) skipped.push({ file: `${folder.name}/${path}`, reason: "what it holds lies unpacked in the folder" });
      else found.push({ path, source, files, mount: keepsName(path, files) ? `${path}/` : here(path) });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      if (own.length === 1) throw error;
      skipped.push({ file: `${folder.name}/${path}`, reason: error.message });
    }
  }
  const inner = apart(own, found);
  const opened = new Set(inner.map(({ path }) => path));
  return {
    ...{ path: folder.path, name: folder.name },
    size: () => folder.size(),
    async *read({ wanted, largest, onSkipped }) {
      for (const one of skipped) onSkipped(one);
      yield* folder.read({ wanted: (path) => !opened.has(path) && wanted(path), largest, onSkipped });
      for (const { source, files, mount } of inner) {
        const some = new Set(files.filter((path) => wanted(mount + path)));
        if (some.size === 0) continue;
        const skip = ({ file, reason }: Skipped): void =>
          onSkipped({ file: `${folder.name}/${mount}${file.slice(file.indexOf("/") + 1)}`, reason });
        for await (const { path, bytes } of source.read({ wanted: (path) => some.has(path), largest, onSkipped: skip }))
          yield { path: mount + path, bytes };
      }
    },
  };
}

/** Names of all files. */
export async function listOf(source: FileSource): Promise<string[]> {
  const files: string[] = [];
  const wanted = (path: string): boolean => {
    files.push(path);
    return false;
  };
  for await (const _ of source.read({ wanted, largest: 0, onSkipped: () => undefined }));
  return files.sort();
}

/** Tables, and tar files in which images have files of their own key: in two shards the same keys may stand. */
function keepsName(path: string, files: readonly string[]): boolean {
  if (isParquetName(path)) return true;
  if (!isTarName(path)) return false;
  const keyOf = (file: string): string => `${folderOf(file)}/${baseName(file).split(".")[0]!}`;
  const images = new Set(files.filter(isImageName).map(keyOf));
  return files.some((file) => /\.(?:txt|json)$/i.test(file) && images.has(keyOf(file)));
}

const here = (path: string): string => (path.includes("/") ? `${folderOf(path)}/` : "");

/**
 * Whether an archive has been unpacked in the folder and left there: its images (its files, where it holds none) lie beside it, in a folder of its
 * name, or, where they are in folders, anywhere in those.
 */
function unpackedIn(own: readonly string[]): (path: string, files: readonly string[]) => boolean {
  const there = new Set(own);
  let inFolders: Set<string> | undefined;
  return (path, files) => {
    if (isParquetName(path)) return false;
    const images = files.filter(isImageName);
    const all = images.length > 0 ? images : files;
    inFolders ??= new Set(own.flatMap(endsOf));
    const ends = inFolders;
    const has = (file: string): boolean => there.has(here(path) + file) || there.has(named(path) + file) || ends.has(file);
    return all.length > 0 && all.every(has);
  };
}

/** What a path ends in, from each of its folders: of a/b/c.jpg that is b/c.jpg. */
function endsOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1, -1).map((_, i) => parts.slice(i + 1).join("/"));
}

/** The folder of an archive's name. */
const named = (path: string): string => `${path.replace(/\.(?:tgz|tar\.gz|tar|zip)$/i, "")}/`;

/** Archives that would bring a file which is there already stand in folders of their own names. */
function apart(own: readonly string[], found: readonly Inner[]): Inner[] {
  const count = new Map<string, number>(own.map((path) => [path, 1]));
  for (const { files, mount } of found) for (const file of new Set(files)) count.set(mount + file, (count.get(mount + file) ?? 0) + 1);
  return found.map((one) => (one.files.some((file) => count.get(one.mount + file)! > 1) ? { ...one, mount: named(one.path) } : one));
}
