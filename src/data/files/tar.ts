/**
 * Entries of a tar archive, one after the other as its bytes come: POSIX ustar with pax headers, and GNU's with long names
 * (IEEE Std 1003.1, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").
 */
import { latin1 } from "../../formats/byte-reader.js";
import { type ArchiveEntry, Unpacked } from "./archive-entry.js";
import { targetInside } from "./links.js";

const BLOCK = 512;
/** Bytes of a header that holds nothing but names. */
const LARGEST_NAMES = 2 ** 22;

type Kind = ArchiveEntry["kind"];
const KINDS: Readonly<Record<string, Kind>> = { "\0": "file", "0": "file", "7": "file", "1": "link", "2": "link", "5": "folder" };

/** What a header says. */
interface Header {
  readonly type: string;
  readonly name: string;
  readonly link: string;
  readonly size: number;
}

/**
 * @param archive The unpacked bytes, in pieces of any length. @param packedSize Bytes of the archive as it is kept.
 * @throws Error where the archive is damaged, or unpacks to more than any honest one.
 */
export async function* tarEntries(archive: AsyncIterable<Uint8Array>, packedSize: number): AsyncGenerator<ArchiveEntry> {
  const unpacked = new Unpacked(packedSize);
  const bytes = new Bytes(archive[Symbol.asyncIterator]());
  /** What extended headers say of the entries behind them, and of the next one alone. */
  const common: Record<string, string> = {};
  let next: Record<string, string> = {};
  try {
    for (let block = await bytes.take(BLOCK); block.length > 0; block = await bytes.take(BLOCK)) {
      if (block.length < BLOCK) throw new Error("it is cut short");
      if (block.every((byte) => byte === 0)) continue;
      const header = headerIn(block);
      const { type } = header;
      if ("xgLK".includes(type)) {
        if (header.size > LARGEST_NAMES) throw new Error(`a header of ${header.size} bytes`);
        const said = await bytes.exactly(header.size);
        await bytes.skip(padding(header.size));
        if (type === "g") Object.assign(common, records(said));
        else if (type === "x") Object.assign(next, records(said));
        else next[type === "L" ? "path" : "linkpath"] = textOf(said);
        continue;
      }
      const { path = header.name, linkpath = header.link, size: told } = { ...common, ...next };
      next = {};
      const kind = KINDS[type] ?? "other";
      const size = told === undefined ? header.size : parseInt(told, 10);
      if (!(size >= 0)) throw new Error("an entry has no size");
      unpacked.add(size);
      const name = path.replace(/^(?:\.\/)+/, "");
      let left = kind === "folder" ? 0 : size;
      yield {
        ...{ path: name, size, kind },
        // A hard link names an entry of the archive; a symbolic one starts from the folder that it lies in.
        ...(kind === "link" && { target: targetInside(type === "2" ? name : "", linkpath) }),
        read: async () => {
          const contents = await bytes.exactly(left);
          left = 0;
          return contents;
        },
      };
      await bytes.skip(left);
      if (kind !== "folder") await bytes.skip(padding(size));
    }
  } finally {
    await bytes.close();
  }
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** @throws Error where it is none */
function headerIn(block: Uint8Array): Header {
  const sum = block.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== numberIn(block.subarray(148, 156))) throw new Error("no tar header, or a damaged one");
  const ustar = latin1(block.subarray(257, 263)) === "ustar\0";
  if (!ustar && latin1(block.subarray(257, 263)) !== "ustar ") throw new Error("a tar header of an unknown form");
  const prefix = ustar ? textOf(block.subarray(345, 500)) : "";
  const name = textOf(block.subarray(0, 100));
  const type = String.fromCharCode(block[156]!);
  return {
    type: type === "\0" && name.endsWith("/") ? "5" : type,
    name: prefix === "" ? name : `${prefix}/${name}`,
    link: textOf(block.subarray(157, 257)),
    size: numberIn(block.subarray(124, 136)),
  };
}

/** Up to the first zero. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Octal digits between blanks; where the first bit is set, GNU's binary form. NaN where it is neither. */
function numberIn(field: Uint8Array): number {
  if (field[0]! >= 0x80) return field[0] === 0x80 ? field.subarray(1).reduce((value, byte) => value * 256 + byte, 0) : NaN;
  const digits = /^[ \0]*([0-7]*)/.exec(latin1(field))![1]!;
  return digits === "" ? 0 : parseInt(digits, 8);
}

/** A pax header's records, "length key=value\n" each. @throws Error where they are damaged */
function records(bytes: Uint8Array): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const blank = bytes.indexOf(32, at);
    const length = blank < 0 ? NaN : Number(latin1(bytes.subarray(at, blank)));
    const record = new TextDecoder().decode(bytes.subarray(blank + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (!(length > blank - at + 1 && at + length <= bytes.length) || equals < 0) throw new Error("a damaged header of names");
    const value = record.slice(equals + 1);
    if (value !== "") found[record.slice(0, equals)] = value;
    at += length;
  }
  return found;
}

/** Bytes by count, from pieces of any length. */
class Bytes {
  #piece = new Uint8Array(0);
  readonly #pieces: AsyncIterator<Uint8Array>;

  constructor(pieces: AsyncIterator<Uint8Array>) {
    this.#pieces = pieces;
  }

  /** Fewer where they end before. */
  async take(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (length < count && (this.#piece.length > 0 || (await this.#more()))) {
      const part = this.#piece.subarray(0, count - length);
      this.#piece = this.#piece.subarray(part.length);
      parts.push(part);
      length += part.length;
    }
    if (parts.length === 1) return parts[0]!;
    const all = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** @throws Error where they end before */
  async exactly(count: number): Promise<Uint8Array> {
    const bytes = await this.take(count);
    if (bytes.length < count) throw new Error("it is cut short");
    return bytes;
  }

  /** @throws Error where they end before */
  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      if (this.#piece.length === 0 && !(await this.#more())) throw new Error("it is cut short");
      const some = Math.min(left, this.#piece.length);
      this.#piece = this.#piece.subarray(some);
      left -= some;
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done) return false;
    this.#piece = value as Uint8Array<ArrayBuffer>;
    return true;
  }
}
