/** Entries of a .zip archive, found by its central directory (PKWARE's APPNOTE 6.3: 4.3.12 to 4.3.16), stored or deflated. */
import { latin1 } from "../../formats/byte-reader.js";
import { crc32 } from "../../formats/crc32.js";
import { type ArchiveEntry, Unpacked } from "./archive-entry.js";
import { targetInside } from "./links.js";
import { decodeText } from "./text.js";

/** Bytes that can be read from anywhere. */
export interface RandomAccess {
  readonly size: number;
  /** Fewer where they end before. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Unpacks deflated bytes (RFC 1951). @param most Bytes that it should give. @throws Error where it gives more, or the bytes are damaged */
export type Inflate = (packed: Uint8Array, most: number) => Promise<Uint8Array>;

const END = 0x06054b50;
const END_64_LOCATOR = 0x07064b50;
const END_64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** The end record with the longest comment. */
const LONGEST_END = 22 + 0xffff;
/** Bytes of a central directory: a million entries with long names. */
const LARGEST_DIRECTORY = 2 ** 27;
/** Longest target of a symbolic link, which is its contents. */
const LONGEST_TARGET = 4096;
const UNIX_LINK = 0o120000;

/** @throws Error where the archive is damaged, or an entry that is read is packed in a way that is not read. */
export async function* zipEntries(archive: RandomAccess, inflate: Inflate): AsyncGenerator<ArchiveEntry> {
  const unpacked = new Unpacked(archive.size);
  const directory = await centralDirectory(archive);
  const view = viewOf(directory);
  for (let at = 0; at + 46 <= directory.length && view.getUint32(at, true) === CENTRAL;) {
    const entry = headerAt(directory, at);
    at += entry.length;
    unpacked.add(0);
    const read = async (): Promise<Uint8Array> => {
      unpacked.add(entry.size);
      return contents(archive, entry, inflate);
    };
    const isLink = entry.mode === UNIX_LINK && entry.size <= LONGEST_TARGET;
    const kind = isLink ? "link" : entry.path.endsWith("/") ? "folder" : "file";
    const target = isLink ? targetInside(entry.path, new TextDecoder().decode(await read())) : undefined;
    yield { path: entry.path, size: entry.size, kind, ...(isLink && { target }), read };
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView => new DataView(buffer, byteOffset, byteLength);

interface Header {
  readonly path: string;
  readonly encrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
  /** The file's type in Unix's terms; 0 where another system made the archive. */
  readonly mode: number;
  /** Of this header in the directory. */
  readonly length: number;
}

async function centralDirectory(archive: RandomAccess): Promise<Uint8Array> {
  const from = Math.max(0, archive.size - LONGEST_END);
  const tail = viewOf(await bytesAt(archive, from, archive.size - from));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) {
    end--;
  }
  if (end < 0) {
    throw new Error("the end of the zip archive is missing");
  }
  let length = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  if (end >= 20 && tail.getUint32(end - 20, true) === END_64_LOCATOR) {
    const record = viewOf(await bytesAt(archive, Number(tail.getBigUint64(end - 12, true)), 56));
    if (record.getUint32(0, true) !== END_64) {
      throw new Error("the zip archive's end record is damaged");
    }
    length = Number(record.getBigUint64(40, true));
    offset = Number(record.getBigUint64(48, true));
  }
  if (length > LARGEST_DIRECTORY) {
    throw new Error(`a directory of ${length} bytes`);
  }
  return bytesAt(archive, offset, length);
}

function headerAt(directory: Uint8Array, at: number): Header {
  const view = viewOf(directory);
  const flags = view.getUint16(at + 8, true);
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const length = 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  if (at + length > directory.length) {
    throw new Error("the zip archive's directory is cut short");
  }
  const name = directory.subarray(at + 46, at + 46 + nameLength);
  const extra = directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
  const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  const [size, packedSize, offset] = wideSizes(extra, sizes) as [number, number, number];
  return {
    // Names are UTF-8 or, from old programs, in the code page of some machine; programs on Windows have separated folders by backslashes.
    path: (decodeText(name)?.text ?? latin1(name)).replaceAll("\\", "/").replace(/^(?:\.\/)+/, ""),
    encrypted: (flags & 1) !== 0,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packedSize,
    size,
    offset,
    mode: (view.getUint32(at + 38, true) >>> 16) & 0o170000,
    length,
  };
}

/** Sizes that do not fit 32 bits stand in the extra field 1, in order. */
function wideSizes(extra: Uint8Array, sizes: readonly number[]): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) === 1) {
      let field = at + 4;
      return sizes.map((size) => {
        if (size !== 0xffffffff || field + 8 > extra.length) return size;
        field += 8;
        return Number(view.getBigUint64(field - 8, true));
      });
    }
  }
  return [...sizes];
}

async function contents(
  archive: RandomAccess,
  { path, encrypted, method, packedSize, offset, size, crc }: Header,
  inflate: Inflate,
): Promise<Uint8Array> {
  if (encrypted) {
    throw new Error(`${path} is locked with a password`);
  }
  if (method !== 0 && method !== 8) {
    throw new Error(`${path} is packed by method ${method}: unpack the archive, or pack it anew`);
  }
  // Deflate never makes more of anything than a few bytes in a thousand.
  if (packedSize > 1.01 * size + 1024) {
    throw new Error(`${path} fails its checksum`);
  }
  const local = viewOf(await bytesAt(archive, offset, 30));
  if (local.getUint32(0, true) !== LOCAL) {
    throw new Error(`${path} is not where the archive's directory says`);
  }
  const start = offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  const packed = await bytesAt(archive, start, packedSize);
  const bytes = method === 0 ? packed : await inflate(packed, size);
  if (bytes.length !== size || crc32(bytes) !== crc) {
    throw new Error(`${path} fails its checksum`);
  }
  return bytes;
}

async function bytesAt(archive: RandomAccess, position: number, length: number): Promise<Uint8Array> {
  const bytes = await archive.read(position, length);
  if (bytes.length !== length) {
    throw new Error("the zip archive is cut short");
  }
  return bytes;
}
