/** The runs in the browser's file system: what there is, names and notes, curves, sample grids; out as a zip archive, in from a folder or one. */
import { transfer } from "comlink";
import { UserError } from "../../src/errors.js";
import { lastPart } from "../../src/train/run/events.js";
import { MODEL_NAME } from "../../src/train/run/names.js";
import { parseMetrics } from "../../src/train/run/metrics-file.js";
import { Run, stepName } from "../../src/train/run/run.js";
import { GAN_RUN } from "../../src/train/gan/run-kind.js";
import type { OptionSpec } from "../../src/option-spec.js";
import { TRAIN_OPTIONS, type TrainOptions } from "../../src/train/gan/options.js";
import { PRESET_VALUES } from "../../src/train/gan/presets.js";
import { type CurvePoints, curvesOf } from "./curves.js";
import { filesOfArchive, filesOfFolder, type GivenFile, zipped } from "./archive.js";
import { listSets } from "../pictures/set.js";
import { lockOf, RUNS, STUDIO_FILE } from "./names.js";
import { directory, OpfsStore } from "./opfs-store.js";

/** What a person calls a run, and notes of it. */
export interface RunLabel {
  readonly name: string;
  readonly notes: string;
}

/** A run as the table shows it. */
export interface RunSummary extends RunLabel {
  readonly id: string;
  readonly options: TrainOptions | undefined;
  /** Why it cannot be gone on with, where its files are damaged. */
  readonly problem: string | undefined;
  /** The step of its newest checkpoint; undefined where there is none yet. */
  readonly checkpoint: number | undefined;
  readonly hasModel: boolean;
  /** A tab trains it now. */
  readonly busy: boolean;
}

/** Options by name, and what presets set. */
export interface FormOptions {
  readonly specs: Readonly<Record<keyof TrainOptions, OptionSpec>>;
  readonly presets: Readonly<Record<"tiny" | "small", Readonly<Partial<Record<string, unknown>>>>>;
}

const storeOf = (id: string): OpfsStore => new OpfsStore(`${RUNS}/${id}`);

export class Shelf {
  /** What the form of a new run asks for. The page has no table of options of its own: this thread has it already. */
  form(): Promise<FormOptions> {
    return Promise.resolve({ specs: TRAIN_OPTIONS, presets: { tiny: PRESET_VALUES.tiny, small: PRESET_VALUES.small } });
  }

  /** All runs, newest first. */
  async list(): Promise<RunSummary[]> {
    const folder = await directory([RUNS], false);
    const ids: string[] = [];
    if (folder) for await (const [name, handle] of folder.entries()) if (handle.kind === "directory") ids.push(name);
    const held = new Set(((await navigator.locks.query()).held ?? []).map(({ name }) => name));
    const runs = await Promise.all(ids.map((id) => summaryOf(id, held.has(lockOf(id)))));
    return runs.sort((a, b) => newestFirst(a.id, b.id));
  }

  async label(id: string, label: RunLabel): Promise<void> {
    await storeOf(id).write(STUDIO_FILE, `${JSON.stringify(label, null, 2)}\n`);
  }

  /** Deletes a run with all its files. @throws UserError while a tab trains it */
  async remove(id: string): Promise<void> {
    await whileFree(id, () => removeFolder(id));
  }

  async curves(id: string): Promise<CurvePoints> {
    const bytes = await storeOf(id).read("metrics.jsonl");
    return curvesOf(bytes ? parseMetrics(new TextDecoder().decode(bytes)).records : []);
  }

  /** Steps with a sample grid. */
  async samples(id: string): Promise<number[]> {
    return (await storeOf(id).list("samples")).flatMap((name) => {
      const step = /^step-(\d+)\.png$/.exec(name)?.[1];
      return step === undefined ? [] : [Number(step)];
    });
  }

  async sample(id: string, step: number): Promise<{ readonly picture: Blob; readonly captions: string } | undefined> {
    const store = storeOf(id);
    const picture = await store.blob(`samples/${stepName(step)}.png`);
    const captions = await store.read(`samples/${stepName(step)}.txt`);
    return picture && { picture, captions: captions ? new TextDecoder().decode(captions) : "" };
  }

  /** The finished model of the newest checkpoint. */
  async model(id: string): Promise<Uint8Array> {
    const bytes = await storeOf(id).read(MODEL_NAME);
    if (!bytes) throw new UserError("this run has no model yet: it comes with the first checkpoint");
    return transfer(bytes, [bytes.buffer]);
  }

  /** The run's folder as a zip archive, which `train --resume FOLDER` goes on with once it is unpacked. */
  async archive(id: string): Promise<Blob> {
    const store = storeOf(id);
    const folders = ["", "samples", "checkpoint"];
    const names = (await Promise.all(folders.map(async (folder) => (await store.list(folder)).map((name) => inside(folder, name))))).flat();
    return zipped(names, async (name) => (await store.read(name))!, id);
  }

  /** Takes in a run that was begun elsewhere: its folder's files, or a zip archive of them. @returns its id here */
  async take(files: readonly GivenFile[]): Promise<string> {
    const [first] = files;
    const archive = files.length === 1 && first && /\.zip$/i.test(first.path);
    const { name, parts } = archive ? await filesOfArchive(first.file) : filesOfFolder(files);
    const id = await freeId(name);
    const store = storeOf(id);
    try {
      for (const [path, read] of parts) await store.write(path, await read());
      const run = await Run.open(store, GAN_RUN);
      const { dataset } = await run.readConfig();
      const set = lastPart(dataset);
      if (set !== "petals" && !(await listSets()).some((one) => one.name === set))
        throw new UserError(`${name} was trained on ${set}: add these pictures to this browser first, under this name, then the run`);
      return id;
    } catch (error) {
      await removeFolder(id).catch(() => undefined);
      throw error;
    }
  }
}

/** A run's folder with all that is in it. */
export async function removeFolder(id: string): Promise<void> {
  await (await directory([RUNS], false))?.removeEntry(id, { recursive: true });
}

const inside = (folder: string, name: string): string => (folder ? `${folder}/${name}` : name);

async function summaryOf(id: string, busy: boolean): Promise<RunSummary> {
  const store = storeOf(id);
  const run = await Run.in(store, GAN_RUN);
  const label = await labelOf(store, id);
  const steps = (await store.list("checkpoint")).flatMap((name) => /^step-(\d+)\.safetensors$/.exec(name)?.[1] ?? []).map(Number);
  const hasModel = (await store.blob(MODEL_NAME)) !== undefined;
  const common = { id, ...label, checkpoint: steps.length > 0 ? Math.max(...steps) : undefined, hasModel, busy };
  // One that is being prepared has a name alone.
  if (!run.isBegun) return { ...common, options: undefined, problem: undefined };
  try {
    return { ...common, options: await run.readConfig(), problem: undefined };
  } catch (error) {
    return { ...common, options: undefined, problem: (error as Error).message };
  }
}

async function labelOf(store: OpfsStore, id: string): Promise<RunLabel> {
  const bytes = await store.read(STUDIO_FILE);
  let label: Partial<Record<keyof RunLabel, unknown>> | null = null;
  try {
    label = bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as typeof label) : null;
  } catch {
    // Damaged: the run goes by its folder's name.
  }
  const { name, notes } = label ?? ({} as NonNullable<typeof label>);
  return { name: typeof name === "string" && name ? name : id, notes: typeof notes === "string" ? notes : "" };
}

/** "petals-2" where there is a "petals-1": a folder's name without what a file system would not take. */
export async function freeId(name: string): Promise<string> {
  const stem = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+|-\d+$/g, "") || "run";
  const folder = await directory([RUNS], true);
  const taken = new Set<string>();
  for await (const taking of folder!.keys()) taken.add(taking);
  let n = 1;
  while (taken.has(`${stem}-${n}`)) n++;
  return `${stem}-${n}`;
}

/** By the number at the end. */
function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, undefined, { numeric: true });
}

/** Does something with a run that no tab trains. @throws UserError */
export async function whileFree<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
  return navigator.locks.request(lockOf(id), { ifAvailable: true }, async (lock) => {
    if (!lock) throw new UserError("this run is being trained, here or in another tab: stop it first");
    return work();
  }) as Promise<Result>;
}
