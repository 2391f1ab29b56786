/**
 * Parquet files of images and captions as Hugging Face keeps them: columns file_name, image {bytes, path}, captions (a list of texts). Plain
 * values, a row group each hundred rows, no compression: PNG leaves nothing to pack.
 *
 * A file is "PAR1", column chunks (a page each: its header, levels, values), the footer, its length, "PAR1". Headers and footer are Thrift's
 * compact structs.
 */
import { concatenate } from "../../../data/layouts/rows.js";

export interface ParquetRow {
  readonly fileName: string;
  readonly image: Uint8Array;
  readonly captions: readonly string[];
}

/** How pages are packed: Parquet's number of the codec, and what does it. */
export interface Packing {
  readonly codec: number;
  readonly pack: (bytes: Uint8Array) => Uint8Array;
}

const ROWS = 100;
const MAGIC = new TextEncoder().encode("PAR1");
const PLAIN = 0;
const RLE = 3;
const BYTE_ARRAY = 6;
const [REQUIRED, REPEATED] = [0, 2];
const [UTF8, LIST] = [0, 3];

/** A writer of one file: rows give its next bytes, mostly none; the end gives the rest. */
export class ParquetWriter {
  readonly #packing: Packing;
  readonly #groups: Struct[] = [];
  #rows: ParquetRow[] = [];
  #written = 0;
  #count = 0;

  constructor(packing: Packing = { codec: 0, pack: (bytes) => bytes }) {
    this.#packing = packing;
  }

  add(row: ParquetRow): Uint8Array {
    this.#rows.push(row);
    this.#count++;
    return this.#rows.length < ROWS ? new Uint8Array(0) : this.#flush();
  }

  end(): Uint8Array {
    const rest = this.#flush();
    const footer = thrift([
      [1, "i32", 1],
      [2, "list", SCHEMA.map((value) => ["struct", value] as const)],
      [3, "i64", this.#count],
      [4, "list", this.#groups.map((value) => ["struct", value] as const)],
      [6, "text", "petalgrad"],
    ]);
    return concatenate([rest, footer, uint32(footer.length), MAGIC]);
  }

  #flush(): Uint8Array {
    const parts = this.#written === 0 ? [MAGIC] : [];
    this.#written += parts.length * MAGIC.length;
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length === 0) return concatenate(parts);
    const text = new TextEncoder();
    const captions = rows.flatMap((row) => (row.captions.length === 0 ? [undefined] : row.captions.map((caption) => text.encode(caption))));
    const repetitions = rows.flatMap((row) => (row.captions.length === 0 ? [0] : row.captions.map((_, i) => (i === 0 ? 0 : 1))));
    const names = rows.map((row) => text.encode(row.fileName));
    const columns = [
      this.#chunk(["file_name"], names),
      this.#chunk(
        ["image", "bytes"],
        rows.map(({ image }) => image),
      ),
      this.#chunk(["image", "path"], names),
      this.#chunk(["captions", "list", "element"], captions, repetitions),
    ];
    const bytes = columns.reduce((sum, [page]) => sum + page.length, 0);
    this.#groups.push([
      [1, "list", columns.map(([, chunk]) => ["struct", chunk] as const)],
      [2, "i64", bytes],
      [3, "i64", rows.length],
    ]);
    return concatenate([...parts, ...columns.map(([page]) => page)]);
  }

  /** @param repetitions Where the column is of lists: 1 for what continues a row's; an empty list is undefined. */
  #chunk(path: readonly string[], values: readonly (Uint8Array | undefined)[], repetitions?: readonly number[]): [Uint8Array, Struct] {
    const levels = repetitions ? [runs(repetitions), runs(values.map((value) => (value === undefined ? 0 : 1)))] : [];
    const plain = values.flatMap((value) => (value === undefined ? [] : [uint32(value.length), value]));
    const body = concatenate([...levels, ...plain]);
    const packed = this.#packing.pack(body);
    const header = thrift([
      [1, "i32", 0],
      [2, "i32", body.length],
      [3, "i32", packed.length],
      [
        5,
        "struct",
        [
          [1, "i32", values.length],
          [2, "i32", PLAIN],
          [3, "i32", RLE],
          [4, "i32", RLE],
        ],
      ],
    ]);
    const start = this.#written;
    this.#written += header.length + packed.length;
    const meta: Struct = [
      [1, "i32", BYTE_ARRAY],
      [2, "list", [PLAIN, RLE].map((value) => ["i32", value] as const)],
      [3, "list", path.map((value) => ["text", value] as const)],
      [4, "i32", this.#packing.codec],
      [5, "i64", values.length],
      [6, "i64", header.length + body.length],
      [7, "i64", header.length + packed.length],
      [9, "i64", start],
    ];
    return [
      concatenate([header, packed]),
      [
        [2, "i64", start],
        [3, "struct", meta],
      ],
    ];
  }
}

type Value =
  readonly ["i32" | "i64", number] | readonly ["text", string] | readonly ["struct", Struct] | readonly ["list", readonly Value[]];
/** Fields by number. */
type Struct = readonly (readonly [id: number, ...Value])[];

const element = (name: string, repetition: number, rest: Struct): Struct =>
  [[3, "i32", repetition] as const, [4, "text", name] as const, ...rest].sort(([a], [b]) => a - b);
const leaf: Struct = [[1, "i32", BYTE_ARRAY]];
const string: Struct = [...leaf, [6, "i32", UTF8]];

const SCHEMA: readonly Struct[] = [
  [
    [4, "text", "schema"],
    [5, "i32", 3],
  ],
  element("file_name", REQUIRED, string),
  element("image", REQUIRED, [[5, "i32", 2]]),
  element("bytes", REQUIRED, leaf),
  element("path", REQUIRED, string),
  element("captions", REQUIRED, [
    [5, "i32", 1],
    [6, "i32", LIST],
  ]),
  element("list", REPEATED, [[5, "i32", 1]]),
  element("element", REQUIRED, string),
];

const TYPES = { i32: 5, i64: 6, text: 8, list: 9, struct: 12 } as const;

function thrift(struct: Struct): Uint8Array {
  const out: number[] = [];
  writeStruct(out, struct);
  return Uint8Array.from(out);
}

function writeStruct(out: number[], struct: Struct): void {
  let last = 0;
  for (const [id, ...value] of struct) {
    out.push(((id - last) << 4) | TYPES[value[0]]);
    last = id;
    writeValue(out, value);
  }
  out.push(0);
}

function writeValue(out: number[], [type, value]: Value): void {
  switch (type) {
    case "i32":
    case "i64":
      // Zigzag of what is never negative.
      return writeVarint(out, 2 * value);
    case "text": {
      const bytes = new TextEncoder().encode(value);
      writeVarint(out, bytes.length);
      return void out.push(...bytes);
    }
    case "struct":
      return writeStruct(out, value);
    case "list": {
      const of = TYPES[value[0]?.[0] ?? "struct"];
      if (value.length < 15) out.push((value.length << 4) | of);
      else {
        out.push(0xf0 | of);
        writeVarint(out, value.length);
      }
      for (const one of value) writeValue(out, one);
    }
  }
}

function writeVarint(out: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  out.push(rest);
}

/** Levels of zero and one as runs, their length before them. */
function runs(levels: readonly number[]): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < levels.length;) {
    let end = at;
    while (end < levels.length && levels[end] === levels[at]) end++;
    writeVarint(out, 2 * (end - at));
    out.push(levels[at]!);
    at = end;
  }
  return concatenate([uint32(out.length), Uint8Array.from(out)]);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
