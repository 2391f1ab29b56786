/**
 * Where the parts of a data set in the layout of the originals lie in its folder: images, captions (several may stand side by side), class
 * lists.
 *
 *   jpg/ or images/, as folders or inside an archive             the images; their folders do not matter where names are unique
 *   text_c10/<class>/<image>.txt, as a folder or in an archive   captions, one a line; text_c10_<tag> for several languages
 *   trainvalclasses.txt, testclasses.txt                         class names, one a line
 */
import { readdir, stat } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import { isArchiveName, isOtherArchiveName } from "./archive.js";
import { DataError } from "../../data/dataset.js";
import { isStray } from "../../data/names.js";
import { type DefaultSplit, LIST_NAMES, type ListName } from "../../data/split.js";

/** What is particular to one data set. */
export interface LayoutDefinition extends DefaultSplit {
  /** How to get what is missing, for an error message. */
  readonly wayOut: (dataDir: string) => string;
}

/** Paths of a data set's parts. */
export interface LayoutSources {
  readonly images: string | undefined;
  readonly captions: string | undefined;
  /** Class lists, by the base name they have. */
  readonly lists: Readonly<Partial<Record<ListName, string>>>;
}

const IMAGE_FOLDERS = ["jpg", "images"] as const;

/** A folder or archive of captions, and the tag that names it; the untagged ones are the English originals. */
const CAPTIONS =
  /^(?:text_c10(?:[_-](\w+))?|caption_all_(\w+)|cvpr2016_(?:flowers|cub))(?:\.tgz|\.tar|\.zip|\.tar\.(?:gz|bz2|xz|zst)|\.tbz2?|\.txz|\.tzst|\.7z|\.rar)?$/i;

/**
 * Looks a data set's parts up; what is missing is undefined.
 * @param captions a tag such as "en", a path, or undefined: "en", else the only captions there are.
 * @throws DataError where the captions asked for are not among those there, or where several archives may hold the images.
 */
export async function findSources(dataDir: string, captions: string | undefined): Promise<LayoutSources> {
  const names = (await readdir(dataDir).catch(() => [])).filter((name) => !isStray(name)).sort();
  const lists: Partial<Record<ListName, string>> = {};
  for (const name of LIST_NAMES) {
    if (names.includes(`${name}.txt`)) {
      lists[name] = join(dataDir, `${name}.txt`);
    }
  }
  return { images: await findImages(dataDir, names), captions: await findCaptions(dataDir, names, captions), lists };
}

/** Whether a folder holds captions in the form of the originals, or the captions asked for lie elsewhere in that form. */
export async function hasCaptions(dataDir: string, captions: string | undefined): Promise<boolean> {
  const names = (await readdir(dataDir).catch(() => [])).filter((name) => !isStray(name));
  if (names.some((name) => CAPTIONS.test(name))) return true;
  return captions !== undefined && ((await exists(captions)) || (await exists(join(dataDir, captions))));
}

async function findImages(dataDir: string, names: readonly string[]): Promise<string | undefined> {
  for (const folder of IMAGE_FOLDERS) {
    if (await isFolder(join(dataDir, folder))) {
      return join(dataDir, folder);
    }
  }
  // One level down, as when CUB_200_2011.tgz has been unpacked where it lies.
  for (const name of names) {
    for (const folder of IMAGE_FOLDERS) {
      if (!CAPTIONS.test(name) && (await isFolder(join(dataDir, name, folder)))) {
        return join(dataDir, name, folder);
      }
    }
  }
  const packed = names.filter((name) => !CAPTIONS.test(name));
  // Archives of a kind that is not read are taken where there is nothing else, for the message that says so.
  const [archives = []] = [
    packed.filter((name) => isArchiveName(name) && !/\.zip$/i.test(name)),
    packed.filter(isArchiveName),
    packed.filter(isOtherArchiveName),
  ].filter((some) => some.length > 0);
  if (archives.length > 1) {
    throw new DataError(
      `${dataDir} holds several archives that may be the images (${archives.join(", ")}): leave one, or unpack it to jpg/`,
    );
  }
  return archives[0] && join(dataDir, archives[0]);
}

async function findCaptions(dataDir: string, names: readonly string[], wanted: string | undefined): Promise<string | undefined> {
  const found = new Map<string, string>();
  for (const name of names) {
    const match = CAPTIONS.exec(name);
    if (match) {
      const tag = match[1] ?? match[2] ?? "en";
      // Unpacked captions are read faster than packed ones, and text_c10_en says more plainly than text_c10 what it is.
      const before = found.get(tag);
      const better = before === undefined || isOtherArchiveName(before) || (await isFolder(join(dataDir, name)));
      if (better) {
        found.set(tag, await captionsInside(join(dataDir, name)));
      }
    }
  }
  const choices = [...found.keys()].join(", ");
  if (wanted === undefined) {
    if (found.size > 1 && !found.has("en")) {
      throw new DataError(`${dataDir} holds captions ${choices}: say which with --captions`);
    }
    return found.get("en") ?? [...found.values()][0];
  }
  const tagged = found.get(wanted);
  if (tagged !== undefined) {
    return tagged;
  }
  const paths = isAbsolute(wanted) ? [wanted] : [resolve(wanted), join(dataDir, wanted)];
  for (const path of paths) {
    if (await exists(path)) {
      return captionsInside(path);
    }
  }
  // With no captions at all the data set itself is missing, which has an error of its own.
  if (found.size === 0 && /^\w+$/.test(wanted)) {
    return undefined;
  }
  throw new DataError(
    `no captions "${wanted}" in ${dataDir}: ${found.size > 0 ? `there are ${choices}` : "there are none"}; give one of them, an archive or a folder`,
  );
}

/** An unpacked original has its captions one folder further down. */
async function captionsInside(path: string): Promise<string> {
  const inner = join(path, "text_c10");
  return basename(path) !== "text_c10" && (await isFolder(inner)) ? inner : path;
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (about) => about.isDirectory(),
    () => false,
  );
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (about) => about.isFile(),
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
