/** The data set as files of one layout: what each layout writes, and what it cannot hold. The readers of `src/data/layouts/` read it back. */
import type { SplitName } from "../../../data/dataset.js";
import type { LayoutName } from "../../../data/layout-names.js";
import { ParquetWriter } from "./parquet-writer.js";

/** One image on its way into a layout. */
export interface ExportedImage {
  /** Its file's name without ending: no other image has it. */
  readonly name: string;
  /** Its class's folder; undefined where there are no classes. */
  readonly className: string | undefined;
  readonly part: SplitName;
  readonly captions: readonly string[];
  readonly png: Uint8Array;
}

/** A file of the export, or the next piece of one that is written in pieces. */
export interface ExportedFile {
  readonly path: string;
  readonly bytes: Uint8Array | string;
  /** Where `path` is a tar archive: the name of the file in it. */
  readonly inside?: string;
}

/** What a data set is made of that some layout may not hold. */
export type Part = "classes" | "captions" | "split";

export interface LayoutWriter {
  /** What of a data set is lost. */
  readonly loses: readonly Part[];
  /** Files before the next image; called for one after the other. */
  image(image: ExportedImage): readonly ExportedFile[];
  /** What only stands once all are there: lists, tables. */
  end?(about: { readonly classes: Readonly<Record<SplitName, readonly string[]>> }): readonly ExportedFile[];
}

const FOLDERS = { train: "train", test: "test" } as const;

function reed(): LayoutWriter {
  return {
    loses: [],
    image: ({ name, className, captions, png }) => [
      { path: `images/${className}/${name}.png`, bytes: png },
      { path: `text_c10/${className}/${name}.txt`, bytes: lines(captions) },
    ],
    end: ({ classes }) => [
      { path: "trainvalclasses.txt", bytes: lines(classes.train) },
      { path: "testclasses.txt", bytes: lines(classes.test) },
    ],
  };
}

function coco(): LayoutWriter {
  const lists = {
    train: { images: [] as object[], annotations: [] as object[] },
    test: { images: [] as object[], annotations: [] as object[] },
  };
  let id = 0;
  let annotation = 0;
  const folder = { train: "train2017", test: "val2017" } as const;
  return {
    loses: ["classes"],
    image({ name, part, captions, png }) {
      lists[part].images.push({ id: ++id, file_name: `${name}.png` });
      for (const caption of captions) lists[part].annotations.push({ id: ++annotation, image_id: id, caption });
      return [{ path: `${folder[part]}/${name}.png`, bytes: png }];
    },
    end: () =>
      (["train", "test"] as const)
        .filter((part) => lists[part].images.length > 0)
        .map((part) => ({ path: `annotations/captions_${folder[part]}.json`, bytes: JSON.stringify(lists[part]) })),
  };
}

function imagefolder(): LayoutWriter {
  const rows: Record<SplitName, string[]> = { train: [], test: [] };
  return {
    loses: ["classes"],
    image({ name, part, captions, png }) {
      rows[part].push(JSON.stringify({ file_name: `${name}.png`, captions }));
      return [{ path: `${FOLDERS[part]}/${name}.png`, bytes: png }];
    },
    end: () =>
      (["train", "test"] as const)
        .filter((part) => rows[part].length > 0)
        .map((part) => ({ path: `${FOLDERS[part]}/metadata.jsonl`, bytes: lines(rows[part]) })),
  };
}

function flickr(): LayoutWriter {
  const rows = ["image,caption"];
  const cell = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return {
    loses: ["classes", "split"],
    image({ name, captions, png }) {
      rows.push(...captions.map((caption) => `${cell(`${name}.png`)},${cell(caption)}`));
      return [{ path: `Images/${name}.png`, bytes: png }];
    },
    end: () => [{ path: "captions.txt", bytes: lines(rows) }],
  };
}

function beside(): LayoutWriter {
  return {
    loses: ["classes"],
    image: ({ name, part, captions, png }) => [
      { path: `${FOLDERS[part]}/${name}.png`, bytes: png },
      { path: `${FOLDERS[part]}/${name}.txt`, bytes: lines(captions) },
    ],
  };
}

function folders(): LayoutWriter {
  return {
    loses: ["captions", "split"],
    image: ({ name, className, png }) => [{ path: `${className}/${name}.png`, bytes: png }],
  };
}

/** Images of one shard. */
const SHARD = 1000;

function webdataset(): LayoutWriter {
  const count = { train: 0, test: 0 };
  return {
    loses: ["classes"],
    image({ name, part, captions, png }) {
      const path = `${part}-${String(Math.floor(count[part]++ / SHARD)).padStart(6, "0")}.tar`;
      return [
        { path, inside: `${name}.png`, bytes: png },
        { path, inside: `${name}.json`, bytes: JSON.stringify({ captions }) },
      ];
    },
  };
}

function parquet(): LayoutWriter {
  const writers: Partial<Record<SplitName, ParquetWriter>> = {};
  const path = (part: SplitName): string => `data/${part}-00000-of-00001.parquet`;
  return {
    loses: ["classes"],
    image: ({ name, part, captions, png }) => [
      { path: path(part), bytes: (writers[part] ??= new ParquetWriter()).add({ fileName: `${name}.png`, image: png, captions }) },
    ],
    end: () => (["train", "test"] as const).flatMap((part) => (writers[part] ? [{ path: path(part), bytes: writers[part].end() }] : [])),
  };
}

/** A new writer of each layout. */
export const WRITERS: Readonly<Record<LayoutName, () => LayoutWriter>> = {
  ...{ reed, coco, parquet, webdataset },
  ...{ imagefolder, flickr, beside, folders },
};

/** Layouts in which every image has a class. */
export const NEED_CLASSES: ReadonlySet<LayoutName> = new Set(["reed", "folders"]);

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");
