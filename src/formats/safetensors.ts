/**
 * The safetensors format: 8 bytes of header length (little endian), a JSON header, the tensors' bytes. Bytes in, bytes out: knows no
 * files, runs in a browser.
 *
 * The reader trusts nothing: a header that lies about sizes, overlaps, leaves holes or names a tensor twice is refused before any memory
 * is taken for it. Files written here also carry a SHA-256 of the whole file in `__metadata__` (with the hash's own place read as
 * zeros), so that a damaged one is told from a good one; files of other tools need none.
 *
 * All element types of the specification are known (its crate's `Dtype`): those of small floats are widened to 32 bits, and what is not
 * read, complex numbers and types that are younger than this reader, stands beside the rest by its name alone.
 */
import { FormatError, otherKind } from "./byte-reader.js";
import { halves, SMALL_FLOATS, type SmallFloat, widened } from "./small-floats.js";
import { parseStrictJson } from "./strict-json.js";

/** The arrays that hold each element type. Arrays are little endian, as every machine that runs JavaScript today is. */
export interface ArrayOf {
  F32: Float32Array;
  F64: Float64Array;
  I8: Int8Array;
  U8: Uint8Array;
  I16: Int16Array;
  U16: Uint16Array;
  I32: Int32Array;
  U32: Uint32Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
  /** 0 and 1. */
  BOOL: Uint8Array;
}

/** Element types that are read and written. */
export type DType = keyof ArrayOf;

/** A tensor as a file holds it: element type, shape, and `product(shape)` elements in row-major order. */
export type SafeTensor =
  | { readonly [D in DType]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: ArrayOf[D] } }[DType]
  | {
      /** Widened when `data` is first asked for. Of these only F16 is written, each number as its nearest half. */
      readonly dtype: SmallFloat;
      readonly shape: readonly number[];
      readonly data: Float32Array;
    };

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Element types of the tensors that are not read, by name. */
  readonly unread: ReadonlyMap<string, string>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Whether the file carried the hash that petalgrad writes, which then was right. */
  readonly sealed: boolean;
}

/** What is wrong with a file; the message begins with the file's name. */
export class SafetensorsError extends FormatError {
  override readonly name: string = "SafetensorsError";
}

const CONSTRUCTORS = {
  F32: Float32Array,
  F64: Float64Array,
  I8: Int8Array,
  U8: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  BOOL: Uint8Array,
} as const;

const isWritten = (dtype: string): dtype is DType => Object.hasOwn(CONSTRUCTORS, dtype);
const isSmall = (dtype: string): dtype is SmallFloat => Object.hasOwn(SMALL_FLOATS, dtype);

/** Bits of an element; undefined of a type that is not known. */
function bitsOf(dtype: string): number | undefined {
  if (dtype === "C64") return 64;
  if (isSmall(dtype)) return SMALL_FLOATS[dtype].bits;
  return isWritten(dtype) ? 8 * CONSTRUCTORS[dtype].BYTES_PER_ELEMENT : undefined;
}

/** Bytes that an element takes in a file. */
const width = ({ dtype, data }: SafeTensor): number => (dtype === "F16" ? 2 : data.BYTES_PER_ELEMENT);

/** The format's own limit on the header. */
const MAX_HEADER = 100_000_000;
const HASH_KEY = "sha256";
const NO_HASH = "0".repeat(64);

/**
 * Writes a file. Wider elements come first, so that every tensor is aligned; within one width the order given is kept. The same
 * tensors and metadata give the same bytes.
 * @throws SafetensorsError when a shape does not fit its data, a name is reserved, or a number is too large for F16
 */
export async function writeSafetensors(
  tensors: Iterable<readonly [string, SafeTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const entries = [...tensors].sort(([, a], [, b]) => width(b) - width(a));
  if (HASH_KEY in metadata) throw new SafetensorsError(`the metadata key "${HASH_KEY}" is petalgrad's own`);
  const header: [string, unknown][] = [["__metadata__", { [HASH_KEY]: NO_HASH, ...metadata }]];
  const names = new Set(["__metadata__"]);
  let end = 0;
  for (const [name, tensor] of entries) {
    const { dtype, shape, data } = tensor;
    if (names.has(name)) throw new SafetensorsError(`two tensors have the name "${name}"`);
    names.add(name);
    if (!isWritten(dtype) && dtype !== "F16") throw new SafetensorsError(`tensor ${name}: the element type ${dtype} is read, not written`);
    if (elements(shape) !== data.length)
      throw new SafetensorsError(`tensor ${name}: shape [${shape.join(", ")}] does not fit ${data.length} elements`);
    header.push([name, { dtype, shape, data_offsets: [end, (end += width(tensor) * data.length)] }]);
  }
  // Written by hand rather than from an object, which would put names such as "0" first.
  const json = `{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
  let text = new TextEncoder().encode(json);
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  text = padded;
  if (text.length > MAX_HEADER)
    throw new SafetensorsError(`${entries.length} tensors need a header of ${text.length} bytes, more than the format allows`);

  const file = new Uint8Array(8 + text.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let at = 8 + text.length;
  for (const [name, { dtype, data }] of entries) {
    const stored = dtype === "F16" ? halves(data) : data;
    if (dtype === "F16" && stored.some((code, i) => (Number(code) & 0x7fff) === 0x7c00 && Number.isFinite(data[i])))
      throw new SafetensorsError(`tensor ${name} holds numbers that are too large for F16`);
    file.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), at);
    at += stored.byteLength;
  }
  const place = findHash(file.subarray(8, 8 + text.length), NO_HASH);
  file.set(new TextEncoder().encode(await sha256(file)), 8 + place);
  return file;
}

/**
 * Reads a file and checks all of it, the hash too where it has one; with `sealed`, one without a hash (another tool's) is refused.
 * `name` is for messages. Tensors that lie aligned in `file` share its memory.
 * @throws SafetensorsError when anything is not as the format says, or the file was damaged after it was written
 */
export async function readSafetensors(file: Uint8Array, name = "the file", { sealed = false } = {}): Promise<SafetensorsFile> {
  const { tensors, unread, metadata, headerLength } = parse(file, name);
  const hash = metadata.get(HASH_KEY);
  if (hash !== undefined) {
    const place = /^[0-9a-f]{64}$/.test(hash) ? findHash(file.subarray(8, 8 + headerLength), hash) : -1;
    if (place < 0) throw new SafetensorsError(`${name}: its ${HASH_KEY} is not of the form petalgrad writes`);
    // Not `slice`, which of a Buffer of Node's gives a view.
    const copy = new Uint8Array(file);
    copy.fill(0x30, 8 + place, 8 + place + 64);
    if ((await sha256(copy)) !== hash) throw new SafetensorsError(`${name} is damaged: its contents do not match their SHA-256`);
    metadata.delete(HASH_KEY);
  } else if (sealed) {
    throw new SafetensorsError(`${name} is damaged: the ${HASH_KEY} that petalgrad writes is missing`);
  }
  return { tensors, unread, metadata, sealed: hash !== undefined };
}

interface Placed {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

interface Parsed extends Omit<SafetensorsFile, "sealed"> {
  readonly metadata: Map<string, string>;
  readonly headerLength: number;
}

function parse(file: Uint8Array, name: string): Parsed {
  const fail = (problem: string): never => {
    throw new SafetensorsError(`${name} is no sound safetensors file: ${otherKind(file) ?? problem}`);
  };
  if (file.length < 8) return fail(`${file.length} bytes are too few`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const declared = view.getBigUint64(0, true);
  if (declared > MAX_HEADER) return fail(`its header would be ${declared} bytes long`);
  const headerLength = Number(declared);
  if (8 + headerLength > file.length) return fail(`it ends within its header`);
  if (file[8] !== 0x7b) return fail("its header does not begin with {");
  const root = parseHeader(file.subarray(8, 8 + headerLength), fail);

  const dataLength = file.length - 8 - headerLength;
  const metadata = new Map<string, string>();
  const placed: Placed[] = [];
  for (const [key, value] of root) {
    if (!(value instanceof Map)) return fail(`the entry of "${key}" is no object`);
    if (key === "__metadata__") {
      for (const [word, text] of value) {
        if (typeof text !== "string") return fail(`the metadata "${word}" is no text`);
        metadata.set(word, text);
      }
    } else {
      placed.push(placeOf(key, value, dataLength, fail));
    }
  }

  placed.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name: tensor, begin, end } of placed) {
    if (begin !== at) return fail(`tensor "${tensor}" begins at byte ${begin}, not at ${at}: ${begin < at ? "an overlap" : "a hole"}`);
    at = end;
  }
  if (at !== dataLength)
    return fail(`its tensors end at byte ${at} of ${dataLength}: ${at < dataLength ? "bytes are left over" : "it was cut short"}`);

  const tensors = new Map<string, SafeTensor>();
  const unread = new Map<string, string>();
  for (const entry of placed) {
    const { dtype } = entry;
    if (isWritten(dtype)) tensors.set(entry.name, tensorAt(file, 8 + headerLength, { ...entry, dtype }));
    else if (isSmall(dtype)) tensors.set(entry.name, widenedAt(file, 8 + headerLength, { ...entry, dtype }));
    else unread.set(entry.name, dtype);
  }
  return { tensors, unread, metadata, headerLength };
}

function parseHeader(header: Uint8Array, fail: (problem: string) => never): ReadonlyMap<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
  } catch {
    return fail("its header is not UTF-8");
  }
  let root: unknown;
  try {
    root = parseStrictJson(text);
  } catch (error) {
    return fail(`its header is damaged (${(error as Error).message})`);
  }
  return root instanceof Map ? root : fail("its header is no object");
}

function placeOf(name: string, entry: ReadonlyMap<string, unknown>, dataLength: number, fail: (problem: string) => never): Placed {
  const extra = [...entry.keys()].find((key) => key !== "dtype" && key !== "shape" && key !== "data_offsets");
  if (extra !== undefined) return fail(`tensor "${name}" has an unknown field "${extra}"`);
  const dtype = entry.get("dtype");
  if (typeof dtype !== "string" || !/^[A-Z][A-Z0-9_]{0,31}$/.test(dtype))
    return fail(`tensor "${name}" has the element type ${JSON.stringify(dtype)?.slice(0, 40)}, which is none`);
  const shape = entry.get("shape");
  if (!isSizes(shape)) return fail(`tensor "${name}" has no proper shape`);
  const offsets = entry.get("data_offsets");
  if (!isSizes(offsets) || offsets.length !== 2) return fail(`tensor "${name}" has no proper data_offsets`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataLength) return fail(`tensor "${name}" lies at bytes ${begin} to ${end} of ${dataLength}`);
  const bits = bitsOf(dtype);
  const size = bits === undefined ? end - begin : (elements(shape) * bits) / 8;
  // Beyond 2^53 the product is inexact, but then far from any offset too.
  if (size !== end - begin)
    return fail(`tensor "${name}" of shape [${shape.join(", ")}] and type ${dtype} needs ${size} bytes, not ${end - begin}`);
  return { name, dtype, shape, begin, end };
}

function isSizes(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.every((item) => typeof item === "number" && Number.isSafeInteger(item) && item >= 0 && !Object.is(item, -0))
  );
}

function elements(shape: readonly number[]): number {
  // A zero anywhere makes the tensor empty, however large the rest.
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

function tensorAt(file: Uint8Array, dataStart: number, { dtype, shape, begin, end }: Placed & { readonly dtype: DType }): SafeTensor {
  const make = CONSTRUCTORS[dtype];
  const from = file.byteOffset + dataStart + begin;
  const length = (end - begin) / make.BYTES_PER_ELEMENT;
  const aligned = from % make.BYTES_PER_ELEMENT === 0;
  const data = aligned
    ? new make(file.buffer as ArrayBuffer, from, length)
    : new make(new Uint8Array(file.subarray(dataStart + begin, dataStart + end)).buffer);
  return { dtype, shape, data } as SafeTensor;
}

function widenedAt(file: Uint8Array, dataStart: number, { dtype, shape, begin, end }: Placed & { readonly dtype: SmallFloat }): SafeTensor {
  let data: Float32Array | undefined;
  return {
    dtype,
    shape,
    get data() {
      return (data ??= widened(file.subarray(dataStart + begin, dataStart + end), dtype, elements(shape)));
    },
  };
}

/** Where in the header's bytes the 64 digits of `hash` stand as the value of the hash's key, or -1. Quotes within texts are escaped, so no text can look like it. */
function findHash(header: Uint8Array, hash: string): number {
  const before = `"${HASH_KEY}":"`;
  const pattern = new TextEncoder().encode(`${before}${hash}"`);
  for (let i = header.indexOf(pattern[0]!); i >= 0 && i + pattern.length <= header.length; i = header.indexOf(pattern[0]!, i + 1)) {
    if (pattern.every((byte, j) => header[i + j] === byte)) return i + before.length;
  }
  return -1;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
