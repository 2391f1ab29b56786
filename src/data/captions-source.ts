// Reading a data set's captions: text_c10/<class>/<image>.txt, one caption a line, UTF-8.

import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readSource } from "./archive.js";
import type { Skipped } from "./dataset.js";
import { LIST_NAMES, type ListName } from "./layout.js";

/** The captions of one image. */
export interface CaptionFile {
  readonly className: string;
  readonly image: string;
  readonly captions: readonly string[];
}

export interface CaptionsRead {
  readonly files: readonly CaptionFile[];
  /** Class lists that lie beside the captions, as in the original archives: their text. */
  readonly lists: Readonly<Partial<Record<ListName, string>>>;
  readonly skipped: readonly Skipped[];
  readonly notes: readonly string[];
}

const CAPTION_PATH = /(?:^|\/)(?:text_c10[^/]*|caption_all_[^/]*)\/([^/]+)\/([^/]+)\.txt$/;
/** In a folder or archive that has no folder of those names. */
const OTHER_PATH = /^(?:[^/]+\/)?([^/]+)\/([^/]+)\.txt$/;
const LIST_PATH = new RegExp(`(?:^|/)(${LIST_NAMES.join("|")})\\.txt$`);

/** Reads every caption file of a folder or archive. Files without a caption are named in `skipped`. */
export async function readCaptions(source: string): Promise<CaptionsRead> {
  const named: CaptionFile[] = [];
  const others: CaptionFile[] = [];
  const lists: Partial<Record<ListName, string>> = {};
  const skipped: Skipped[] = [];
  let unreadable = 0;
  const root = basename(source);
  for await (const { path, bytes } of readSource(source, (path) => path.endsWith(".txt"))) {
    const list = LIST_PATH.exec(path);
    if (list) {
      lists[list[1] as ListName] = bytes.toString("utf8");
      continue;
    }
    const preferred = CAPTION_PATH.exec(path);
    const match = preferred ?? OTHER_PATH.exec(path);
    if (!match) {
      continue;
    }
    const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
    unreadable += text.includes("\uFFFD") ? 1 : 0;
    const captions = text
      .split(/\r\n|\n|\r/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
    if (captions.length === 0) {
      skipped.push({ file: `${root}/${path}`, reason: "no captions in it" });
      continue;
    }
    (preferred ? named : others).push({ className: match[1], image: match[2], captions });
  }
  const notes =
    unreadable > 0 ? [`${unreadable} caption files are not sound UTF-8; what cannot be read in them counts as unknown characters`] : [];
  return { files: named.length > 0 ? named : others, lists: { ...(await listsBeside(source)), ...lists }, skipped, notes };
}

/** The class lists of an unpacked original lie beside its text_c10 folder. */
async function listsBeside(source: string): Promise<Partial<Record<ListName, string>>> {
  const lists: Partial<Record<ListName, string>> = {};
  if (basename(source) === "text_c10") {
    for (const name of LIST_NAMES) {
      const text = await readFile(join(dirname(source), `${name}.txt`), "utf8").catch(() => undefined);
      if (text !== undefined) {
        lists[name] = text;
      }
    }
  }
  return lists;
}
