/** Hugging Face's imagefolder: metadata.jsonl or metadata.csv, with file_name and the captions of it, beside the images. */
import { parseCsv } from "../../formats/csv.js";
import { isParquetName } from "../files/parquet-names.js";
import { DataError } from "../dataset.js";
import { besideOf, type Layout, type OwnImage, partOf, textsIn } from "./layout.js";

const METADATA = /(?:^|\/)metadata\.(?:jsonl|csv)$/i;
/** Columns of captions, the first that is there. */
export const COLUMNS: readonly string[] = ["text", "caption", "captions", "texts", "sentences", "sentence", "description", "prompt"];

type Row = Readonly<Record<string, unknown>>;

export const imagefolder: Layout = {
  name: "imagefolder",
  takes: "captions",
  lacking: "no metadata.jsonl or .csv",
  example: ["rose.jpg", 'metadata.jsonl  {"file_name": "rose.jpg", "text": "a red rose"}'],
  // A Parquet file has its texts in the same form.
  signs: (files, { name }) => (isParquetName(name) ? [] : files.filter((path) => METADATA.test(path) && !/\.parquet\//i.test(path))),
  async read(contents, signs, { captions }) {
    const skipped: { file: string; reason: string }[] = [];
    const images: OwnImage[] = [];
    for await (const { path, text } of contents.texts(signs, (one) => skipped.push(one))) {
      const rows = /csv$/i.test(path) ? csvRows(text, path) : jsonRows(text, path, skipped);
      const column = rows.length === 0 ? undefined : columnOf(new Set(rows.flatMap(({ row }) => Object.keys(row))), captions, path);
      for (const { row, line } of rows) {
        const name = row["file_name"];
        if (typeof name === "string" && name !== "") {
          const image = besideOf(path, name);
          images.push({ path: image, captions: column === undefined ? [] : textsIn(row[column]), part: partOf(image) });
        } else skipped.push({ file: `${path}:${line}`, reason: "no file_name in it" });
      }
    }
    return { images, skipped, notes: [] };
  },
};

interface Numbered {
  readonly row: Row;
  readonly line: number;
}

function jsonRows(text: string, path: string, skipped: { file: string; reason: string }[]): Numbered[] {
  return text.split(/\r\n|\n|\r/).flatMap((content, i): Numbered[] => {
    if (content.trim() === "") return [];
    try {
      const row: unknown = JSON.parse(content);
      if (typeof row === "object" && row !== null) return [{ row: row as Row, line: i + 1 }];
    } catch {
      // Told below.
    }
    skipped.push({ file: `${path}:${i + 1}`, reason: "no JSON object" });
    return [];
  });
}

/** @throws DataError */
function csvRows(text: string, path: string): Numbered[] {
  try {
    const [columns = [], ...rows] = parseCsv(text);
    return rows.map((cells, i) => ({ row: Object.fromEntries(columns.map((name, c) => [name, cells[c]])), line: i + 2 }));
  } catch (error) {
    throw new DataError(`${path} is no sound CSV: ${(error as Error).message}`);
  }
}

/**
 * Which of the columns there are holds captions.
 * @throws DataError where none does, unless it is not needed
 */
export function columnOf(there: ReadonlySet<string>, wanted: string | undefined, path: string, needed = true): string | undefined {
  const column = wanted ?? COLUMNS.find((name) => there.has(name));
  if (column !== undefined && there.has(column)) return column;
  if (!needed) return undefined;
  throw new DataError(
    `${path} has no column ${wanted === undefined ? "text or caption" : `"${wanted}"`}: there are ${[...there].join(", ")}; say with --captions COLUMN which holds the captions`,
  );
}
