/**
 * WebDataset: tar files ("shards") in which the files of one image share a key, the path up to the first dot of the file's name: x.jpg with
 * x.txt or x.json (keys caption, text, ...). A folder of shards holds each under the shard's own name.
 */
import type { Skipped } from "../dataset.js";
import { isTarName, shardOf } from "../files/shards.js";
import { COLUMNS, columnOf } from "./imagefolder.js";
import { cleanCaptions, isImageName, type Layout, type OwnImage, partOf, textsIn } from "./layout.js";

const TEXT = /^(?:txt|text|captions?)$/i;

/** A file's key, and what it is of that image; undefined where it has none. */
export function keyOf(path: string): { readonly key: string; readonly kind: string } | undefined {
  const match = /^((?:.*\/)?[^/.]+)\.([^/]+)$/.exec(path);
  return match ? { key: match[1]!, kind: match[2]! } : undefined;
}

interface Sample {
  image?: string;
  readonly texts: string[];
}

function samplesOf(files: readonly string[]): { samples: Map<string, Sample>; repeated: string[] } {
  const samples = new Map<string, Sample>();
  const repeated: string[] = [];
  for (const path of files) {
    const found = keyOf(path);
    if (!found) continue;
    const sample = samples.get(found.key) ?? { texts: [] };
    samples.set(found.key, sample);
    // x.seg.png is another picture of x.
    if (isImageName(`x.${found.kind}`) && !found.kind.includes(".")) {
      if (sample.image === undefined) sample.image = path;
      else repeated.push(path);
    } else if (TEXT.test(found.kind) || found.kind.toLowerCase() === "json") sample.texts.push(path);
  }
  return { samples, repeated };
}

export const webdataset: Layout = {
  name: "webdataset",
  takes: "captions",
  lacking: "no .tar of images with a .txt or .json each",
  example: ['train-0000.tar   with 0001.jpg, 0001.txt (a red rose), 0002.jpg, 0002.json ({"caption": "a tulip"})'],
  signs(files, { name, asked }) {
    const { samples } = samplesOf(asked || isTarName(name) ? files : files.filter((path) => shardOf(path) !== undefined));
    return [...samples.values()].flatMap(({ image, texts }) => (image === undefined ? [] : texts));
  },
  async read(contents, signs, { captions }) {
    const shards = signs.some((path) => shardOf(path) !== undefined);
    const { samples, repeated } = samplesOf(shards ? contents.files.filter((path) => shardOf(path) !== undefined) : contents.files);
    const skipped: Skipped[] = repeated.map((file) => ({ file, reason: "a second image of its key" }));
    for (const [, { image, texts }] of samples)
      if (image === undefined) for (const file of texts) skipped.push({ file, reason: "no image of its key" });
    const lines = new Map<string, string[]>();
    const objects = new Objects(captions);
    for await (const { path, text } of contents.texts(signs, (one) => skipped.push(one))) {
      const { key, kind } = keyOf(path)!;
      const value = kind.toLowerCase() === "json" ? parsed(text) : text.split(/\r\n|\n|\r/);
      if (value === undefined) skipped.push({ file: path, reason: "no JSON" });
      else if (typeof value === "object" && value !== null && !Array.isArray(value)) objects.add(key, path, value as Row);
      else lines.set(key, [...(lines.get(key) ?? []), ...textsIn(value)]);
    }
    const inObjects = objects.captions(lines.size === 0);
    const images: OwnImage[] = [];
    for (const [key, { image }] of samples) {
      if (image === undefined) continue;
      const own = captions === undefined ? cleanCaptions(lines.get(key) ?? []) : [];
      // Tools write a caption into x.txt and x.json both.
      const more = cleanCaptions(inObjects.get(key) ?? []).filter((text) => !own.includes(text));
      images.push({ path: image, captions: [...own, ...more], part: partOf(image) });
    }
    return { images, skipped, notes: [] };
  },
};

type Row = Readonly<Record<string, unknown>>;

/** The JSON objects of a set: of each only what may be captions is kept. */
class Objects {
  readonly #wanted: string | undefined;
  readonly #rows = new Map<string, Row>();
  readonly #columns = new Set<string>();
  #first = "";

  constructor(wanted: string | undefined) {
    this.#wanted = wanted;
  }

  add(key: string, path: string, row: Row): void {
    this.#first ||= path;
    for (const column of Object.keys(row)) this.#columns.add(column);
    const kept = Object.entries(row).filter(([column]) => column === this.#wanted || COLUMNS.includes(column));
    this.#rows.set(key, { ...this.#rows.get(key), ...Object.fromEntries(kept) });
  }

  /** By key, of the column that holds them. @throws DataError where none does, and it was asked for or they are all there is */
  captions(alone: boolean): Map<string, string[]> {
    if (this.#rows.size === 0) return new Map();
    const column = columnOf(this.#columns, this.#wanted, this.#first, alone || this.#wanted !== undefined);
    return new Map([...this.#rows].map(([key, row]) => [key, column === undefined ? [] : textsIn(row[column])]));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
