/**
 * A run on disk:
 *
 *     config.json                         its options, and what it ran on
 *     metrics.jsonl                       one line a record
 *     samples/step-001000.png, .txt       a grid and the captions of its rows
 *     curves.svg
 *     checkpoint/step-001000.safetensors  the newest, and the one before
 *
 * Whatever happens at whatever moment, the last good checkpoint stands: files are replaced whole, a checkpoint is removed only when two
 * newer ones are safe, a damaged one is refused by its hash and the one before is used.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "../command-line.js";
import { UserError } from "../errors.js";
import { writeFileAtomic } from "../data/atomic-file.js";
import { optionsFromJson, type TrainOptions } from "./options.js";
import { readSafetensors, type SafeTensor, writeSafetensors } from "./safetensors.js";

/** What is trained. */
export type Stage = "text encoder" | "validation" | "GAN" | "style encoder";

/** A line of metrics.jsonl. A number that is not finite is written as null, JSON having no other word. */
export interface MetricsRecord {
  readonly stage: Stage;
  readonly step: number;
  readonly [name: string]: number | string | null;
}

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
  /** The command that goes on with what the folder holds. */
  readonly goOn: (path: string) => string;
  /** The command that begins such folders where it is not `train`, for config.json. */
  readonly command?: string;
}

const RUN: FolderKind<TrainOptions> = { options: optionsFromJson, goOn: (path) => commandLine("train", "--resume", path) };

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
    const folder = new RunFolder(path ?? freeName(name), kind);
    if (folder.isBegun) {
      throw new UserError(`${folder.path} already holds a run: go on with it by --resume ${folder.path}, or name another folder`);
    }
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

  /** Writes config.json: the options, and whatever tells what the run ran on (versions, adapter). */
  writeConfig(options: Options, about: Readonly<Record<string, string>>): void {
    const { command } = this.kind;
    this.#writeFile("config.json", `${JSON.stringify({ ...(command !== undefined && { command }), about, options }, null, 2)}\n`);
  }

  /** @throws UserError when config.json is damaged or of another version, or the folder is of another kind */
  readConfig(): Options {
    const path = this.#in("config.json");
    let json: unknown;
    try {
      json = JSON.parse(readFileSync(path, "utf8"));
    } catch (error) {
      throw new UserError(`${path} is damaged: ${(error as Error).message}`);
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
    this.#write(() => appendFileSync(path, `${JSON.stringify(record)}\n`), path);
  }

  /** All records; a last line that was cut off by a kill is left out. */
  readMetrics(): MetricsRecord[] {
    const path = this.#in("metrics.jsonl");
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    const unfinished = lines.pop();
    return lines.flatMap((line, i) => {
      try {
        return [JSON.parse(line) as MetricsRecord];
      } catch (error) {
        // A full disk can leave half a line that later ones follow; nothing else can.
        if (i === lines.length - 1 && unfinished === "") return [];
        throw new UserError(`${path} is damaged in line ${i + 1}: ${(error as Error).message}`);
      }
    });
  }

  /** Forgets a stage's records after `step`, which a resumed run makes anew. */
  truncateMetrics(stage: Stage, step: number): void {
    const kept = this.readMetrics().filter((record) => record.stage !== stage || record.step <= step);
    this.#writeFile("metrics.jsonl", kept.map((record) => `${JSON.stringify(record)}\n`).join(""));
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
      if (other !== name && other !== before) rmSync(this.#in("checkpoint", other), { force: true });
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
    if (!this.#good) return `the run has no checkpoint yet; begin it again with: ${this.kind.goOn(this.path)}`;
    return `the last good checkpoint is ${this.#good.path}; go on with: ${this.kind.goOn(this.path)}`;
  }

  #in(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Oldest first. */
  #checkpointNames(): string[] {
    const folder = this.#in("checkpoint");
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => /^step-\d+\.safetensors$/.test(name))
      .sort((a, b) => stepOf(a) - stepOf(b));
  }

  #writeFile(name: string, contents: Uint8Array | string): string {
    const path = this.#in(name);
    this.#write(() => writeFileAtomic(path, contents), path);
    return path;
  }

  /** Turns what a full or closed disk says into one line that names the way on. */
  #write(action: () => void, path: string): void {
    try {
      action();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ENOSPC" || code === "EDQUOT")
        throw new UserError(`the disk is full: ${path} could not be written. Free some space; ${this.wayOn}`);
      if (code === "EACCES" || code === "EROFS" || code === "EPERM")
        throw new UserError(`${path} may not be written (${code}); ${this.wayOn}`);
      if (code === "ENOTDIR" || code === "EEXIST" || code === "EISDIR")
        throw new UserError(`${path} cannot be written: a file is in its way (${message})`);
      throw error;
    }
  }
}

/** The run of `train` that was begun last under runs/, or undefined. */
export function newestRun(): string | undefined {
  if (!existsSync("runs")) return undefined;
  const runs = readdirSync("runs").flatMap((name) => {
    const config = join("runs", name, "config.json");
    if (!existsSync(config) || /^\{\s*"command"/.test(readFileSync(config, "utf8"))) return [];
    return [{ path: join("runs", name), time: statSync(config).mtimeMs }];
  });
  return runs.sort((a, b) => b.time - a.time)[0]?.path;
}

function freeName(name: string): string {
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
