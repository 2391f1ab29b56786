/** Runs in folders: finding them, making new ones, keeping other processes out. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../errors.js";
import { GAN_RUN } from "../../train/gan/run-kind.js";
import type { TrainOptions } from "../../train/gan/options.js";
import { Run, type RunKind } from "../../train/run/run.js";
import { FolderStore } from "./folder-store.js";
import { lockFolder } from "./run-lock.js";
import { writing } from "./writing.js";

/** The run that a folder holds. @throws UserError when there is none */
export function openRun(path: string): Promise<Run<TrainOptions>>;
export function openRun<Options>(path: string, kind: RunKind<Options>): Promise<Run<Options>>;
export function openRun(path: string, kind: RunKind<unknown> = GAN_RUN as RunKind<unknown>): Promise<Run<unknown>> {
  return Run.open(new FolderStore(path), kind);
}

/** A mistake that is told before anything is opened or prepared. @throws UserError when a new run's folder already holds one */
export function refuseBegun(path: string | undefined): void {
  if (path === undefined || !existsSync(join(path, "config.json"))) return;
  throw new UserError(`${path} already holds a run: go on with it by --resume ${path}, or name another folder`);
}

/** Makes the folder of a new run: `path`, or the first free `runs/NAME-1`, `runs/NAME-2` ... @throws UserError when `path` holds one */
export function newRunFolder(path: string | undefined, name: string): FolderStore {
  refuseBegun(path);
  const folder = new FolderStore(path ?? freePath(name));
  writing(folder.path, () => mkdirSync(folder.path, { recursive: true }), "nothing was begun yet: mend that, or begin elsewhere");
  return folder;
}

/**
 * Keeps other processes from training in a folder.
 * @param wayOn What to tell where the folder may not be written.
 * @returns what gives it free
 * @throws UserError when one does
 */
export function lock(folder: FolderStore, warn: (text: string) => void, wayOn?: string): () => void {
  const path = join(folder.path, "lock.json");
  writing(folder.path, () => mkdirSync(folder.path, { recursive: true }), wayOn);
  return writing(path, () => lockFolder(folder.path, path, warn), wayOn);
}

/** The run of `train` that was begun last under runs/, or undefined. */
export function newestRun(): string | undefined {
  if (!existsSync("runs")) return undefined;
  const runs = readdirSync("runs").flatMap((name) => {
    const config = join("runs", name, "config.json");
    try {
      if (/^\{\s*"command"/.test(readFileSync(config, "utf8"))) return [];
      return [{ path: join("runs", name), time: statSync(config).mtimeMs }];
    } catch {
      return [];
    }
  });
  return runs.sort((a, b) => b.time - a.time)[0]?.path;
}

function freePath(name: string): string {
  // A folder's path as a data set's name would nest the run.
  const plain = name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "") || "run";
  for (let i = 1; ; i++) {
    const path = join("runs", `${plain}-${i}`);
    if (!existsSync(path)) return path;
  }
}
