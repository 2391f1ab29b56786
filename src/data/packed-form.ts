/**
 * The layout of a packed data set: one header, captions, attributes, pixels, each with checksums. Pure, so that a browser reads the same
 * files; packed-file.ts reads and writes them on disk.
 *
 * Layout: 16 bytes of magic, the header's length (32 bits, little-endian), the header's SHA-256 (32 bytes), the header (JSON, UTF-8), the
 * sections.
 */
import { Alphabet, type AlphabetJson } from "./alphabet.js";
import { DataError, type PrepareReport, type Split } from "./dataset.js";
import { concatenate } from "./layouts/rows.js";
import { PackedDataset, type PreparedData, type PreparedSet, type StoredPixels } from "./packed.js";
import { checkAttributes, checkCaptions, checkHeader } from "./packed-check.js";
import type { PetalsAttributes } from "./petals-attributes.js";

const MAGIC = new TextEncoder().encode("petalgrad data 1");
const PREAMBLE = MAGIC.length + 4 + 32;
/** Bytes that one checksum covers. */
export const CHUNK = 1 << 26;

/** How long a part of the file is, and its checksums. */
export interface Section {
  readonly length: number;
  /** SHA-256 of each CHUNK bytes, hexadecimal. */
  readonly sha256: readonly string[];
}

interface Header {
  /** Names the sources and options that the file was made of. */
  readonly key: string;
  readonly name: string;
  readonly size: number;
  readonly classes: readonly string[];
  readonly classless?: boolean;
  readonly split: Split;
  readonly alphabet: AlphabetJson;
  readonly report: PrepareReport;
  readonly imageNames: readonly string[];
  readonly imageClasses: readonly number[];
  readonly imageSides: readonly number[];
  readonly captions: Section;
  readonly attributes?: Section;
  readonly pixels: Section;
}

/** The parts of a packed file, to be written one after the other. */
export async function encodePacked(prepared: PreparedData, key: string): Promise<Uint8Array[]> {
  const head = await packedHead(prepared, key);
  return [...(await head(await describe(prepared.pixels))), prepared.pixels];
}

/** Images whose captions are written as one text: a text of all would take as much memory again as its bytes. */
const TEXT_OF = 1000;

/**
 * All that comes before the pixels.
 * @returns what makes its parts once the pixels' checksums are known; its length depends on their number alone
 */
export async function packedHead(prepared: PreparedSet, key: string): Promise<(pixels: Section) => Promise<Uint8Array[]>> {
  const { images } = prepared;
  const captions = jsonBytes(images, ({ captions }) => captions);
  const attributes = prepared.attributes && jsonBytes(prepared.attributes, (one) => one);
  const header: Omit<Header, "pixels"> = {
    key,
    name: prepared.name,
    size: prepared.size,
    classes: prepared.classes,
    ...(prepared.classless && { classless: true }),
    split: prepared.split,
    alphabet: prepared.alphabet.toJSON(),
    report: prepared.report,
    imageNames: images.map((image) => image.name),
    imageClasses: images.map((image) => image.classIndex),
    imageSides: images.map((image) => image.side),
    captions: await describe(captions),
    ...(attributes && { attributes: await describe(attributes) }),
  };
  return async (pixels) => {
    const headerBytes = new TextEncoder().encode(JSON.stringify({ ...header, pixels }));
    const preamble = new Uint8Array(PREAMBLE);
    preamble.set(MAGIC);
    new DataView(preamble.buffer).setUint32(MAGIC.length, headerBytes.length, true);
    preamble.set(await digest(headerBytes), MAGIC.length + 4);
    return [preamble, headerBytes, captions, ...(attributes ? [attributes] : [])];
  };
}

/** The bytes of the JSON of what a list's elements are told as, in an array. */
function jsonBytes<T>(list: readonly T[], told: (element: T) => unknown): Uint8Array {
  const utf8 = new TextEncoder();
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < list.length; at += TEXT_OF) {
    const text = JSON.stringify(list.slice(at, at + TEXT_OF).map(told)).slice(1, -1);
    pieces.push(utf8.encode(`${at === 0 ? "[" : ","}${text}`));
  }
  pieces.push(utf8.encode(list.length === 0 ? "[]" : "]"));
  return concatenate(pieces);
}

/** The bytes of a packed file, wherever they lie. */
export interface PackedBytes {
  readonly length: number;
  /** Those from one place to before another, or to the end. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Their SHA-256, hexadecimal. */
  sha256(start: number, end: number): Promise<string>;
  /** The pixels, which are read later, by image. */
  pixels(start: number, end: number): Promise<Uint8Array | StoredPixels>;
}

/**
 * A data set from a packed file's bytes, every checksum verified.
 * @param key where given, the file must have been made of these sources and options.
 * @throws DataError that says what is wrong with the bytes.
 */
export async function decodePacked(bytes: Uint8Array, key?: string): Promise<PackedDataset> {
  const read = (start: number, end: number): Promise<Uint8Array> => Promise.resolve(bytes.subarray(start, end));
  const sha256 = async (start: number, end: number): Promise<string> => hexadecimal(await digest(bytes.subarray(start, end)));
  return openPackedBytes({ length: bytes.length, read, sha256, pixels: read }, key);
}

/** The same from bytes that need not be in memory. */
export async function openPackedBytes(bytes: PackedBytes, key?: string): Promise<PackedDataset> {
  const { header, end } = await readHeader(bytes);
  if (key !== undefined && header.key !== key) {
    throw new DataError("made of other sources or options");
  }
  const alphabet = alphabetIn(header);
  let at = end;
  const sections: [string, Section | undefined][] = [
    ["captions", header.captions],
    ["attributes", header.attributes],
    ["pixels", header.pixels],
  ];
  const total = sections.reduce((sum, [, section]) => sum + (section?.length ?? 0), at);
  if (bytes.length !== total) {
    throw new DataError(`${bytes.length < total ? "cut short" : "too long"}: ${bytes.length} bytes instead of ${total}`);
  }
  const found: Record<string, readonly [start: number, end: number]> = {};
  for (const [name, section] of sections) {
    if (section !== undefined) {
      found[name] = [at, at + section.length];
      const { sha256 } = await sectionAt(at, section.length, (from, to) => bytes.sha256(from, to));
      if (sha256.join() !== section.sha256.join()) {
        throw new DataError(`the checksum of its ${name} differs`);
      }
      at += section.length;
    }
  }
  const captions = parsed(await bytes.read(...found["captions"]!), "captions");
  checkCaptions(captions, header.imageNames.length);
  const attributes = header.attributes && parsed(await bytes.read(...found["attributes"]!), "attributes");
  if (attributes !== undefined) {
    checkAttributes(attributes, header.imageNames.length);
  }
  return new PackedDataset({
    name: header.name,
    size: header.size,
    classes: header.classes,
    ...(header.classless && { classless: true }),
    split: header.split,
    alphabet,
    report: header.report,
    images: header.imageNames.map((name, i) => ({
      name,
      classIndex: header.imageClasses[i]!,
      side: header.imageSides[i]!,
      captions: captions[i]!,
    })),
    pixels: await bytes.pixels(...found["pixels"]!),
    ...(attributes !== undefined && { attributes: attributes as PetalsAttributes[] }),
  });
}

async function readHeader(bytes: PackedBytes): Promise<{ header: Header; end: number }> {
  const preamble = await bytes.read(0, PREAMBLE);
  if (preamble.length < PREAMBLE || MAGIC.some((byte, i) => preamble[i] !== byte)) {
    throw new DataError("not a packed data set of this version");
  }
  const length = new DataView(preamble.buffer, preamble.byteOffset).getUint32(MAGIC.length, true);
  const end = PREAMBLE + length;
  const header = end > bytes.length ? new Uint8Array() : await bytes.read(PREAMBLE, end);
  const expected = preamble.subarray(MAGIC.length + 4);
  const actual = await digest(header);
  if (header.length !== length || actual.some((byte, i) => byte !== expected[i])) {
    throw new DataError("the checksum of its header differs");
  }
  const json = parsed(header, "header");
  checkHeader(json);
  return { header: json as Header, end };
}

/** @throws DataError that names the part which is no JSON */
function parsed(part: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(part)) as unknown;
  } catch {
    throw new DataError(`its ${name} is no JSON`);
  }
}

function alphabetIn({ alphabet }: Header): Alphabet {
  try {
    return Alphabet.fromJSON(alphabet);
  } catch (error) {
    throw new DataError(`its alphabet is ${(error as Error).message}`);
  }
}

const describe = (bytes: Uint8Array): Promise<Section> =>
  sectionAt(0, bytes.length, async (start, end) => hexadecimal(await digest(bytes.subarray(start, end))));

async function sectionAt(at: number, length: number, hash: PackedBytes["sha256"]): Promise<Section> {
  const sha256: string[] = [];
  for (let start = 0; start < length; start += CHUNK) sha256.push(await hash(at + start, at + Math.min(start + CHUNK, length)));
  return { length, sha256 };
}

const hexadecimal = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  // A data set's bytes are never in shared memory, which is all that the narrower type excludes.
  return new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}
