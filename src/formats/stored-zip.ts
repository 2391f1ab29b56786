/** Zip archives whose files are stored as they are (PKWARE's APPNOTE 6.3: 4.3.7, 4.3.12, 4.3.16): weights hardly shrink. */
import { crc32 } from "./crc32.js";

/** The format's sizes have 32 bits. */
const MOST_BYTES = 2 ** 32 - 1;
const MOST_FILES = 65_535;
/** 1 January 1980, the format's first day: the same files make the same archive at any time. */
const DATE = 0x21;
/** Names are UTF-8. */
const UTF_8 = 0x800;

/** The parts of an archive, to be written one after the other. @throws RangeError where it would be larger than the format allows */
export function storedZip(files: readonly (readonly [name: string, contents: Uint8Array])[]): Uint8Array[] {
  const [parts, directory]: [Uint8Array[], Uint8Array[]] = [[], []];
  let at = 0;
  for (const [name, contents] of files) {
    const path = new TextEncoder().encode(name);
    const common = [20, UTF_8, 0, 0, DATE] as const;
    const sizes = [crc32(contents), contents.length, contents.length] as const;
    directory.push(record([4, 0x02014b50], [2, 20, ...common], [4, ...sizes], [2, path.length, 0, 0, 0, 0], [4, 0, at]), path);
    const local = [record([4, 0x04034b50], [2, ...common], [4, ...sizes], [2, path.length, 0]), path, contents];
    parts.push(...local);
    at += lengthOf(local);
  }
  const length = lengthOf(directory);
  if (at + length > MOST_BYTES || files.length > MOST_FILES) throw new RangeError("more than a zip archive of this kind holds: 4 GiB");
  return [...parts, ...directory, record([4, 0x06054b50], [2, 0, 0, files.length, files.length], [4, length, at], [2, 0])];
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

/** Numbers of some bytes each, little end first. */
function record(...fields: readonly (readonly [width: 2 | 4, ...values: number[]])[]): Uint8Array {
  const bytes = fields.flatMap(([width, ...values]) =>
    values.flatMap((value) => Array.from({ length: width }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff)),
  );
  return Uint8Array.from(bytes);
}
