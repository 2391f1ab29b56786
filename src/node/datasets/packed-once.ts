/** A data set's packed file: opened where there is a sound one, else made, for the next time too. */
import { join } from "node:path";
import { DataError, type Dataset } from "../../data/dataset.js";
import { PackedDataset, type PreparedData } from "../../data/packed.js";
import { fileProblem } from "../files/file-problem.js";
import type { OpenOptions } from "./options.js";
import { readPacked, writePacked, writePackedPieces } from "./packed-file.js";
import { cannotWrite, PartFile } from "./part-file.js";
import { bytesOf, type Prepared, type Rows, RowsInMemory } from "../../data/layouts/rows.js";

/** Which packed file it is. */
export interface Packed {
  readonly name: string;
  /** Names the sources and options that it is made of. */
  readonly key: string;
  readonly size: number;
  readonly cacheDir: string;
}

type Options = Pick<OpenOptions, "onMessage" | "onPacked" | "signal">;

/** @param make Makes the data set in memory. */
export async function madeOnce(packed: Packed, options: Options, make: () => Promise<PreparedData>): Promise<Dataset> {
  const found = await lookFor(packed, options);
  if (found) return found;
  const prepared = await make();
  options.signal?.throwIfAborted();
  try {
    await writePacked(pathOf(packed), prepared, packed.key);
  } catch (error) {
    notKept(packed, options, error);
  }
  return new PackedDataset(prepared);
}

/**
 * @param packed.source Where its images lie.
 * @param prepare Puts pixels into rows, and says which make up the data set. It goes on with those that an earlier preparation has put there.
 */
export async function preparedOnce(
  packed: Packed & { readonly source: string },
  options: Options,
  prepare: (rows: Rows) => Promise<Prepared>,
): Promise<Dataset> {
  const { onMessage, signal } = options;
  const { name, key, source } = packed;
  const file = pathOf(packed);
  let part: PartFile | undefined;
  while (!part) {
    const found = await lookFor(packed, options);
    if (found) return found;
    try {
      part = await PartFile.open({ packed: file, key, source }, (line) => onMessage?.(`${name}: ${line}`), signal);
    } catch (error) {
      if (fileProblem(error) === undefined) throw error;
      return inMemory(packed, options, prepare, error);
    }
  }
  let finished = false;
  try {
    if (part.done.size > 0) onMessage?.(`${name}: goes on after ${part.done.size} images that were prepared before`);
    const { set, rows } = await prepare(part);
    signal?.throwIfAborted();
    tellSkipped(set.report.skipped, name, onMessage);
    await writePackedPieces(file, set, key, part.pixels(rows), bytesOf(rows)).catch((error: unknown) => {
      throw fileProblem(error) === undefined ? error : cannotWrite(file, error);
    });
    finished = true;
  } finally {
    part.close(finished);
  }
  const made = await readPacked(file, key);
  if (!made) throw new DataError(`${file} has been removed while it was made`);
  return made;
}

/** Where nothing can be written. */
async function inMemory(packed: Packed, options: Options, prepare: (rows: Rows) => Promise<Prepared>, error: unknown): Promise<Dataset> {
  const memory = new RowsInMemory();
  const prepared = await prepare(memory);
  options.signal?.throwIfAborted();
  tellSkipped(prepared.set.report.skipped, packed.name, options.onMessage);
  notKept(packed, options, error);
  return new PackedDataset(memory.together(prepared));
}

/** Training can go on without: only the next start has to prepare again. */
function notKept({ name, cacheDir }: Packed, { onMessage }: Options, error: unknown): void {
  onMessage?.(`${name}: the prepared data cannot be kept in ${cacheDir} (${(error as Error).message})`);
}

const pathOf = ({ name, size, key, cacheDir }: Packed): string => join(cacheDir, `${name}-${size}-${key.slice(0, 16)}.packed`);

async function lookFor(packed: Packed, { onMessage, onPacked }: Options): Promise<Dataset | undefined> {
  const file = pathOf(packed);
  onPacked?.(file);
  try {
    return await readPacked(file, packed.key);
  } catch (error) {
    const { message } = error as Error;
    onMessage?.(
      error instanceof DataError ? `${message.split(";")[0]}; it is made anew` : `${file} cannot be read (${message}); it is made anew`,
    );
    return undefined;
  }
}

function tellSkipped(skipped: Dataset["report"]["skipped"], name: string, onMessage: Options["onMessage"]): void {
  if (skipped.length === 0) return;
  const some = skipped.slice(0, 3).map((one) => `${one.file} (${one.reason})`);
  onMessage?.(`${name}: ${skipped.length} files left out: ${some.join(", ")}${skipped.length > some.length ? ", ..." : ""}`);
}
