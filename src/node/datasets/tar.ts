/** Entries of a .tar, .tar.gz or .tgz archive, one after the other. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { type ArchiveEntry, Unpacked } from "../../data/files/archive-entry.js";
import { targetInside } from "../../data/files/links.js";

/** @throws Error where the archive is damaged, or unpacks to more than any honest one. */
export async function* tarEntries(file: string, gzipped: boolean): AsyncGenerator<ArchiveEntry> {
  const unpacked = new Unpacked((await stat(file)).size);
  const archive = extract();
  const input = createReadStream(file);
  const flow = gzipped ? pipeline(input, createGunzip(), archive) : pipeline(input, archive);
  // The iteration below reports the same failure; this keeps it from counting as unhandled.
  flow.catch(() => undefined);
  try {
    for await (const entry of archive) {
      const { name, type, linkname, size = 0 } = entry.header;
      unpacked.add(size);
      const path = name.replace(/^(?:\.\/)+/, "");
      const isLink = type === "link" || type === "symlink";
      let asked = false;
      yield {
        path,
        size,
        kind: type === "file" || type === "contiguous-file" ? "file" : isLink ? "link" : type === "directory" ? "folder" : "other",
        // A hard link names an entry of the archive; a symbolic one starts from the folder that it lies in.
        ...(isLink && { target: targetInside(type === "symlink" ? path : "", linkname ?? "") }),
        read: async () => {
          asked = true;
          const pieces: Buffer[] = [];
          for await (const piece of entry) {
            pieces.push(piece as Buffer);
          }
          return Buffer.concat(pieces);
        },
      };
      if (!asked) {
        entry.resume();
      }
    }
    await flow;
  } finally {
    input.destroy();
  }
}
