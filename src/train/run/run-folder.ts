/**
 * A run on disk:
 *
 *     config.json                         its options, and what it ran on
 *     metrics.jsonl                       one line a record
 *     samples/step-001000.png, .txt       a grid and the captions of its rows
 *     curves.svg
 *     checkpoint/step-001000.safetensors  the newest, and the one before
 *     lock.json                           who trains in it, while somebody does
 *
 * Whatever happens at whatever moment, the last good checkpoint stands: files are replaced whole, a checkpoint is removed only when two
 * newer ones are safe, a damaged one is refused by its hash and the one before is used.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "../../command-line.js";
import { reasonOf, UserError } from "../../errors.js";
import { writeFileAtomic } from "../../node/files/atomic-file.js";
import { fileProblem } from "../../node/files/file-problem.js";
import type { TrainOptions } from "../gan/options.js";
import { optionsFromJson, optionsToJson } from "../gan/resolve-options.js";
import { type MetricsRecord, metricsLine, parseMetrics, type Stage } from "./metrics-file.js";
import { lockFolder } from "../../node/files/run-lock.js";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../../formats/safetensors.js";

export type { MetricsRecord, Stage } from "./metrics-file.js";

export interface Checkpoint {
  readonly step: number;
  readonly path: string;
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** What was handed to `saveCheckpoint`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Newer checkpoints that could not be used, each with the reason: to be told to the user. */
  readonly refused: readonly string[];
}

/** What is particular to a folder of its kind. */
export interface FolderKind<Options> {
  /** Checks the options that config.json holds; `where` names it in messages. @throws UserError */
  readonly options: (json: unknown, where: string) => Options;
  /** The options as config.json holds them, where that is not as they are. */
  toJson?(options: Options): object;
  /** The command that goes on with what the folder holds. */
  readonly goOn: (path: string) => string;
  /** The command that begins such folders where it is not `train`, for config.json. */
  readonly command?: string;
}

const RUN: FolderKind<TrainOptions> = {
  options: optionsFromJson,
  toJson: optionsToJson,
  goOn: (path) => commandLine("train", "--resume", path),
};

export class RunFolder<Options = TrainOptions> {
  /** The last checkpoint known to be good. */
  #good: { readonly step: number; readonly path: string } | undefined;

  private constructor(
    readonly path: string,
    readonly kind: FolderKind<Options>,
  ) {}

  /**
   * Makes the folder of a new run: `path`, or the first free `runs/NAME-1`, `runs/NAME-2` ...
   * @throws UserError when `path` already holds a run
   */
  static create(path: string | undefined, name: string): RunFolder;
  static create<Options>(path: string | undefined, name: string, kind: FolderKind<Options>): RunFolder<Options>;
  static create(path: string | undefined, name: string, kind: FolderKind<unknown> = RUN as FolderKind<unknown>): RunFolder<unknown> {
    refuseBegun(path);
    const folder = new RunFolder(path ?? freePath(name), kind);
    folder.#write(() => mkdirSync(folder.path, { recursive: true }), folder.path);
    return folder;
  }

  /**
   * Opens the folder of a run that was begun.
   * @throws UserError when there is none
   */
  static open(path: string): RunFolder;
  static open<Options>(path: string, kind: FolderKind<Options>): RunFolder<Options>;
  static open(path: string, kind: FolderKind<unknown> = RUN as FolderKind<unknown>): RunFolder<unknown> {
    const folder = new RunFolder(path, kind);
    if (!folder.isBegun) throw new UserError(`${path} holds no run (there is no config.json in it)`);
    return folder;
  }

  /** The folder, begun or not, of something that is trained later and kept inside this one. */
  within<Inner>(name: string, kind: FolderKind<Inner>): RunFolder<Inner> {
    return new RunFolder(this.#in(name), kind);
  }

  /** True once there is a config.json. */
  get isBegun(): boolean {
    return existsSync(this.#in("config.json"));
  }

  /**
   * Keeps other processes from training in the folder. @returns what gives it free
   * @throws UserError when one does
   */
  lock(warn: (text: string) => void): () => void {
    const path = this.#in("lock.json");
    this.#write(() => mkdirSync(this.path, { recursive: true }), this.path);
    return this.#write(() => lockFolder(this.path, path, warn), path);
  }

  /** Writes config.json: the options, and whatever tells what the run ran on (versions, adapter). */
  writeConfig(options: Options, about: Readonly<Record<string, string>>): void {
    const { command } = this.kind;
    this.#writeFile(
      "config.json",
      `${JSON.stringify({ ...(command !== undefined && { command }), about, options: this.kind.toJson?.(options) ?? options }, null, 2)}\n`,
    );
  }

  /** @throws UserError when config.json is damaged or of another version, or the folder is of another kind */
  readConfig(): Options {
    const path = this.#in("config.json");
    let json: unknown;
    try {
      json = JSON.parse(readFileSync(path, "utf8"));
    } catch (error) {
      const problem = fileProblem(error);
      throw new UserError(problem ? `${path} cannot be read: ${problem}` : `${path} is damaged: ${reasonOf(error)}`);
    }
    const { command, options } = (json ?? {}) as { command?: string; options?: unknown };
    if (command !== this.kind.command)
      throw new UserError(
        `${this.path} was begun by ${command ?? "train"}, so it goes on by: ${commandLine(command ?? "train", "--resume", this.path)}`,
      );
    return this.kind.options(options, path);
  }

  appendMetrics(record: MetricsRecord): void {
    const path = this.#in("metrics.jsonl");
    this.#write(() => appendFileSync(path, metricsLine(record)), path);
  }

  /** All records that can be read. */
  readMetrics(): MetricsRecord[] {
    return this.#metrics().records;
  }

  /**
   * Forgets a stage's records after `step`, which a resumed run makes anew, and lines that are damaged.
   * @param warn Is told of those.
   */
  truncateMetrics(stage: Stage, step: number, warn: (text: string) => void): void {
    const { records, damaged } = this.#metrics();
    const kept = records.filter((record) => record.stage !== stage || record.step <= step);
    this.#writeFile("metrics.jsonl", kept.map(metricsLine).join(""));
    if (damaged.length === 0) return;
    const some = `${damaged.length === 1 ? "line" : "lines"} ${damaged.slice(0, 3).join(", ")}${damaged.length > 3 ? " ..." : ""}`;
    warn(`${this.#in("metrics.jsonl")} is damaged in ${some}: what is sound up to step ${step} is kept, the rest is left out`);
  }

  #metrics(): ReturnType<typeof parseMetrics> {
    const path = this.#in("metrics.jsonl");
    return parseMetrics(existsSync(path) ? this.#read(() => readFileSync(path, "utf8"), path) : "");
  }

  /** Writes a sample grid and the captions of its rows. @returns the picture's path */
  writeSample(step: number, png: Uint8Array, captions: string): string {
    this.#writeFile(join("samples", `${stepName(step)}.txt`), captions);
    return this.#writeFile(join("samples", `${stepName(step)}.png`), png);
  }

  writeCurves(svg: string): string {
    return this.#writeFile("curves.svg", svg);
  }

  /** Path of another file of the run. */
  inside(name: string): string {
    return this.#in(name);
  }

  /** True once a checkpoint was saved, whether or not it is sound. */
  get hasCheckpoint(): boolean {
    return this.#checkpointNames().length > 0;
  }

  /** Writes any other file of the run, whole or not at all. @returns its path */
  writeFile(name: string, contents: Uint8Array | string): string {
    return this.#writeFile(name, contents);
  }

  /**
   * Saves a checkpoint, then removes all but it and the good one before it. @returns its path
   * @throws UserError when the disk is full; the last good checkpoint stands
   */
  async saveCheckpoint(
    step: number,
    tensors: Iterable<readonly [string, SafeTensor]>,
    metadata: Readonly<Record<string, string>>,
  ): Promise<string> {
    const bytes = await writeSafetensors(tensors, { ...metadata, "checkpoint.step": String(step) });
    const name = `${stepName(step)}.safetensors`;
    // Saved again at the step it was loaded from, a checkpoint replaces itself: then the one before is the next older file.
    const older = this.#checkpointNames().filter((other) => stepOf(other) < step);
    const before = this.#good && this.#good.step !== step ? `${stepName(this.#good.step)}.safetensors` : older.at(-1);
    const path = this.#writeFile(join("checkpoint", name), bytes);
    this.#good = { step, path };
    for (const other of this.#checkpointNames()) {
      if (other !== name && other !== before)
        this.#write(() => rmSync(this.#in("checkpoint", other), { force: true }), this.#in("checkpoint", other));
    }
    return path;
  }

  /**
   * Loads the newest checkpoint that is sound.
   * @throws UserError when there is none
   */
  async loadCheckpoint(): Promise<Checkpoint> {
    const refused: string[] = [];
    for (const name of this.#checkpointNames().reverse()) {
      const path = this.#in("checkpoint", name);
      try {
        const { tensors, metadata } = await readSafetensors(readFileSync(path), path, { sealed: true });
        const step = Number(metadata.get("checkpoint.step"));
        if (stepName(step) !== name.replace(".safetensors", "")) throw new UserError(`${path} holds step ${step}: it was renamed`);
        this.#good = { step, path };
        const own = new Map([...metadata].filter(([key]) => key !== "checkpoint.step"));
        return { step, path, tensors, metadata: own, refused };
      } catch (error) {
        refused.push((error as Error).message);
      }
    }
    const reason = refused.length > 0 ? `no sound one: ${refused.join("; ")}` : "none";
    throw new UserError(`${this.path} has no checkpoint to go on from (${reason}); begin a new run`);
  }

  /** What to tell when a run ends badly: where its last good checkpoint is and how to go on. */
  get wayOn(): string {
    if (!this.isBegun) return "nothing was begun yet: mend that, or begin elsewhere";
    if (this.#good) return `the last good checkpoint is ${this.#good.path}; go on with: ${this.kind.goOn(this.path)}`;
    if (this.hasCheckpoint) return `go on with: ${this.kind.goOn(this.path)}`;
    return `the run has no checkpoint yet; begin it again with: ${this.kind.goOn(this.path)}`;
  }

  #in(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Oldest first. */
  #checkpointNames(): string[] {
    const folder = this.#in("checkpoint");
    if (!existsSync(folder)) return [];
    return this.#read(() => readdirSync(folder), folder)
      .filter((name) => /^step-\d+\.safetensors$/.test(name))
      .sort((a, b) => stepOf(a) - stepOf(b));
  }

  #writeFile(name: string, contents: Uint8Array | string): string {
    const path = this.#in(name);
    this.#write(() => writeFileAtomic(path, contents), path);
    return path;
  }

  /** Turns what a full or closed disk says into one line that names the way on. */
  #write<T>(action: () => T, path: string): T {
    try {
      return action();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const problem = fileProblem(error);
      if (problem === undefined) throw error;
      if (code === "ENOSPC" || code === "EDQUOT")
        throw new UserError(`the disk is full: ${path} could not be written. Free some space; ${this.wayOn}`);
      if (code === "ENOTDIR" || code === "EEXIST" || code === "EISDIR")
        throw new UserError(`${path} cannot be written: ${code === "EISDIR" ? "a folder" : "a file"} is in its way (${code})`);
      throw new UserError(`${path} cannot be written: ${problem}; ${this.wayOn}`);
    }
  }

  #read<T>(action: () => T, path: string): T {
    try {
      return action();
    } catch (error) {
      const problem = fileProblem(error);
      throw problem === undefined ? error : new UserError(`${path} cannot be read: ${problem}`);
    }
  }
}

/** A mistake that is told before anything is opened or prepared. @throws UserError when a new run's folder already holds one */
export function refuseBegun(path: string | undefined): void {
  if (path === undefined || !existsSync(join(path, "config.json"))) return;
  throw new UserError(`${path} already holds a run: go on with it by --resume ${path}, or name another folder`);
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

function stepName(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

function stepOf(checkpointName: string): number {
  return Number(/\d+/.exec(checkpointName)?.[0]);
}
