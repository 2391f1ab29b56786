/** Class lists of a data set in the layout of the originals, from the files that hold them. */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { decodeList, LARGEST_TEXT } from "../../data/layouts/reed/captions-source.js";
import type { ListTexts } from "../../data/layouts/reed/prepare.js";
import { LIST_NAMES, type ListName } from "../../data/split.js";
import { readFileUpTo } from "./read-file.js";

/** The texts of lists at these paths. @throws DataError that names one that is no text */
export async function readLists(paths: ListTexts): Promise<ListTexts> {
  const texts: Partial<Record<ListName, string>> = {};
  for (const name of LIST_NAMES) {
    const path = paths[name];
    if (path !== undefined) texts[name] = decodeList(await readFileUpTo(path, LARGEST_TEXT), path);
  }
  return texts;
}

/** The class lists of an unpacked original lie beside its text_c10 folder. */
export async function listsBeside(captions: string): Promise<ListTexts> {
  if (basename(captions) !== "text_c10") return {};
  const paths: Partial<Record<ListName, string>> = {};
  for (const name of LIST_NAMES) {
    const path = join(dirname(captions), `${name}.txt`);
    const there = await stat(path).catch(() => undefined);
    if (there?.isFile()) paths[name] = path;
  }
  return readLists(paths);
}
