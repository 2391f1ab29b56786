/** Entries of a .zip archive, found by its central directory (PKWARE's APPNOTE 6.3: 4.3.12 to 4.3.16), stored or deflated. */
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { type ArchiveEntry, Unpacked } from "./archive-entry.js";
import { decodeText } from "./text.js";
import { targetInside } from "./links.js";

const inflate = promisify(inflateRaw);

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
export async function* zipEntries(file: string): AsyncGenerator<ArchiveEntry> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const unpacked = new Unpacked(size);
    const directory = await centralDirectory(handle, size);
    for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === CENTRAL;) {
      const entry = headerAt(directory, at);
      at += entry.length;
      unpacked.add(0);
      const read = async (): Promise<Buffer> => {
        unpacked.add(entry.size);
        return contents(handle, entry);
      };
      const isLink = entry.mode === UNIX_LINK && entry.size <= LONGEST_TARGET;
      const kind = isLink ? "link" : entry.path.endsWith("/") ? "folder" : "file";
      const target = isLink ? targetInside(entry.path, (await read()).toString("utf8")) : undefined;
      yield { path: entry.path, size: entry.size, kind, ...(isLink && { target }), read };
    }
  } finally {
    await handle.close();
  }
}

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

async function centralDirectory(handle: FileHandle, size: number): Promise<Buffer> {
  const from = Math.max(0, size - LONGEST_END);
  const tail = await bytesAt(handle, from, size - from);
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== END) {
    end--;
  }
  if (end < 0) {
    throw new Error("the end of the zip archive is missing");
  }
  let length = tail.readUInt32LE(end + 12);
  let offset = tail.readUInt32LE(end + 16);
  if (end >= 20 && tail.readUInt32LE(end - 20) === END_64_LOCATOR) {
    const record = await bytesAt(handle, Number(tail.readBigUInt64LE(end - 12)), 56);
    if (record.readUInt32LE(0) !== END_64) {
      throw new Error("the zip archive's end record is damaged");
    }
    length = Number(record.readBigUInt64LE(40));
    offset = Number(record.readBigUInt64LE(48));
  }
  if (length > LARGEST_DIRECTORY) {
    throw new Error(`a directory of ${length} bytes`);
  }
  return bytesAt(handle, offset, length);
}

function headerAt(directory: Buffer, at: number): Header {
  const flags = directory.readUInt16LE(at + 8);
  const nameLength = directory.readUInt16LE(at + 28);
  const extraLength = directory.readUInt16LE(at + 30);
  const length = 46 + nameLength + extraLength + directory.readUInt16LE(at + 32);
  if (at + length > directory.length) {
    throw new Error("the zip archive's directory is cut short");
  }
  const name = directory.subarray(at + 46, at + 46 + nameLength);
  const extra = directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
  const sizes = [directory.readUInt32LE(at + 24), directory.readUInt32LE(at + 20), directory.readUInt32LE(at + 42)];
  const [size, packedSize, offset] = wideSizes(extra, sizes) as [number, number, number];
  return {
    // Names are UTF-8 or, from old programs, in the code page of some machine; programs on Windows have separated folders by backslashes.
    path: (decodeText(name)?.text ?? name.toString("latin1")).replaceAll("\\", "/").replace(/^(?:\.\/)+/, ""),
    encrypted: (flags & 1) !== 0,
    method: directory.readUInt16LE(at + 10),
    crc: directory.readUInt32LE(at + 16),
    packedSize,
    size,
    offset,
    mode: (directory.readUInt32LE(at + 38) >>> 16) & 0o170000,
    length,
  };
}

/** Sizes that do not fit 32 bits stand in the extra field 1, in order. */
function wideSizes(extra: Buffer, sizes: readonly number[]): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) {
      let field = at + 4;
      return sizes.map((size) => {
        if (size !== 0xffffffff || field + 8 > extra.length) return size;
        field += 8;
        return Number(extra.readBigUInt64LE(field - 8));
      });
    }
  }
  return [...sizes];
}

async function contents(handle: FileHandle, { path, encrypted, method, packedSize, offset, size, crc }: Header): Promise<Buffer> {
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
  const local = await bytesAt(handle, offset, 30);
  if (local.readUInt32LE(0) !== LOCAL) {
    throw new Error(`${path} is not where the archive's directory says`);
  }
  const start = offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packed = await bytesAt(handle, start, packedSize);
  const bytes = method === 0 ? packed : await inflate(packed, { maxOutputLength: Math.max(1, size) });
  if (bytes.length !== size || crc32(bytes) !== crc) {
    throw new Error(`${path} fails its checksum`);
  }
  return bytes;
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  if (bytesRead !== length) {
    throw new Error("the zip archive is cut short");
  }
  return bytes;
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = -1;
  for (let i = 0; i < bytes.length; i++) c = CRC_TABLE[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}
