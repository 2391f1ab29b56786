/**
 * Reading a binary file of a stranger from front to back: every length is checked against the bytes that are left before anything is
 * made of that size, so a file never takes more memory than a small multiple of its own.
 */
import { UserError } from "../errors.js";

/** What is wrong with a file; the message begins with the file's name. */
export class FormatError extends UserError {
  override readonly name = "FormatError";
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
    throw new FormatError(`${this.name} is no sound ${this.format} file: ${problem} (at byte ${this.at} of ${this.bytes.length})`);
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

  /** The bytes up to and without the next newline. */
  line(what: string): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail(`it ends within ${what}`);
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
export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
