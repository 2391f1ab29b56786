/**
 * A prepared data set in memory, and its layout in a packed file: one header, captions, attributes, pixels, each with checksums. Pure:
 * bytes in, data set out, so that a browser reads the same files; packed-file.ts reads and writes them on disk.
 *
 * Layout: 16 bytes of magic, the header's length (32 bits, little-endian), the header's SHA-256 (32 bytes), the header (JSON, UTF-8), the
 * sections.
 */
import { Alphabet, type AlphabetJson } from "./alphabet.js";
import { DataError, type Dataset, type PrepareReport, type Split, type SplitName } from "./dataset.js";
import { checkAttributes, checkCaptions, checkHeader } from "./packed-check.js";
import type { PetalsAttributes } from "./petals-attributes.js";

/** What preparing a data set makes. */
export interface PreparedData {
  readonly name: string;
  /** Side of the images that batches are made of. */
  readonly size: number;
  readonly classes: readonly string[];
  /** Each image is a class of its own, of its number. */
  readonly classless?: boolean;
  readonly split: Split;
  readonly alphabet: Alphabet;
  readonly report: PrepareReport;
  readonly images: readonly PreparedImage[];
  /** All images' pixels one after the other: side x side x RGB each. */
  readonly pixels: Uint8Array;
  /** petals: what is true of each image. */
  readonly attributes?: readonly PetalsAttributes[];
}

/** One image of a prepared data set; its pixels lie with the others'. */
export interface PreparedImage {
  readonly name: string;
  readonly classIndex: number;
  readonly side: number;
  readonly captions: readonly string[];
}

/** A data set whose pixels and captions are all in memory. */
export class PackedDataset implements Dataset {
  readonly name: string;
  readonly size: number;
  readonly images: number;
  readonly captions: number;
  readonly classes: readonly string[];
  readonly classless: boolean;
  readonly split: Split;
  readonly alphabet: Alphabet;
  readonly report: PrepareReport;
  readonly attributes?: (image: number) => PetalsAttributes;
  readonly #list: readonly PreparedImage[];
  readonly #data: Uint8Array;
  readonly #pixelStart: Float64Array;
  readonly #captionStart: Uint32Array;
  readonly #captionOwner: Uint32Array;
  readonly #byClass: readonly number[][];
  readonly #bySplit: Partial<Record<SplitName, readonly number[]>> = {};

  constructor(prepared: PreparedData) {
    const { images, attributes } = prepared;
    this.name = prepared.name;
    this.size = prepared.size;
    this.classes = prepared.classes;
    this.classless = prepared.classless ?? false;
    this.split = prepared.split;
    this.alphabet = prepared.alphabet;
    this.report = prepared.report;
    this.#list = images;
    this.#data = prepared.pixels;
    this.images = images.length;
    this.#pixelStart = new Float64Array(images.length + 1);
    this.#captionStart = new Uint32Array(images.length + 1);
    this.#byClass = prepared.classes.map(() => []);
    images.forEach((image, i) => {
      this.#pixelStart[i + 1] = this.#pixelStart[i]! + 3 * image.side ** 2;
      this.#captionStart[i + 1] = this.#captionStart[i]! + image.captions.length;
      this.#byClass[image.classIndex]!.push(i);
    });
    this.captions = this.#captionStart[images.length]!;
    this.#captionOwner = new Uint32Array(this.captions);
    images.forEach((_, i) => this.#captionOwner.fill(i, this.#captionStart[i], this.#captionStart[i + 1]));
    if (this.#pixelStart[images.length] !== prepared.pixels.length) {
      throw new DataError(`${prepared.name}: ${prepared.pixels.length} bytes of pixels where ${this.#pixelStart[images.length]} belong`);
    }
    if (attributes !== undefined) {
      this.attributes = (image) => attributes[this.#known(image)]!;
    }
  }

  imagesOfClass(classIndex: number): readonly number[] {
    const images = this.#byClass[classIndex];
    if (images === undefined) {
      throw new RangeError(`${this.name} has classes 0 to ${this.classes.length - 1}, not ${classIndex}`);
    }
    return images;
  }

  imagesOfSplit(split: SplitName): readonly number[] {
    // Asked for at every step of a training.
    return (this.#bySplit[split] ??= this.split[split].flatMap((classIndex) => this.imagesOfClass(classIndex)).sort((a, b) => a - b));
  }

  classOf(image: number): number {
    return this.#list[this.#known(image)]!.classIndex;
  }

  imageName(image: number): string {
    return this.#list[this.#known(image)]!.name;
  }

  side(image: number): number {
    return this.#list[this.#known(image)]!.side;
  }

  pixels(image: number): Uint8Array {
    return this.#data.subarray(this.#pixelStart[this.#known(image)], this.#pixelStart[image + 1]);
  }

  captionsOf(image: number): readonly string[] {
    return this.#list[this.#known(image)]!.captions;
  }

  firstCaption(image: number): number {
    return this.#captionStart[this.#known(image)]!;
  }

  caption(index: number): string {
    const image = this.imageOfCaption(index);
    return this.#list[image]!.captions[index - this.#captionStart[image]!]!;
  }

  imageOfCaption(index: number): number {
    const image = this.#captionOwner[index];
    if (image === undefined) {
      throw new RangeError(`${this.name} has captions 0 to ${this.captions - 1}, not ${index}`);
    }
    return image;
  }

  #known(image: number): number {
    if (!(image >= 0 && image < this.images)) {
      throw new RangeError(`${this.name} has images 0 to ${this.images - 1}, not ${image}`);
    }
    return image;
  }
}

const MAGIC = new TextEncoder().encode("petalgrad data 1");
const PREAMBLE = MAGIC.length + 4 + 32;
/** Bytes that one checksum covers. */
const CHUNK = 1 << 26;

interface Section {
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
  const utf8 = new TextEncoder();
  const captions = utf8.encode(JSON.stringify(prepared.images.map((image) => image.captions)));
  const attributes = prepared.attributes && utf8.encode(JSON.stringify(prepared.attributes));
  const header: Header = {
    key,
    name: prepared.name,
    size: prepared.size,
    classes: prepared.classes,
    ...(prepared.classless && { classless: true }),
    split: prepared.split,
    alphabet: prepared.alphabet.toJSON(),
    report: prepared.report,
    imageNames: prepared.images.map((image) => image.name),
    imageClasses: prepared.images.map((image) => image.classIndex),
    imageSides: prepared.images.map((image) => image.side),
    captions: await describe(captions),
    ...(attributes && { attributes: await describe(attributes) }),
    pixels: await describe(prepared.pixels),
  };
  const headerBytes = utf8.encode(JSON.stringify(header));
  const preamble = new Uint8Array(PREAMBLE);
  preamble.set(MAGIC);
  new DataView(preamble.buffer).setUint32(MAGIC.length, headerBytes.length, true);
  preamble.set(await digest(headerBytes), MAGIC.length + 4);
  return [preamble, headerBytes, captions, ...(attributes ? [attributes] : []), prepared.pixels];
}

/**
 * A data set from a packed file's bytes, every checksum verified.
 * @param key where given, the file must have been made of these sources and options.
 * @throws DataError that says what is wrong with the bytes.
 */
export async function decodePacked(bytes: Uint8Array, key?: string): Promise<PackedDataset> {
  const header = await decodeHeader(bytes);
  if (key !== undefined && header.key !== key) {
    throw new DataError("made of other sources or options");
  }
  const alphabet = alphabetIn(header);
  let at = PREAMBLE + new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  const sections: [string, Section | undefined][] = [
    ["captions", header.captions],
    ["attributes", header.attributes],
    ["pixels", header.pixels],
  ];
  const total = sections.reduce((sum, [, section]) => sum + (section?.length ?? 0), at);
  if (bytes.length !== total) {
    throw new DataError(`${bytes.length < total ? "cut short" : "too long"}: ${bytes.length} bytes instead of ${total}`);
  }
  const found: Record<string, Uint8Array> = {};
  for (const [name, section] of sections) {
    if (section !== undefined) {
      found[name] = bytes.subarray(at, at + section.length);
      const { sha256 } = await describe(found[name]);
      if (sha256.join() !== section.sha256.join()) {
        throw new DataError(`the checksum of its ${name} differs`);
      }
      at += section.length;
    }
  }
  const captions = parsed(found["captions"]!, "captions");
  checkCaptions(captions, header.imageNames.length);
  const attributes = header.attributes && parsed(found["attributes"]!, "attributes");
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
    pixels: found["pixels"]!,
    ...(attributes !== undefined && { attributes: attributes as PetalsAttributes[] }),
  });
}

async function decodeHeader(bytes: Uint8Array): Promise<Header> {
  if (bytes.length < PREAMBLE || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new DataError("not a packed data set of this version");
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  const header = bytes.subarray(PREAMBLE, PREAMBLE + length);
  const expected = bytes.subarray(MAGIC.length + 4, PREAMBLE);
  const actual = await digest(header);
  if (header.length !== length || actual.some((byte, i) => byte !== expected[i])) {
    throw new DataError("the checksum of its header differs");
  }
  const json = parsed(header, "header");
  checkHeader(json);
  return json as Header;
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

async function describe(section: Uint8Array): Promise<Section> {
  const sha256: string[] = [];
  for (let at = 0; at < section.length; at += CHUNK) {
    const hash = await digest(section.subarray(at, at + CHUNK));
    sha256.push(Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return { length: section.length, sha256 };
}

async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  // A data set's bytes are never in shared memory, which is all that the narrower type excludes.
  return new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}
