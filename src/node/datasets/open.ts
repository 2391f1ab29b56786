/**
 * The one entry to data sets: petals, flowers, birds, or any folder or archive of captioned images. A data set is prepared once into a packed
 * file.
 */
import { createHash } from "node:crypto";
import { availableParallelism, homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fingerprint, isArchiveName, sourceAt } from "./archive.js";
import { isOtherArchiveName } from "../../data/files/archive.js";
import { isImageName } from "../../data/names.js";
import { birds } from "./birds.js";
import { type CocoName, downloadCoco, isCoco, missingOfCoco, ofCocoYear, wayToCoco } from "./coco.js";
import { flagName } from "../../option-spec.js";
import { DataError, type Dataset } from "../../data/dataset.js";
import { downloadFlowers, flowers } from "./flowers.js";
import { folderDefinition } from "./folder.js";
import { findSources, hasCaptions, isFile, isFolder, type LayoutDefinition, type LayoutSources } from "./layout.js";
import { DATASET_NAMES } from "../../data/dataset-names.js";
import type { Decoding } from "../../data/layouts/decode-images.js";
import type { OpenOptions } from "./options.js";
import { madeOnce, preparedOnce } from "./packed-once.js";
import { decodeImage } from "./decode.js";
import { isParquetName } from "../../data/files/parquet-names.js";
import { layoutOf, locateOwn, type OwnData, prepareFound } from "./own.js";
import { makePetals, PETALS_VERSION } from "../../data/petals.js";
import { prepareLayout } from "../../data/layouts/reed/prepare.js";
import { listsBeside, readLists } from "./lists.js";

/** Changes when the same sources begin to be prepared differently. */
const PREPARE_VERSION = 1;
/** The same, for the other layouts. */
const OWN_VERSION = 1;
/** Images decoded at a time: two for each thread that decodes (libuv has four), so that none waits for the next file. Large ones are fewer (decode.ts). */
const AT_ONCE = Math.min(32, Math.max(8, 2 * availableParallelism()));

/**
 * Opens a data set, preparing it (and, for flowers, fetching it) when that has not been done.
 * @param name petals, flowers, birds, or a folder or archive of captioned images.
 * @throws DataError that says what is missing or wrong and the way out.
 */
export async function openDataset(name: string, options: OpenOptions = {}): Promise<Dataset> {
  const found = await locate(name, options);
  if (found === "petals") return openPetals(options);
  if ("coco" in found) return openCoco(found, options);
  return "contents" in found ? openOwn(found, options) : openLayout(found, options);
}

/**
 * What `openDataset` finds wrong before it prepares anything: for those who have other work to do first.
 * @throws DataError as `openDataset` does.
 */
export async function requireDataset(name: string, options: OpenOptions = {}): Promise<void> {
  await locate(name, options);
}

/** A data set in the layout of the originals, and where its parts lie; not all of them where they can be fetched. */
interface Located {
  readonly definition: LayoutDefinition;
  readonly dataDir: string;
  readonly sources: LayoutSources;
}

async function locate(name: string, options: OpenOptions): Promise<"petals" | LocatedCoco | Located | OwnData> {
  const { size = 64, dataDir } = options;
  if (!Number.isInteger(size) || size < 4 || size > 1024) {
    throw new DataError(`the size of images must be an integer from 4 to 1024, not ${size}`);
  }
  if (name === "petals") {
    refuseFiles(options);
    return name;
  }
  for (const option of ["seed", "imagesPerClass"] as const) {
    if (options[option] !== undefined) {
      throw new DataError(`${name}: ${option} is for petals only`);
    }
  }
  if (name === "flowers" || name === "birds") {
    refuseOwn(name, options);
    return locateLayout(name === "flowers" ? flowers : birds, dataDir ?? (await defaultDataDir(name)), options);
  }
  const folder = await isFolder(name);
  // A folder here that is called so is meant, rather than 20 GB.
  if (isCoco(name) && !(folder && dataDir === undefined)) return locateCoco(name, dataDir ?? (await defaultDataDir(name)), options);
  if (folder || ((isArchiveName(name) || isParquetName(name)) && (await isFile(name)))) {
    if (dataDir !== undefined) {
      throw new DataError(`${name} is ${folder ? "a folder" : "a file"} already: leave the data folder ${dataDir} out`);
    }
    const called = options.name ?? basename(resolve(name)).replace(folder ? /$^/ : /\.(?:tgz|tar\.gz|tar|zip|parquet)$/i, "");
    if (folder && (options.layout === "reed" || (options.layout === undefined && (await hasCaptions(name, options.captions))))) {
      refuseOwn(called, { ...options, layout: undefined });
      return locateLayout(folderDefinition(called), name, options);
    }
    return locateOwn(name, called, options);
  }
  if (await isFile(name)) throw new DataError(`${name} ${notASet(name)}`);
  throw new DataError(`no data set "${name}": give ${DATASET_NAMES.join(", ")}, or a folder that exists`);
}

/** Why a file is no data set, and what to give in its place. */
function notASet(name: string): string {
  if (isImageName(name)) return "is one picture: give the folder that holds the pictures and their captions";
  if (isOtherArchiveName(name))
    return "is an archive of a kind that is not read: unpack it and give the folder, or pack it anew as .zip or .tar.gz";
  return "is a file of captioned images neither by .zip, .tar, .tar.gz or .tgz nor by .parquet: give one of those, or a folder";
}

/** MS-COCO, some of which may have to be fetched. */
interface LocatedCoco {
  readonly coco: CocoName;
  readonly dataDir: string;
}

async function locateCoco(coco: CocoName, dataDir: string, options: OpenOptions): Promise<LocatedCoco> {
  for (const option of ["layout", "captions", "captionTemplate"] as const)
    if (options[option] !== undefined) throw new DataError(`${coco} has captions and a layout of its own: leave --${flagName(option)} out`);
  const missing = options.download === false ? await missingOfCoco(coco, dataDir) : [];
  if (missing.length > 0)
    throw new DataError(`${coco}: no ${missing.join(" and no ")} in ${resolve(dataDir)}.\n${wayToCoco(coco, dataDir)}`);
  return { coco, dataDir };
}

async function openCoco({ coco, dataDir }: LocatedCoco, options: OpenOptions): Promise<Dataset> {
  if (options.download !== false) await downloadCoco(coco, dataDir, options);
  return openOwn(await locateOwn(dataDir, coco, { ...options, layout: "coco" }, ofCocoYear(coco)), options);
}

async function locateLayout(definition: LayoutDefinition, dataDir: string, options: OpenOptions): Promise<Located> {
  const sources = await findSources(dataDir, options.captions);
  if (!canBeFetched(definition, options)) requireComplete(sources, definition, dataDir);
  return { definition, dataDir, sources };
}

function canBeFetched(definition: LayoutDefinition, { download }: OpenOptions): boolean {
  return definition === flowers && download !== false;
}

function requireComplete(
  sources: LayoutSources,
  { name, wayOut }: LayoutDefinition,
  dataDir: string,
): asserts sources is LayoutSources & { images: string; captions: string } {
  const missing = [sources.images === undefined ? "images" : "", sources.captions === undefined ? "captions" : ""].filter(
    (part) => part !== "",
  );
  if (missing.length > 0) {
    throw new DataError(`${name}: no ${missing.join(" and no ")} in ${resolve(dataDir)}.\n${wayOut(dataDir)}`);
  }
}

/** @throws DataError for options of folders in other layouts than the originals' */
function refuseOwn(name: string, options: { readonly [K in keyof typeof OWN_FLAGS]?: unknown }): void {
  for (const option of ["layout", "heldOut", "captionTemplate"] as const)
    if (options[option] !== undefined)
      throw new DataError(`${name} has classes, captions and a layout of its own: leave ${OWN_FLAGS[option]} out`);
}

const OWN_FLAGS = { layout: "--layout", heldOut: "--held-out", captionTemplate: "--caption-template" } as const;

function refuseFiles(options: OpenOptions): void {
  refuseOwn("petals", options);
  for (const option of ["dataDir", "captions"] as const) {
    if (options[option] !== undefined) {
      throw new DataError(
        `petals is made by petalgrad and reads no files: leave ${option === "dataDir" ? "--data-dir" : "--captions"} out`,
      );
    }
  }
  if (options.alphabet === "captions") {
    throw new DataError('petals is in English: its alphabet is "original"');
  }
}

async function openPetals(options: OpenOptions): Promise<Dataset> {
  const { size = 64, seed = 0, imagesPerClass = 20, onProgress, signal } = options;
  const key = keyOf(`petals ${PETALS_VERSION} ${size} ${seed} ${imagesPerClass}`);
  return madeOnce({ name: "petals", key, size, cacheDir: cacheOf(options) }, options, () =>
    makePetals({
      size,
      seed,
      imagesPerClass,
      ...(signal && { signal }),
      onProgress: (done, total) => onProgress?.({ phase: "prepare", what: "petals", done, total }),
    }),
  );
}

async function openLayout({ definition, dataDir, sources: found }: Located, options: OpenOptions): Promise<Dataset> {
  const { name } = definition;
  const { size = 64 } = options;
  let sources = found;
  if ((sources.images === undefined || sources.captions === undefined) && canBeFetched(definition, options)) {
    await downloadFlowers(dataDir, options);
    sources = await findSources(dataDir, options.captions);
  }
  requireComplete(sources, definition, dataDir);
  const complete = sources;
  const parts = [complete.images, complete.captions, ...Object.values(complete.lists)];
  const prints = await Promise.all(parts.map(fingerprint));
  const key = keyOf([`${name} ${PREPARE_VERSION} ${size} ${options.alphabet ?? "auto"}`, ...prints].join("\n\n"));
  return preparedOnce({ name, key, size, cacheDir: cacheOf(options), source: resolve(complete.images) }, options, async (rows) => {
    const [beside, lists] = [await listsBeside(complete.captions), await readLists(complete.lists)];
    const found = { images: sourceAt(complete.images), captions: sourceAt(complete.captions), beside, lists };
    return prepareLayout(definition, found, size, { ...decodingOf(options), rows }, options);
  });
}

const decodingOf = ({ decoding }: OpenOptions): Pick<Decoding, "decode" | "atOnce"> => decoding ?? { decode: decodeImage, atOnce: AT_ONCE };

async function openOwn(found: OwnData, options: OpenOptions): Promise<Dataset> {
  const { name, contents } = found;
  const { size = 64, alphabet = "auto", heldOut, captions, captionTemplate } = options;
  const wanted = [name, OWN_VERSION, layoutOf(found), size, alphabet, heldOut, captions, captionTemplate];
  const key = keyOf(`${JSON.stringify(wanted)}\n\n${await fingerprint(contents.source.path)}`);
  return preparedOnce({ name, key, size, cacheDir: cacheOf(options), source: resolve(contents.source.path) }, options, (rows) =>
    prepareFound(found, folderDefinition(name), size, { ...decodingOf(options), rows }, options),
  );
}

/** $PETALGRAD_DATA/<name> or $PETALGRAD_DATA, whichever exists, else ./data/<name>. */
async function defaultDataDir(name: string): Promise<string> {
  const from = process.env["PETALGRAD_DATA"];
  if (from === undefined || from === "") {
    return join("data", name);
  }
  if (await isFolder(join(from, name))) {
    return join(from, name);
  }
  if (await isFolder(from)) {
    return from;
  }
  throw new DataError(`PETALGRAD_DATA names ${from}, which is no folder: correct it, or unset it`);
}

/** $PETALGRAD_CACHE, or petalgrad/ in the user's cache folder. */
export function defaultCacheDir(): string {
  const own = process.env["PETALGRAD_CACHE"];
  if (own !== undefined && own !== "") return own;
  const base = process.env["XDG_CACHE_HOME"];
  return join(base !== undefined && base !== "" ? base : join(homedir(), ".cache"), "petalgrad");
}

const cacheOf = ({ cacheDir = defaultCacheDir() }: OpenOptions): string => cacheDir;

/** A packed file's name: another for other data. */
function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
