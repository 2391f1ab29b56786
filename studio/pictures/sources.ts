/** A folder or archive of the person's as a source of files: what the core's readers of captioned images go by. */
import { type Archive, archiveKind, HEAD, readArchive } from "../../src/data/files/archive.js";
import { isParquetName } from "../../src/data/files/parquet-names.js";
import { withArchives } from "../../src/data/files/shards.js";
import { type FileSource, tooLarge } from "../../src/data/files/source.js";
import { tarEntries } from "../../src/data/files/tar.js";
import { zipEntries } from "../../src/data/files/zip.js";
import { isStray, nameForm } from "../../src/data/names.js";
import { UserError } from "../../src/errors.js";
import { chunksOf, randomAccess, unpackDeflated } from "../parts/unpack.js";
import type { GivenFile } from "../train/archive.js";
import type { GivenPictures } from "./given.js";

/** Folders deeper than this are not looked into. */
const DEEPEST = 6;

/** @throws DOMException where the folder may not be read */
export async function sourceOf(given: GivenPictures): Promise<FileSource> {
  if (given.kind === "archive") return packedSource(given.file);
  const files = (given.kind === "files" ? given.files : await filesOf(given.folder))
    .map(({ path, file }) => ({ path: nameForm(path), file }))
    .filter(({ path }) => !isStray(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const byPath = new Map(files.map(({ path, file }) => [path, file]));
  return withArchives(folderSource(given.name, files), (path) => packedSource(byPath.get(path)!));
}

/** What a set made of them is called. */
export const nameOf = ({ kind, name }: GivenPictures): string =>
  kind === "archive" ? name.replace(/\.(?:tgz|tar\.gz|tar|zip|parquet)$/i, "") : name;

/** A file that holds others: an archive, or a Parquet table. */
const packedSource = (file: File): FileSource => (isParquetName(file.name) ? tableSource(file) : archiveSource(file));

/** The reader of Parquet is larger than all others together, so it is fetched when a file asks for it. */
function tableSource(file: File): FileSource {
  const size = () => Promise.resolve(file.size);
  const open = () => Promise.resolve({ access: randomAccess(file), close: () => Promise.resolve() });
  return {
    ...{ path: file.name, name: file.name, size },
    async *read(reading) {
      const reader = await import("../../src/data/files/parquet.js").catch((): never => {
        throw new UserError("what reads Parquet files could not be fetched: the page has changed, or the network is down; reload it");
      });
      yield* reader.parquetSource(file.name, size, open).read(reading);
    },
  };
}

async function filesOf(folder: FileSystemDirectoryHandle, inside = "", depth = 0): Promise<GivenFile[]> {
  const found: GivenFile[] = [];
  for await (const [name, handle] of folder.entries()) {
    if (isStray(name)) continue;
    if (handle.kind === "file") found.push({ path: inside + name, file: await (handle as FileSystemFileHandle).getFile() });
    else if (depth < DEEPEST) found.push(...(await filesOf(handle as FileSystemDirectoryHandle, `${inside}${name}/`, depth + 1)));
  }
  return found;
}

function folderSource(name: string, files: readonly GivenFile[]): FileSource {
  return {
    ...{ path: name, name },
    size: () => Promise.resolve(files.reduce((sum, { file }) => sum + file.size, 0)),
    async *read({ wanted, largest, onSkipped }) {
      for (const { path, file } of files) {
        if (!wanted(path)) continue;
        if (file.size > largest) {
          onSkipped(tooLarge(name, path, file.size, largest));
          continue;
        }
        const bytes = await file.arrayBuffer().catch((error: DOMException) => {
          onSkipped({ file: `${name}/${path}`, reason: `cannot be read: ${error.message}` });
        });
        if (bytes) yield { path, bytes: new Uint8Array(bytes) };
      }
    },
  };
}

function archiveSource(file: File): FileSource {
  const named = { path: file.name, name: file.name };
  return {
    ...named,
    size: () => Promise.resolve(file.size),
    async *read(reading) {
      const kind = archiveKind(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()), named);
      const unpacked = (): ReadableStream<Uint8Array<ArrayBuffer>> =>
        kind === "tgz" ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
      const archive: Archive = {
        ...named,
        entries: () => (kind === "zip" ? zipEntries(randomAccess(file), unpackDeflated) : tarEntries(chunksOf(unpacked()), file.size)),
      };
      yield* readArchive(archive, reading);
    },
  };
}
