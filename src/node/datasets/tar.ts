/** Entries of a .tar, .tar.gz or .tgz file, one after the other. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { ArchiveEntry } from "../../data/files/archive-entry.js";
import { tarEntries as entriesOf } from "../../data/files/tar.js";

/** @throws Error where the archive is damaged, or unpacks to more than any honest one. */
export async function* tarEntries(file: string, gzipped: boolean): AsyncGenerator<ArchiveEntry> {
  const { size } = await stat(file);
  const input = createReadStream(file);
  if (!gzipped) {
    yield* entriesOf(input, size);
    return;
  }
  const unpacked = createGunzip();
  const flow = pipeline(input, unpacked);
  // Who reads the unpacked bytes meets the same failure.
  flow.catch(() => undefined);
  try {
    yield* entriesOf(unpacked, size);
    await flow;
  } finally {
    input.destroy();
    unpacked.destroy();
  }
}
