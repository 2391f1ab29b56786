/** Sets of the person's own pictures, ready to train on, in the browser's file system. */
import type { Dataset, Skipped } from "../../src/data/dataset.js";
import type { PackedDataset, PreparedData } from "../../src/data/packed.js";
import { decodePacked, encodePacked } from "../../src/data/packed-form.js";
import { resized } from "../../src/data/resized.js";
import { UserError } from "../../src/errors.js";
import { directory, OpfsStore } from "../train/opfs-store.js";

/** Where they are, beside the runs. */
const SETS = "pictures";
const PACKED = "set.packed";
const ABOUT = "about.json";
/** Side of the images that are kept: as preset small takes them. Smaller ones are made of them. */
export const KEPT_SIZE = 64;

/** What the page says of a set. */
export interface SetReport {
  /** What it is called: also the data set's name in a run. */
  readonly name: string;
  readonly images: number;
  readonly captions: number;
  /** 0: each picture stands for itself. */
  readonly classes: number;
  /** Pictures, or classes where there are any. */
  readonly training: number;
  readonly heldOut: number;
  readonly notes: readonly string[];
  readonly skipped: readonly Skipped[];
}

const storeOf = (name: string): OpfsStore => new OpfsStore(`${SETS}/${name}`);

/** All that are there, by name. */
export async function listSets(): Promise<SetReport[]> {
  const folder = await directory([SETS], false);
  const names: string[] = [];
  if (folder) for await (const [name, handle] of folder.entries()) if (handle.kind === "directory") names.push(name);
  const reports = await Promise.all(names.sort().map(reportOf));
  return reports.filter((one) => one !== undefined);
}

/** Undefined where a set is not whole: its report is written last. */
async function reportOf(name: string): Promise<SetReport | undefined> {
  const bytes = await storeOf(name).read(ABOUT);
  try {
    return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as SetReport);
  } catch {
    return undefined;
  }
}

export async function removeSet(name: string): Promise<void> {
  await (await directory([SETS], false))?.removeEntry(name, { recursive: true });
}

/** Keeps a set, in the place of one of its name. */
export async function keepSet(prepared: PreparedData): Promise<SetReport> {
  const { name, images, classless = false, classes, split, report } = prepared;
  const about: SetReport = {
    ...{ name, images: images.length, captions: report.captions, classes: classless ? 0 : classes.length },
    ...{ training: split.train.length, heldOut: split.test.length, notes: report.notes, skipped: report.skipped },
  };
  const store = storeOf(name);
  try {
    await store.remove(ABOUT);
    await store.writeParts(PACKED, await encodePacked(prepared, name));
    await store.write(ABOUT, JSON.stringify(about));
  } catch (error) {
    await removeSet(name).catch(() => undefined);
    throw error;
  }
  return about;
}

/** @throws UserError where it is not there, or damaged */
export async function openSet(name: string, size: number): Promise<Dataset> {
  const bytes = await storeOf(name).read(PACKED);
  if (!bytes) throw new UserError(`the pictures "${name}" are not in this browser: add their folder or archive, called ${name}, again`);
  let kept: PackedDataset;
  try {
    kept = await decodePacked(bytes, name);
  } catch (error) {
    throw new UserError(`the pictures "${name}" are damaged (${(error as Error).message}): delete them, and add them again`);
  }
  return size === KEPT_SIZE ? kept : resized(kept, size);
}
