/** Reading a data set's captions: text_c10/<class>/<image>.txt, one caption a line, in the encodings that text.ts knows. */
import { DataError, type Skipped } from "../../dataset.js";
import type { FileSource } from "../../files/source.js";
import { decodeText, type Encoding } from "../../files/text.js";
import { endingOf } from "../../names.js";
import { LIST_NAMES, type ListName } from "../../split.js";

/** The captions of one image. */
export interface CaptionFile {
  readonly className: string;
  readonly image: string;
  readonly captions: readonly string[];
}

export interface CaptionsRead {
  readonly files: readonly CaptionFile[];
  /** Class lists that lie among the captions, as in the original archives: their text. */
  readonly lists: Readonly<Partial<Record<ListName, string>>>;
  readonly skipped: readonly Skipped[];
  readonly notes: readonly string[];
}

const CAPTION_PATH = /(?:^|\/)(?:text_c10[^/]*|caption_all_[^/]*)\/([^/]+)\/([^/]+)\.[^./]+$/i;
/** In a folder or archive that has no folder of those names. */
const OTHER_PATH = /^(?:[^/]+\/)?([^/]+)\/([^/]+)\.[^./]+$/;
const LIST_PATH = new RegExp(`(?:^|/)(${LIST_NAMES.join("|")})\\.txt$`, "i");
const TEXT_ENDING = /\.txt$/i;
/** Kinds of files in which captions are kept too, but which are not read. */
const OTHER_ENDING = /\.(?:captions?|text|jsonl?|csv|tsv|xml|ya?ml|md|rtf|docx?|odt|pdf|srt|html?)$/i;

/** Bytes of the largest file of captions or class names: ten captions of the originals are 2 KiB. */
export const LARGEST_TEXT = 2 ** 20;
/** Captions of one image: the originals have ten. */
const MOST_CAPTIONS = 1000;
/** Characters of all captions, and a few for each: more do not fit the memory that preparing may take. */
const MOST_CHARACTERS = 2 ** 26;
const EACH_CAPTION = 16;

/** Reads every caption file of a folder or archive. Files without a caption are named in `skipped`. @throws DataError where they are too many */
export async function readCaptions(source: FileSource): Promise<CaptionsRead> {
  const named = new Map<string, CaptionFile>();
  const others = new Map<string, CaptionFile>();
  const otherKinds: { path: string; key: string; preferred: boolean }[] = [];
  const lists: Partial<Record<ListName, string>> = {};
  const skipped: Skipped[] = [];
  const encodings: Record<Encoding, string[]> = { "utf-8": [], "utf-16": [], "windows-1252": [], damaged: [] };
  let characters = 0;
  const wanted = (path: string): boolean => {
    const match = OTHER_ENDING.test(path) ? placeOf(path) : undefined;
    if (match) otherKinds.push({ path, key: `${match.className}/${match.image}`, preferred: match.preferred });
    return TEXT_ENDING.test(path);
  };
  const skip = (path: string, reason: string): unknown => skipped.push({ file: `${source.name}/${path}`, reason });
  const onSkipped = (one: Skipped): void => {
    // Which images are held out must not hang on a file that is left out.
    if (LIST_PATH.test(one.file)) throw new DataError(`${one.file} is no list of classes: ${one.reason}`);
    skipped.push(one);
  };
  for await (const { path, bytes } of source.read({ wanted, largest: LARGEST_TEXT, onSkipped })) {
    const list = LIST_PATH.exec(path);
    if (list) {
      lists[list[1]!.toLowerCase() as ListName] = decodeList(bytes, path);
      continue;
    }
    const place = placeOf(path);
    if (!place) {
      continue;
    }
    const decoded = decodeText(bytes);
    if (!decoded) {
      skip(path, "no text that can be read: save it as UTF-8");
      continue;
    }
    const captions = decoded.text
      .split(/\r\n|\n|\r/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
    const { className, image, preferred } = place;
    const kept = preferred ? named : others;
    if (captions.length === 0 || captions.length > MOST_CAPTIONS) {
      skip(path, captions.length === 0 ? "no captions in it" : `more than ${MOST_CAPTIONS} captions`);
    } else if (kept.has(`${className}/${image}`)) {
      skip(path, "a second file of captions for this image");
    } else {
      characters += captions.reduce((sum, caption) => sum + caption.length + EACH_CAPTION, 0);
      if (characters > MOST_CHARACTERS) {
        throw new DataError(
          `${source.path} holds more captions than fit the memory (${MOST_CHARACTERS} characters): leave some of them out`,
        );
      }
      encodings[decoded.encoding].push(path);
      kept.set(`${className}/${image}`, { className, image, captions });
    }
  }
  const files = named.size > 0 ? named : others;
  for (const { path, key, preferred } of otherKinds) {
    if (preferred === named.size > 0 && !files.has(key)) {
      skip(path, `captions of a kind that is not read (${endingOf(path)}): write them as .txt, one a line`);
    }
  }
  return { files: [...files.values()], lists, skipped, notes: notesOn(encodings) };
}

/** The class and image that a file's path says; preferred where it lies in a folder of captions by name. */
function placeOf(path: string): { className: string; image: string; preferred: boolean } | undefined {
  const preferred = CAPTION_PATH.exec(path);
  const match = preferred ?? OTHER_PATH.exec(path);
  return match ? { className: match[1]!, image: match[2]!, preferred: preferred !== null } : undefined;
}

function notesOn(encodings: Readonly<Record<Encoding, readonly string[]>>): string[] {
  const say = ({ length, 0: first }: readonly string[], what: string): string[] =>
    length > 0 ? [`${length} caption files ${what}, such as ${first}`] : [];
  return [
    ...say(encodings["utf-16"], "are UTF-16, and were read so"),
    ...say(
      encodings["windows-1252"],
      "are not sound UTF-8, and were read as Windows-1252 (Latin-1): save them as UTF-8 if letters are wrong",
    ),
    ...say(encodings.damaged, "are not sound UTF-8; what cannot be read in them counts as unknown characters"),
  ];
}

/** The text of a class list. @throws DataError that names it where it is none */
export function decodeList(bytes: Uint8Array, path: string): string {
  const decoded = decodeText(bytes);
  if (!decoded) {
    throw new DataError(`${path} is no text that can be read: save it as UTF-8, one class name a line`);
  }
  return decoded.text;
}
