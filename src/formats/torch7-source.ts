/**
 * The two forms of Torch7's files under one interface: binary (little endian, sizes of 8 bytes, or of 4 where a C `long` has 4: Windows, 32-bit
 * machines), and ASCII (`torch.save(file, object, "ascii")`; DiskFile.c), in which numbers are words and strings stand as they are, a newline
 * behind each call of a writer.
 */
import { ByteReader, latin1 } from "./byte-reader.js";
import { NUMBER_ARRAYS, type NumberArray, numberArray, type NumberCode } from "./number-array.js";

export interface Torch7Source {
  readonly name: string;
  /** Bytes not read yet. */
  readonly left: number;
  fail(problem: string): never;
  i32(what: string): number;
  f64(what: string): number;
  /** A size, stride or offset. */
  long(what: string): number;
  /** So many characters. */
  string(count: number, what: string): string;
  skip(count: number, what: string): void;
  /** A length that counts things of at least `each` bytes which follow. */
  length(value: number, each: number, what: string): number;
  /** Bytes that an element takes at least. */
  least(code: NumberCode): number;
  elements(count: number, code: NumberCode, what: string): NumberArray;
}

export class BinaryTorch7 extends ByteReader implements Torch7Source {
  constructor(
    bytes: Uint8Array,
    name: string,
    /** Bytes of a `long`. */
    readonly longSize: 8 | 4 = 8,
  ) {
    super(bytes, name, "binary Torch7");
  }

  long(what: string): number {
    return this.longSize === 8 ? this.i64(what) : this.i32(what);
  }

  string(count: number, what: string): string {
    return this.latin1(count, what);
  }

  skip(count: number, what: string): void {
    this.take(count, what);
  }

  least(code: NumberCode): number {
    return NUMBER_ARRAYS[this.#code(code)].BYTES_PER_ELEMENT;
  }

  elements(count: number, code: NumberCode, what: string): NumberArray {
    return numberArray(this.take(count * this.least(code), what), this.#code(code));
  }

  /** The elements of a LongStorage are longs too. */
  #code(code: NumberCode): NumberCode {
    return code === "i8" && this.longSize === 4 ? "i4" : code;
  }
}

/** No number is longer. */
const MAX_WORD = 64;
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);

export class AsciiTorch7 extends ByteReader implements Torch7Source {
  constructor(bytes: Uint8Array, name: string) {
    super(bytes, name, "ASCII Torch7");
  }

  override i32(what: string): number {
    const value = this.long(what);
    return value === (value | 0) ? value : this.fail(`${what} is ${value}`);
  }

  override f64(what: string): number {
    const value = this.#number(what);
    this.#newline();
    return value;
  }

  long(what: string): number {
    const value = this.f64(what);
    return Number.isInteger(value) ? value : this.fail(`${what} is ${value}`);
  }

  string(count: number, what: string): string {
    const text = this.latin1(count, what);
    if (count > 0) this.#newline();
    return text;
  }

  skip(count: number, what: string): void {
    this.take(count, what);
    if (count > 0) this.#newline();
  }

  /** A digit and what parts it from the next; characters and bytes stand side by side. */
  least(code: NumberCode): number {
    return code === "i1" || code === "u1" ? 1 : 2;
  }

  elements(count: number, code: NumberCode, what: string): NumberArray {
    if (code === "i1" || code === "u1") {
      const values = numberArray(this.take(count, what), code);
      if (count > 0) this.#newline();
      return values;
    }
    const values = new NUMBER_ARRAYS[code](count);
    for (let i = 0; i < count; i++) {
      const value = this.#number(what);
      if (!(values instanceof BigInt64Array || values instanceof BigUint64Array)) values[i] = value;
      else values[i] = Number.isInteger(value) ? BigInt(value) : this.fail(`${what} holds ${value}`);
    }
    if (count > 0) this.#newline();
    return values;
  }

  /** The next word, as C's scanf takes it. */
  #number(what: string): number {
    while (isBlank(this.bytes[this.at])) this.at++;
    const from = this.at;
    while (this.at < this.bytes.length && !isBlank(this.bytes[this.at]) && this.at - from < MAX_WORD) this.at++;
    const word = latin1(this.bytes.subarray(from, this.at)).toLowerCase();
    if (/^[-+]?nan$/.test(word)) return NaN;
    if (/^[-+]?inf(?:inity)?$/.test(word)) return word.startsWith("-") ? -Infinity : Infinity;
    if (!/^[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?$/.test(word)) this.fail(`it has no number for ${what}`);
    return Number(word);
  }

  #newline(): void {
    if (this.bytes[this.at] === 0x0d && this.bytes[this.at + 1] === 0x0a) this.at++;
    if (this.bytes[this.at] === 0x0a) this.at++;
  }
}

/** Whether a file begins as ASCII ones do: a digit that is a type, and a newline. */
export const looksAscii = (bytes: Uint8Array): boolean => /^[0-8]\r?\n/.test(latin1(bytes.subarray(0, 3)));
