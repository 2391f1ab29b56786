/**
 * A Parquet file of images and captions (Hugging Face's form, and others with a column of image bytes) as a folder: an image a row, and
 * `metadata.jsonl` with the texts of each. Read a row group at a time.
 */
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema, type SchemaTree } from "hyparquet";
import { DataError } from "../dataset.js";
import { isStray, nameForm } from "../names.js";
import { Unpacked } from "./archive-entry.js";
import { PARQUET_TEXTS } from "./parquet-names.js";
import { baseName } from "./paths.js";
import { asyncBuffer, checkRows, readGroup, whileItLasts } from "./parquet-pages.js";
import { type FileSource, mebibytes, type Reading, type SourceFile, tooLarge } from "./source.js";
import type { RandomAccess } from "./zip.js";

/** Columns that name images, the first that does. */
const NAMES = ["file_name", "filename", "image_path", "__key__", "key", "image_id", "id"];
/** Columns of images, the first that is there, else whichever holds bytes. */
const IMAGES = ["image", "img", "jpg", "png", "picture", "photo", "image_bytes", "bytes"];
const READ_CODECS: ReadonlySet<string> = new Set(["UNCOMPRESSED", "SNAPPY"]);

/** @param open Bytes of the file, for as long as they are read. */
export function parquetSource(
  path: string,
  size: () => Promise<number>,
  open: () => Promise<{ readonly access: RandomAccess; readonly close: () => Promise<void> }>,
): FileSource {
  const name = baseName(path.replaceAll("\\", "/"));
  return {
    ...{ path, name, size },
    async *read(reading) {
      const { access, close } = await open();
      try {
        yield* readRows(access, name, reading);
      } catch (error) {
        if (error instanceof DataError) throw error;
        throw new DataError(`${path} is a damaged Parquet file (${(error as Error).message}); fetch it again`, { cause: error });
      } finally {
        await close();
      }
    },
  };
}

async function* readRows(access: RandomAccess, name: string, reading: Reading): AsyncGenerator<SourceFile> {
  const metadata = await parquetMetadataAsync(asyncBuffer(access));
  checkRows(metadata, access.size);
  const { children } = parquetSchema(metadata);
  const image = imageColumn(children);
  if (image === undefined)
    throw new DataError(
      `${name} has no column of image bytes: there are ${children.map(({ element }) => element.name).join(", ")}; addresses are not fetched. Hugging Face's form is image {bytes, path}`,
    );
  const texts = children.filter((child) => isText(child));
  const table = { access, metadata, name, guard: new Unpacked(access.size) };
  const names = await namesOf(table, texts);
  if (reading.wanted(PARQUET_TEXTS)) yield* readTexts(table, texts, names, reading);
  const wanted = names.map((one) => reading.wanted(one));
  if (!wanted.includes(true)) return;
  for await (const { rows, first } of groups(table, [image], (from, to) => wanted.slice(from, to).includes(true))) {
    for (const [i, row] of rows.entries()) {
      if (!wanted[first + i]) continue;
      const bytes = imageBytes(row[image]);
      const path = names[first + i]!;
      if (bytes === undefined) reading.onSkipped({ file: `${name}/${path}`, reason: "no image bytes in its row" });
      else if (bytes.length > reading.largest) reading.onSkipped(tooLarge(name, path, bytes.length, reading.largest));
      else {
        table.guard.add(bytes.length);
        yield { path, bytes };
      }
    }
  }
}

/** An open file, and what is known of it. */
interface Table {
  readonly access: RandomAccess;
  readonly metadata: FileMetaData;
  readonly name: string;
  readonly guard: Unpacked;
}

/** Some columns, a row group at a time. @throws DataError where they are packed in a way that is not read */
async function* groups(
  { access, metadata, name }: Table,
  columns: readonly string[],
  wanted: (from: number, to: number) => boolean = () => true,
): AsyncGenerator<{ rows: Readonly<Record<string, unknown>>[]; first: number }> {
  let first = 0;
  for (const group of metadata.row_groups) {
    const end = first + Number(group.num_rows);
    if (wanted(first, end)) {
      const codec = group.columns
        .map(({ meta_data: chunk }) => (chunk && columns.includes(chunk.path_in_schema[0]!) ? chunk.codec : "UNCOMPRESSED"))
        .find((one) => !READ_CODECS.has(one));
      if (codec !== undefined)
        throw new DataError(
          `${name} is packed by ${codec}, which is not read: write it anew with snappy, as by pandas' to_parquet(..., compression="snappy")`,
        );
      const file = await readGroup(access, group, new Set(columns));
      const rows = await whileItLasts(file, (guarded) =>
        parquetReadObjects({ file: guarded, metadata, columns: [...columns], rowStart: first, rowEnd: end, utf8: false }),
      );
      yield { rows, first };
    }
    first = end;
  }
}

/** What images are called: by a column where it names each of them, else by the rows' numbers. All can be images' names. */
async function namesOf(table: Table, texts: readonly SchemaTree[]): Promise<string[]> {
  const rows = Number(table.metadata.num_rows);
  const column = NAMES.find((name) => texts.some(({ element, children }) => element.name === name && children.length === 0));
  if (column !== undefined) {
    const names: string[] = [];
    for await (const group of groups(table, [column]))
      for (const row of group.rows) {
        const text = textOf(row[column]);
        if (text !== undefined) names.push(nameForm(text.replaceAll("\\", "/").replace(/^(?:\.?\/)+/, "")));
      }
    const plain = names.every((name) => name !== "" && !isStray(name) && name.length <= 4096 && !/[\p{Cc}]/u.test(name));
    const lower = names.map((name) => withEnding(name));
    if (plain && lower.length === rows && new Set(lower.map((name) => name.replace(/\.[^./]+$/, ""))).size === rows) return lower;
  }
  const width = String(Math.max(0, rows - 1)).length;
  return Array.from({ length: rows }, (_, row) => `${String(row).padStart(width, "0")}.jpg`);
}

/** Decoders go by the bytes, walks by the ending. */
const withEnding = (name: string): string => (/\.(?:jpe?g|png|webp|gif|tiff?|avif)$/i.test(name) ? name : `${name}.jpg`);

/** The texts of each row as lines of Hugging Face's metadata.jsonl. */
async function* readTexts(
  table: Table,
  texts: readonly SchemaTree[],
  names: readonly string[],
  reading: Reading,
): AsyncGenerator<SourceFile> {
  const columns = texts.map(({ element }) => element.name);
  const lines: string[] = [];
  let characters = 0;
  const add = (first: number, rows: readonly Readonly<Record<string, unknown>>[]): void => {
    for (const [i, row] of rows.entries()) {
      const cells = columns.filter((column) => column !== "file_name").map((column) => [column, textsOf(row[column])] as const);
      const line = JSON.stringify({ ...Object.fromEntries(cells), file_name: names[first + i] });
      characters += line.length;
      if (characters > reading.largest)
        throw new DataError(`${table.name} holds more than ${mebibytes(reading.largest)} of texts: leave columns of them out`);
      lines.push(line);
    }
  };
  if (columns.length === 0)
    add(
      0,
      names.map(() => ({})),
    );
  else for await (const { rows, first } of groups(table, columns)) add(first, rows);
  yield { path: PARQUET_TEXTS, bytes: new TextEncoder().encode(lines.join("\n")) };
}

const isBinary = ({ element, children }: SchemaTree): boolean => children.length === 0 && element.type === "BYTE_ARRAY";
const isNamedText = ({ element }: SchemaTree): boolean =>
  ["UTF8", "ENUM", "JSON"].includes(element.converted_type ?? "") || element.logical_type?.type === "STRING";

/** A struct with bytes in it, or bytes that are no text. */
function imageColumn(columns: readonly SchemaTree[]): string | undefined {
  const fits = columns.filter((column) =>
    column.children.length > 0
      ? column.children.some((child) => child.element.name === "bytes" && isBinary(child))
      : isBinary(column) && !isNamedText(column),
  );
  const names = fits.map(({ element }) => element.name);
  return IMAGES.find((name) => names.includes(name)) ?? names[0];
}

/** A column of texts, or of lists of them. */
function isText(column: SchemaTree): boolean {
  if (column.children.length === 0) return isBinary(column) && isNamedText(column);
  const [list] = column.children;
  const leaf = list?.children[0] ?? list;
  return (
    column.children.length === 1 &&
    list !== undefined &&
    list.element.repetition_type === "REPEATED" &&
    isBinary(leaf!) &&
    isNamedText(leaf!)
  );
}

function imageBytes(cell: unknown): Uint8Array | undefined {
  const bytes = cell instanceof Uint8Array || typeof cell !== "object" || cell === null ? cell : (cell as { bytes?: unknown }).bytes;
  return bytes instanceof Uint8Array && bytes.length > 0 ? bytes : undefined;
}

function textOf(cell: unknown): string | undefined {
  if (cell instanceof Uint8Array) return new TextDecoder().decode(cell);
  return typeof cell === "string" ? cell : typeof cell === "number" || typeof cell === "bigint" ? String(cell) : undefined;
}

function textsOf(cell: unknown): string | string[] | null {
  return Array.isArray(cell) ? cell.flatMap((one) => textOf(one) ?? []) : (textOf(cell) ?? null);
}
