/**
 * Reading a binary file of a stranger from front to back: every length is checked against the bytes that are left before anything is
 * made of that size, so a file never takes more memory than a small multiple of its own.
 */
import { UserError } from "../errors.js";

/** What is wrong with a file; the message begins with the file's name. */
export class FormatError extends UserError {
  override readonly name: string = "FormatError";
}

/** Longer texts are none, and beyond 2^29 JavaScript has no strings. */
const MAX_TEXT = 2 ** 26;

/** What a file is instead of what was looked for, where a slip of a download is plain to see; with the way out. */
export function otherKind(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 512)).replace(/^(?:\xef\xbb\xbf|\ufeff)?\s*/, "");
  if (/^<(?:!doctype|html|head|\?xml|!--)/i.test(start)) return "it is a web page; download it again, and look at what the page says";
  if (start.startsWith("version https://git-lfs")) return "it is a pointer of Git LFS; fetch the file itself (git lfs pull)";
  return undefined;
}

export class ByteReader {
  /** Place of the next byte. */
  at = 0;
  readonly #view: DataView;

  /**
   * @param name The file, for messages.
   * @param format The format as a reader of messages knows it: "Torch7".
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
    readonly format: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** @throws FormatError always */
  fail(problem: string): never {
    const other = otherKind(this.bytes);
    const what = other ?? `${problem} (at byte ${this.at} of ${this.bytes.length})`;
    throw new FormatError(`${this.name} is no sound ${this.format} file: ${what}`);
  }

  /** The next bytes, not copied. @param what Named when there are not as many left. */
  take(count: number, what: string): Uint8Array {
    return this.bytes.subarray(this.#advance(count, what), this.at);
  }

  u8(what: string): number {
    return this.#view.getUint8(this.#advance(1, what));
  }

  u16(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), true);
  }

  i32(what: string): number {
    return this.#view.getInt32(this.#advance(4, what), true);
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#advance(4, what), true);
  }

  /** A 64-bit integer. Beyond 2^53 it is inexact, and so larger than anything it could count here. */
  i64(what: string): number {
    return Number(this.#view.getBigInt64(this.#advance(8, what), true));
  }

  f64(what: string, littleEndian = true): number {
    return this.#view.getFloat64(this.#advance(8, what), littleEndian);
  }

  /** A length that counts things of at least `each` bytes which follow. */
  length(value: number, each: number, what: string): number {
    if (!Number.isInteger(value) || value < 0 || value * each > this.left)
      this.fail(`${what} would need ${value * each} bytes, with ${this.left} left`);
    return value;
  }

  /** The next bytes as a text of one byte a character. */
  latin1(count: number, what: string): string {
    const bytes = this.take(count, what);
    if (count > MAX_TEXT) this.fail(`${what} has ${count} characters`);
    return latin1(bytes);
  }

  /** The bytes up to and without the next newline. */
  line(what: string): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail(`it ends within ${what}`);
    if (end - this.at > MAX_TEXT) this.fail(`${what} has ${end - this.at} characters`);
    const line = this.bytes.subarray(this.at, end);
    this.at = end + 1;
    return line;
  }

  /** @returns where the bytes begin */
  #advance(count: number, what: string): number {
    if (!(count >= 0 && count <= this.left)) this.fail(`it ends within ${what}, which needs ${count} bytes`);
    const from = this.at;
    this.at += count;
    return from;
  }
}

/** Bytes as text of one byte a character. */
export function latin1(bytes: Uint8Array): string {
  // The decoder that is called so reads Windows-1252, which differs in 0x80 to 0x9f.
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return text;
}

/** Arguments of one call. */
const PIECE = 8192;

/** The reverse, of a text without others than such characters. */
export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
