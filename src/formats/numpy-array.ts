/** NumPy's arrays as files hold them (.npy, pickles): a type code such as "<f4", a shape, C or Fortran order, the elements' bytes. */
import { elements, NUMBER_ARRAYS, type NumberArray, numberArray, type NumberCode } from "./number-array.js";
import { widened } from "./small-floats.js";

export interface NumpyArray {
  readonly shape: readonly number[];
  /** Row-major. Half floats are widened, booleans are 0 and 1. */
  readonly data: NumberArray | readonly string[];
}

/** What an array's elements are. */
export interface ElementType {
  readonly kind: NumberCode | "f2" | "text";
  readonly bigEndian: boolean;
  /** Bytes an element. */
  readonly size: number;
  /** Bytes of a character, of texts. */
  readonly character: number;
}

/** A text longer than this is no name of a file. */
const MAX_TEXT = 4096;
/** More names than any data set has images: a text takes many times the byte that may ask for it. */
const MAX_TEXTS = 4_000_000;
const MAX_DIMENSIONS = 32;

/**
 * A type code of NumPy's: byte order, kind, size.
 * @returns undefined for what petalgrad does not read: Python objects, complex numbers, dates, records
 */
export function elementType(code: string): ElementType | undefined {
  const match = /^([<>|=]?)([a-zA-Z])(\d{1,6})$/.exec(code);
  if (!match) return undefined;
  const [, order, letter, digits] = match;
  const count = Number(digits);
  const bigEndian = order === ">";
  if (letter === "U" || letter === "S") {
    const character = letter === "U" ? 4 : 1;
    return count >= 1 && count <= MAX_TEXT ? { kind: "text", bigEndian, size: count * character, character } : undefined;
  }
  const kind = `${letter}${count}`;
  return kind === "f2" || Object.hasOwn(NUMBER_ARRAYS, kind)
    ? { kind: kind as NumberCode | "f2", bigEndian, size: count, character: 0 }
    : undefined;
}

/** What is wrong with a shape and the bytes for it, or undefined where they fit. */
export function shapeProblem(shape: readonly unknown[], type: ElementType, bytes: number): string | undefined {
  const sound = shape.length <= MAX_DIMENSIONS && shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
  if (!sound) return `its shape (${shape.map(String).slice(0, MAX_DIMENSIONS).join(", ")}) is none`;
  const count = elements(shape as readonly number[]);
  if (type.kind === "text" && count > MAX_TEXTS) return `it holds ${count} texts, and at most ${MAX_TEXTS} are read`;
  const needed = count * type.size;
  return needed === bytes ? undefined : `the shape (${shape.join(", ")}) needs ${needed} bytes, not ${bytes}`;
}

/** An array from its parts, which must fit (`shapeProblem`). */
export function numpyArray(
  bytes: Uint8Array,
  { kind, bigEndian, size, character }: ElementType,
  shape: readonly number[],
  fortran: boolean,
): NumpyArray {
  const unit = character || size;
  const ordered = bigEndian && unit > 1 ? swapped(bytes, unit) : bytes;
  if (kind === "text") return { shape, data: reordered(texts(ordered, size, character), shape, fortran) };
  const data = kind === "f2" ? widened(ordered, "F16", ordered.length / 2) : numberArray(ordered, kind);
  return { shape, data: reordered(data, shape, fortran) };
}

function swapped(bytes: Uint8Array, unit: number): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) copy[i] = bytes[i - (i % unit) + (unit - 1 - (i % unit))]!;
  return copy;
}

/** Fixed places, filled with zeros behind the text. */
function texts(bytes: Uint8Array, size: number, character: 1 | 4 | number): string[] {
  const codes = character === 4 ? (numberArray(bytes, "u4") as Uint32Array) : bytes;
  const length = size / character;
  return Array.from({ length: bytes.length / size }, (_, i) => {
    const place = [...codes.subarray(i * length, (i + 1) * length)];
    // What is no code point becomes the replacement character.
    return String.fromCodePoint(...place.map((code) => (code > 0x10ffff ? 0xfffd : code))).replace(/\0+$/, "");
  });
}

/** Column-major values in row-major order. */
function reordered<T extends NumberArray | string[]>(values: T, shape: readonly number[], fortran: boolean): T {
  const strides = shape.map((_, d) => shape.slice(0, d).reduce((product, size) => product * size, 1));
  // Dimensions of 1 change no place, and a stranger's array may have many of them.
  const axes = shape.map((size, d) => ({ size, stride: strides[d]! })).filter(({ size }) => size !== 1);
  if (!fortran || axes.length < 2) return values;
  const result = values.slice() as T;
  const index = axes.map(() => 0);
  let from = 0;
  for (let i = 0; i < values.length; i++) {
    result[i] = values[from]!;
    for (let d = axes.length - 1; d >= 0; d--) {
      const { size, stride } = axes[d]!;
      from += stride;
      if (++index[d]! < size) break;
      from -= size * stride;
      index[d] = 0;
    }
  }
  return result;
}
