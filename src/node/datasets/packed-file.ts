/**
 * Packed data sets on disk: written whole or not at all, and refused when damaged. The pixels of a large one stay there: a batch's rows are
 * read by their places, through the system's page cache (Node's library cannot map files).
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { replaceFile, writeFileAtomic } from "../files/atomic-file.js";
import { fileProblemOr } from "../files/file-problem.js";
import { DataError } from "../../data/dataset.js";
import type { PackedDataset, PreparedData, PreparedSet, StoredPixels } from "../../data/packed.js";
import { CHUNK, encodePacked, openPackedBytes, packedHead, type Section } from "../../data/packed-form.js";

/** Bytes moved by one system call. */
const PIECE = 1 << 20;
/** Pixels of no more bytes than this are held in memory: a few thousand images of 64x64. */
const HELD = 1 << 26;

/**
 * Writes a packed file: an interruption leaves either the old file or the new one.
 * @throws the file system's error; nothing half-made stays.
 */
export async function writePacked(file: string, prepared: PreparedData, key: string): Promise<void> {
  writeFileAtomic(file, await encodePacked(prepared, key));
}

/**
 * The same, of pixels that come one piece after the other: the same bytes.
 * @param length Bytes of all pieces.
 */
export async function writePackedPieces(
  file: string,
  prepared: PreparedSet,
  key: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  length: number,
): Promise<void> {
  // The header comes first and tells the checksums, whose lengths are known before they are.
  const unknown: Section = { length, sha256: Array.from({ length: Math.ceil(length / CHUNK) }, () => "0".repeat(64)) };
  const head = await packedHead(prepared, key);
  const start = (await head(unknown)).reduce((sum, part) => sum + part.length, 0);
  await replaceFile(file, async (handle) => {
    const sha256: string[] = [];
    let hash = createHash("sha256");
    let at = 0;
    for await (const piece of pieces) {
      for (let from = 0; from < piece.length;) {
        const part = piece.subarray(from, from + Math.min(piece.length - from, CHUNK - (at % CHUNK)));
        hash.update(part);
        await writeAll(handle, part, start + at);
        from += part.length;
        at += part.length;
        if (at % CHUNK === 0 || at === length) {
          sha256.push(hash.digest("hex"));
          hash = createHash("sha256");
        }
      }
    }
    if (at !== length) throw new Error(`${at} bytes of pixels where ${length} belong`);
    let place = 0;
    for (const part of await head({ length, sha256 })) {
      await writeAll(handle, part, place);
      place += part.length;
    }
  });
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

/**
 * Opens a packed file, every checksum verified.
 * @param held Bytes of pixels that are held in memory at most; more are read by their places when they are asked for.
 * @returns undefined where there is no such file.
 * @throws DataError that names the file where it is damaged, or made of other sources than `key` says.
 */
export async function readPacked(file: string, key?: string, held = HELD): Promise<PackedDataset | undefined> {
  let handle;
  try {
    handle = await open(file, "r");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return undefined;
    }
    throw error;
  }
  try {
    return await decode(handle, file, key, held);
  } catch (error) {
    if (error instanceof DataError) {
      throw new DataError(`${file} is damaged or outdated: ${error.message}; delete it, and it is made anew`, { cause: error });
    }
    throw error;
  } finally {
    await handle.close();
  }
}

async function decode(handle: FileHandle, file: string, key: string | undefined, held: number): Promise<PackedDataset> {
  const { size } = await handle.stat();
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
    for await (const { piece, at } of pieces(handle, start, start + bytes.length)) bytes.set(piece, at);
    return bytes;
  };
  const sha256 = async (start: number, end: number): Promise<string> => {
    const hash = createHash("sha256");
    for await (const { piece } of pieces(handle, start, end)) hash.update(piece);
    return hash.digest("hex");
  };
  let kept: FilePixels | undefined;
  const pixels = async (start: number, end: number) =>
    end - start <= held ? read(start, end) : (kept = new FilePixels(file, start, end - start));
  try {
    return await openPackedBytes({ length: size, read, sha256, pixels }, key);
  } catch (error) {
    kept?.close();
    throw error;
  }
}

/** A part of a file in pieces, which are overwritten by those that follow; it may end early. */
async function* pieces(handle: FileHandle, start: number, end: number): AsyncGenerator<{ piece: Uint8Array; at: number }> {
  const buffer = new Uint8Array(Math.min(PIECE, Math.max(0, end - start)));
  for (let at = start; at < end;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - at), at);
    if (bytesRead === 0) return;
    yield { piece: buffer.subarray(0, bytesRead), at: at - start };
    at += bytesRead;
  }
}

/** Closes the files of data sets that nobody has any more. */
const forgotten = new FinalizationRegistry(closeSync);

/** Pixels in a file, which is open as long as they are in use: it may be removed or replaced meanwhile. */
class FilePixels implements StoredPixels {
  readonly #file: number;

  constructor(
    readonly path: string,
    readonly start: number,
    readonly length: number,
  ) {
    this.#file = openSync(path, "r");
    forgotten.register(this, this.#file, this);
  }

  /** A batch is asked for while the GPU computes the one before, so this may wait for the disk. @throws DataError where the file is cut short, or its disk gone */
  read(start: number, end: number): Uint8Array {
    const bytes = new Uint8Array(end - start);
    try {
      for (let at = 0; at < bytes.length;) {
        const count = readSync(this.#file, bytes, at, bytes.length - at, this.start + start + at);
        if (count === 0) throw new DataError("it has been cut short");
        at += count;
      }
    } catch (error) {
      throw new DataError(`${this.path} cannot be read any more: ${fileProblemOr(error)}`, { cause: error });
    }
    return bytes;
  }

  close(): void {
    forgotten.unregister(this);
    closeSync(this.#file);
  }
}
