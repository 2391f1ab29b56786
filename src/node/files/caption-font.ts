/**
 * The font of captions in pictures: GNU Unifont (SIL Open Font License), which has every script of Unicode's basic plane in glyphs of
 * 16 pixels. Its package holds it as WOFF; the text renderer reads TrueType only, so it is unpacked once into the cache.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { inflateSync } from "node:zlib";
import { writeFileAtomic } from "./atomic-file.js";
import { cacheFolder } from "./cache-folder.js";

const require = createRequire(import.meta.url);

/** What the renderer calls it, at its own size: 12 points at 96 dots an inch are 16 pixels. */
export const CAPTION_FONT = { name: "Unifont 12", dpi: 96 } as const;

/** The TrueType file. @throws UserError when the cache cannot be written */
export function captionFontFile(): string {
  const folder = dirname(require.resolve("@fontsource/unifont/package.json"));
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  const file = join(cacheFolder().path, `unifont-${version}.ttf`);
  if (!existsSync(file)) writeFileAtomic(file, trueTypeOf(readFileSync(join(folder, "files", "unifont-latin-400-normal.woff"))));
  return file;
}

/** WOFF 1.0 (W3C 2012): a directory of tables, each deflated or as it is. */
function trueTypeOf(woff: Buffer): Buffer {
  const tables = woff.readUInt16BE(12);
  const directory = Buffer.alloc(12 + 16 * tables);
  const power = 2 ** Math.floor(Math.log2(tables));
  directory.writeUInt32BE(woff.readUInt32BE(4), 0);
  [tables, 16 * power, Math.log2(power), 16 * (tables - power)].forEach((value, i) => directory.writeUInt16BE(value, 4 + 2 * i));
  const parts: Buffer[] = [directory];
  let at = directory.length;
  for (let i = 0; i < tables; i++) {
    const entry = woff.subarray(44 + 20 * i, 64 + 20 * i);
    const [offset, packed, length] = [entry.readUInt32BE(4), entry.readUInt32BE(8), entry.readUInt32BE(12)];
    const contents = woff.subarray(offset, offset + packed);
    entry.copy(directory, 12 + 16 * i, 0, 4); // The tag.
    entry.copy(directory, 16 + 16 * i, 16, 20); // The checksum.
    directory.writeUInt32BE(at, 20 + 16 * i);
    directory.writeUInt32BE(length, 24 + 16 * i);
    const padding = Buffer.alloc((4 - (length % 4)) % 4);
    parts.push(packed < length ? inflateSync(contents) : contents, padding);
    at += length + padding.length;
  }
  return Buffer.concat(parts);
}
