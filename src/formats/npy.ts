/**
 * NumPy's .npy files, and .npz, a zip of them (numpy.lib.format, versions 1.0 to 3.0): the magic "\x93NUMPY", version, length of the header,
 * the header as a Python dictionary `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, the elements; in the place of objects'
 * elements a pickle of the array.
 */
import { strToU8, type UnzipFileFilter, unzipSync } from "fflate";
import { UserError } from "../errors.js";
import { ByteReader, FormatError, latin1, otherKind } from "./byte-reader.js";
import { elements } from "./number-array.js";
import { elementType, type NumpyArray, numpyArray, shapeProblem } from "./numpy-array.js";
import { PickledArray } from "./pickle-objects.js";
import { readPickle } from "./pickle.js";

const MAGIC = "\x93NUMPY";
const ENDING = ".npy";
const MAX_HEADER = 65_536;
/** Embeddings hardly compress. What unpacks to so many times its size, or to so many bytes beyond it, is a trap. */
const MAX_EXPANSION = 100;
const MAX_GROWTH = 2 ** 28;
/** Bytes that a zip's directory needs for each file at least. */
const DIRECTORY_ENTRY = 46;

/**
 * Reads an array.
 * @param name The file, for messages.
 * @throws FormatError when it is cut short or not as the format says, or holds something else than numbers or texts
 */
export function readNpy(bytes: Uint8Array, name = "the file"): NumpyArray {
  const file = new ByteReader(bytes, name, ".npy");
  if (latin1(file.take(MAGIC.length, "its first bytes")) !== MAGIC) file.fail("it does not begin as one");
  const major = file.u8("its version");
  const minor = file.u8("its version");
  if (major < 1 || major > 3 || minor !== 0) file.fail(`its version is ${major}.${minor}`);
  const length = major === 1 ? file.u16("its header's length") : file.u32("its header's length");
  if (length > MAX_HEADER) file.fail(`its header would be ${length} bytes long`);
  const { descr, fortran, shape } = parseHeader(latin1(file.take(length, "its header")), file);
  if (/^\|?O8?$/.test(descr)) return readObjects(file.take(file.left, "its pickle"), name);
  const type = elementType(descr);
  if (!type)
    throw new FormatError(`${name}: petalgrad does not read arrays of the type ${descr}; save numbers, e.g. array.astype("float32")`);
  const problem = shapeProblem(shape, type, file.left);
  if (problem) file.fail(problem);
  return numpyArray(file.take(file.left, "its elements"), type, shape, fortran);
}

/** Names, mostly, which pandas and lists make arrays of objects of. */
function readObjects(pickle: Uint8Array, name: string): NumpyArray {
  const value = readPickle(pickle, name);
  if (value instanceof PickledArray) return value.array!;
  throw new FormatError(
    `${name} holds Python objects that are neither all texts nor all numbers; save names with numpy.array(names, dtype=str), and numbers ` +
      "as an array of numbers",
  );
}

/** The header's three entries, in any order. */
function parseHeader(text: string, file: ByteReader): { descr: string; fortran: boolean; shape: number[] } {
  const fail = (): never => file.fail(`its header is damaged, or describes an array of records`);
  const body = /^\{(.*)\}\s*$/s.exec(text)?.[1] ?? fail();
  const entry = /\s*'(descr|fortran_order|shape)'\s*:\s*(?:'([^'\\]*)'|(True|False)|\(([\d\sL,]*)\))\s*(?:,|$)/y;
  const found = new Map<string, RegExpExecArray>();
  while (entry.lastIndex < body.trimEnd().length) {
    const match = entry.exec(body) ?? fail();
    if (found.has(match[1]!)) fail();
    found.set(match[1]!, match);
  }
  const descr = found.get("descr")?.[2] ?? fail();
  const fortran = found.get("fortran_order")?.[3] ?? fail();
  const sizes = (found.get("shape")?.[4] ?? fail()).split(",").map((size) => size.trim());
  // Python writes a comma behind the only size of a shape, and may behind the last of several.
  if (sizes.at(-1) === "") sizes.pop();
  if (!sizes.every((size) => /^\d{1,16}L?$/.test(size))) fail();
  return { descr, fortran: fortran === "True", shape: sizes.map((size) => Number(size.replace("L", ""))) };
}

/**
 * Reads the arrays of an .npz file.
 * @param choose Which of them, of all their names; others are not unpacked. Default all.
 * @returns them by name, without the ending .npy
 * @throws FormatError
 */
export function readNpz(
  bytes: Uint8Array,
  name = "the file",
  choose = (names: readonly string[]): readonly string[] => names,
): Map<string, NumpyArray> {
  const fail = (problem: string): never => {
    throw new FormatError(`${name} is no sound .npz file: ${problem}`);
  };
  const entries = new Map<string, number>();
  let listed = 0;
  unzip(({ name: entry, size, originalSize }) => {
    if (++listed * DIRECTORY_ENTRY > bytes.length) fail("it lists more files than it can hold");
    if (!entry.endsWith(ENDING)) return false;
    const key = entry.slice(0, -ENDING.length);
    if (entries.has(key)) fail(`"${entry}" is in it twice`);
    if (!(size <= bytes.length)) fail(`"${entry}" lies beyond its end`);
    entries.set(key, Math.max(size, originalSize));
    return false;
  });
  if (entries.size === 0) fail("there is no array in it");
  const chosen = new Set(choose([...entries.keys()]));
  let unpacked = 0;
  for (const [key, size] of entries) if (chosen.has(key)) unpacked += size;
  if (!(unpacked <= MAX_EXPANSION * bytes.length)) fail(`it would unpack to more than ${MAX_EXPANSION} times its size`);
  if (!(unpacked <= bytes.length + MAX_GROWTH))
    fail(`it would unpack to ${Math.round(unpacked / 2 ** 20)} MB; save what is so large uncompressed (numpy.savez)`);
  const files = unzip((entry) => entry.name.endsWith(ENDING) && chosen.has(entry.name.slice(0, -ENDING.length)));
  return new Map(
    Object.entries(files).map(([entry, contents]) => [entry.slice(0, -ENDING.length), readNpy(contents, `${name}: ${entry}`)]),
  );

  function unzip(filter: UnzipFileFilter): Record<string, Uint8Array> {
    try {
      return unzipSync(bytes, { filter });
    } catch (error) {
      if (error instanceof UserError) throw error;
      return fail(otherKind(bytes) ?? `the zip archive is damaged (${(error as Error).message})`);
    }
  }
}

/** The bytes of an .npy file (version 1.0) of 32-bit floats, row by row. */
export function writeNpy(shape: readonly number[], data: Float32Array): Uint8Array {
  if (elements(shape) !== data.length) throw new RangeError(`shape [${shape.join(", ")}] does not fit ${data.length} elements`);
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  // The elements begin at a multiple of 64.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const file = new Uint8Array(10 + length + data.byteLength);
  file.set(strToU8(MAGIC, true));
  file.set([1, 0, length & 255, length >> 8], 6);
  file.set(strToU8(`${header.padEnd(length - 1)}\n`, true), 10);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return file;
}
