/** The column chunks of a Parquet file, read and looked through before the library unpacks them: what they claim must fit what they are. */
import type { AsyncBuffer, ColumnMetaData, FileMetaData, RowGroup } from "hyparquet";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";
import { mebibytes } from "./source.js";
import type { RandomAccess } from "./zip.js";

/** Packed bytes of the wanted columns of a row group, which are in memory at one time: Hugging Face's groups of images are a tenth of it. */
const LARGEST_GROUP = 2 ** 30;
/** Snappy makes 64 bytes of three at most, and levels and indices are shorter than what they stand for. */
const MOST_UNPACKED = 32;
/** Values of one column chunk, and more for each byte of it: runs of one caption are packed well. */
const MOST_VALUES = 2 ** 20;

/**
 * Work of the library on a file. It begins all columns at once, and where one is unsound it gives up at once and forgets the others, whose
 * errors then would be nobody's and end the process: so what is read for them never comes.
 */
export async function whileItLasts<T>(file: AsyncBuffer, work: (file: AsyncBuffer) => Promise<T>): Promise<T> {
  let over = false;
  const slice: AsyncBuffer["slice"] = async (start, end) => {
    const bytes = await file.slice(start, end);
    await new Promise((resolve) => setTimeout(resolve));
    return over ? new Promise<never>(() => undefined) : bytes;
  };
  try {
    return await work({ byteLength: file.byteLength, slice });
  } finally {
    over = true;
  }
}

/** A file as the library asks for it. */
export const asyncBuffer = (access: RandomAccess): AsyncBuffer => ({
  byteLength: access.size,
  slice: async (start, end = access.size) => copied(await exactly(access, start, end - start)),
});

/**
 * The wanted columns of a row group, in memory and sound in what they claim.
 * @throws Error where a chunk lies outside the file, or unpacks to more than any honest one
 */
export async function readGroup(access: RandomAccess, group: RowGroup, columns: ReadonlySet<string>): Promise<AsyncBuffer> {
  const chunks = group.columns.flatMap(({ meta_data: chunk }) => (chunk && columns.has(chunk.path_in_schema[0]!) ? [chunk] : []));
  const total = chunks.reduce((sum, { total_compressed_size }) => sum + Number(total_compressed_size), 0);
  if (total > LARGEST_GROUP)
    throw new Error(
      `a row group of ${mebibytes(total)}, of which at most ${mebibytes(LARGEST_GROUP)} are read: write it with smaller ones`,
    );
  const parts: { start: number; bytes: Uint8Array }[] = [];
  for (const chunk of chunks) {
    const start = startOf(chunk);
    const bytes = await exactly(access, start, Number(chunk.total_compressed_size));
    checkPages(bytes, chunk);
    parts.push({ start, bytes });
  }
  const whole = asyncBuffer(access);
  return {
    byteLength: access.size,
    async slice(start, end = access.size) {
      // The library reads neighbouring columns at once.
      if (end - start > LARGEST_GROUP) throw new Error(`a part of ${mebibytes(end - start)}`);
      const inside = parts.find((part) => start >= part.start && end <= part.start + part.bytes.length);
      return inside ? copied(inside.bytes.subarray(start - inside.start, end - inside.start)) : whole.slice(start, end);
    },
  };
}

/** @throws Error where there are more rows or values than the file's size allows */
export function checkRows({ num_rows: rows, row_groups: groups }: FileMetaData, size: number): void {
  if (!(Number(rows) <= 100_000 + size / 64)) throw new Error(`it has ${rows} rows in ${size} bytes`);
  const sum = groups.reduce((total, group) => total + Number(group.num_rows), 0);
  if (sum !== Number(rows)) throw new Error(`its row groups have ${sum} rows where it says ${rows}`);
}

const startOf = ({ dictionary_page_offset: dictionary, data_page_offset: data }: ColumnMetaData): number =>
  Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data);

/** Headers are Thrift's structs: 1 type, 2 bytes unpacked, 3 bytes packed, 5, 7 and 8 the kinds of pages, of which 1 is the number of values. */
function checkPages(bytes: Uint8Array, { num_values: claimed }: ColumnMetaData): void {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  const most = MOST_VALUES + MOST_UNPACKED * bytes.length;
  if (!(Number(claimed) <= most)) throw new Error(`${claimed} values in ${bytes.length} bytes`);
  let [values, unpacked] = [0, 0];
  while (reader.offset < bytes.length - 1) {
    const header = deserializeTCompactProtocol(reader) as Readonly<Record<string, unknown>>;
    const [size, packed] = [header["field_2"], header["field_3"]];
    const kinds = ["field_5", "field_7", "field_8"].map((field) => header[field] as { field_1?: unknown } | undefined);
    const count = kinds.reduce((sum, kind) => sum + (kind ? Number(kind.field_1) : 0), 0);
    if (!isSize(size) || !isSize(packed) || !isSize(count) || reader.offset + packed > bytes.length) throw new Error("a page is damaged");
    values += count;
    unpacked += size;
    if (values > 2 * most || unpacked > 2 ** 16 + MOST_UNPACKED * bytes.length)
      throw new Error(`it unpacks to more than ${mebibytes(unpacked)} from ${bytes.length} bytes`);
    reader.offset += packed;
  }
}

const isSize = (value: unknown): value is number => typeof value === "number" && Number.isInteger(value) && value >= 0;

async function exactly(access: RandomAccess, start: number, length: number): Promise<Uint8Array> {
  if (!(start >= 0 && length >= 0 && start + length <= access.size)) throw new Error("a part of it lies outside the file");
  const bytes = await access.read(start, length);
  if (bytes.length !== length) throw new Error("it is cut short");
  return bytes;
}

/** Bytes of their own. */
const copied = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;
