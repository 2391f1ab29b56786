/**
 * A run, in whatever store it is kept:
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
import { commandLine } from "../../command-line.js";
import { reasonOf, UserError } from "../../errors.js";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../../formats/safetensors.js";
import { type MetricsRecord, metricsLine, parseMetrics, type Stage } from "./metrics-file.js";
import { pathIn, type RunStore, within } from "./store.js";

export interface Checkpoint {
  readonly step: number;
  readonly path: string;
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** What was handed to `saveCheckpoint`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Newer checkpoints that could not be used, each with the reason: to be told to the user. */
  readonly refused: readonly string[];
}

/** What is particular to a run of its kind. */
export interface RunKind<Options> {
  /** Checks the options that config.json holds; `where` names it in messages. @throws UserError */
  readonly options: (json: unknown, where: string) => Options;
  /** The options as config.json holds them, where that is not as they are. */
  toJson?(options: Options): object;
  /** Words of the command that goes on with it, such as "train", "--resume", its path. */
  readonly goOn: (path: string) => readonly [name: string, ...words: string[]];
  /** The command that begins such runs where it is not `train`, for config.json. */
  readonly command?: string;
}

const CONFIG = "config.json";
const METRICS = "metrics.jsonl";
const CHECKPOINTS = "checkpoint";

export class Run<Options> {
  /** The last checkpoint known to be good. */
  #good: { readonly step: number; readonly path: string } | undefined;
  /** Names of the checkpoints' files, oldest first. */
  #checkpoints: string[];
  #begun: boolean;

  private constructor(
    readonly store: RunStore,
    readonly kind: RunKind<Options>,
    begun: boolean,
    checkpoints: string[],
  ) {
    this.#begun = begun;
    this.#checkpoints = checkpoints;
  }

  /** The run that a store holds, or will hold once its config is written. */
  static async in<Options>(store: RunStore, kind: RunKind<Options>): Promise<Run<Options>> {
    const begun = (await store.read(CONFIG)) !== undefined;
    const names = (await store.list(CHECKPOINTS)).filter((name) => /^step-\d+\.safetensors$/.test(name));
    return new Run(store, kind, begun, sorted(names));
  }

  /** @throws UserError when the store holds a run already */
  static async begin<Options>(store: RunStore, kind: RunKind<Options>): Promise<Run<Options>> {
    const run = await Run.in(store, kind);
    if (run.isBegun)
      throw new UserError(`${store.path} already holds a run: go on with it by --resume ${store.path}, or name another folder`);
    return run;
  }

  /** @throws UserError when the store holds none */
  static async open<Options>(store: RunStore, kind: RunKind<Options>): Promise<Run<Options>> {
    const run = await Run.in(store, kind);
    if (!run.isBegun) throw new UserError(`${store.path} holds no run (there is no ${CONFIG} in it)`);
    return run;
  }

  /** What is trained later and kept inside this run, begun or not. */
  within<Inner>(name: string, kind: RunKind<Inner>): Promise<Run<Inner>> {
    return Run.in(within(this.store, name), kind);
  }

  /** For people. */
  get path(): string {
    return this.store.path;
  }

  /** True once there is a config.json. */
  get isBegun(): boolean {
    return this.#begun;
  }

  /** True once a checkpoint was saved, whether or not it is sound. */
  get hasCheckpoint(): boolean {
    return this.#checkpoints.length > 0;
  }

  /** Path, for people, of a file of the run. */
  inside(name: string): string {
    return pathIn(this.store, name);
  }

  /** Writes config.json: the options, and whatever tells what the run ran on (versions, adapter). */
  async writeConfig(options: Options, about: Readonly<Record<string, string>>): Promise<void> {
    const { command, toJson } = this.kind;
    const config = { ...(command !== undefined && { command }), about, options: toJson?.(options) ?? options };
    await this.writeFile(CONFIG, `${JSON.stringify(config, null, 2)}\n`);
    this.#begun = true;
  }

  /** @throws UserError when config.json is damaged or of another version, or the run is of another kind */
  async readConfig(): Promise<Options> {
    const path = this.inside(CONFIG);
    const text = (await this.#text(CONFIG)) ?? "";
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new UserError(`${path} is damaged: ${reasonOf(error)}`);
    }
    const { command, options } = (json ?? {}) as { command?: string; options?: unknown };
    if (command !== this.kind.command)
      throw new UserError(
        `${this.path} was begun by ${command ?? "train"}, so it goes on by: ${commandLine(command ?? "train", "--resume", this.path)}`,
      );
    return this.kind.options(options, path);
  }

  async appendMetrics(record: MetricsRecord): Promise<void> {
    await this.#guarded(() => this.store.append(METRICS, metricsLine(record)));
  }

  /** All records that can be read. */
  async readMetrics(): Promise<MetricsRecord[]> {
    return parseMetrics((await this.#text(METRICS)) ?? "").records;
  }

  /**
   * Forgets a stage's records after `step`, which a resumed run makes anew, and lines that are damaged.
   * @param warn Is told of those.
   */
  async truncateMetrics(stage: Stage, step: number, warn: (text: string) => void): Promise<void> {
    const { records, damaged } = parseMetrics((await this.#text(METRICS)) ?? "");
    const kept = records.filter((record) => record.stage !== stage || record.step <= step);
    await this.writeFile(METRICS, kept.map(metricsLine).join(""));
    if (damaged.length === 0) return;
    const some = `${damaged.length === 1 ? "line" : "lines"} ${damaged.slice(0, 3).join(", ")}${damaged.length > 3 ? " ..." : ""}`;
    warn(`${this.inside(METRICS)} is damaged in ${some}: what is sound up to step ${step} is kept, the rest is left out`);
  }

  /**
   * Writes a sample grid and the captions of its rows.
   * @param picture The grid as a PNG file; without one nothing is written.
   * @returns the picture's path
   */
  async writeSample(step: number, picture: Uint8Array | undefined, captions: string): Promise<string | undefined> {
    if (!picture) return undefined;
    await this.writeFile(`samples/${stepName(step)}.txt`, captions);
    await this.writeFile(`samples/${stepName(step)}.png`, picture);
    return this.inside(`samples/${stepName(step)}.png`);
  }

  /** The run's files, whose writing is refused with the way on. */
  get files(): Pick<RunStore, "path" | "read" | "write"> {
    return { path: this.path, read: (name) => this.readFile(name), write: (name, contents) => this.writeFile(name, contents) };
  }

  writeCurves(svg: string): Promise<void> {
    return this.writeFile("curves.svg", svg);
  }

  /** Any other file of the run, or undefined. */
  readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.store.read(name);
  }

  /** Writes any other file of the run, whole or not at all. @throws UserError that says how to go on */
  writeFile(name: string, contents: Uint8Array | string): Promise<void> {
    return this.#guarded(() => this.store.write(name, contents));
  }

  /** Forgets a file of the run. */
  removeFile(name: string): Promise<void> {
    return this.#guarded(() => this.store.remove(name));
  }

  /**
   * Saves a checkpoint, then removes all but it and the good one before it. @returns its path
   * @throws UserError when the store is full; the last good checkpoint stands
   */
  async saveCheckpoint(
    step: number,
    tensors: Iterable<readonly [string, SafeTensor]>,
    metadata: Readonly<Record<string, string>>,
  ): Promise<string> {
    const bytes = await writeSafetensors(tensors, { ...metadata, "checkpoint.step": String(step) });
    const name = `${stepName(step)}.safetensors`;
    // Saved again at the step it was loaded from, a checkpoint replaces itself: then the one before is the next older file.
    const older = this.#checkpoints.filter((other) => stepOf(other) < step);
    const before = this.#good && this.#good.step !== step ? `${stepName(this.#good.step)}.safetensors` : older.at(-1);
    await this.writeFile(`${CHECKPOINTS}/${name}`, bytes);
    const path = this.inside(`${CHECKPOINTS}/${name}`);
    this.#good = { step, path };
    for (const other of this.#checkpoints) if (other !== name && other !== before) await this.removeFile(`${CHECKPOINTS}/${other}`);
    this.#checkpoints = sorted(new Set([...this.#checkpoints.filter((other) => other === before), name]));
    return path;
  }

  /**
   * Loads the newest checkpoint that is sound.
   * @throws UserError when there is none
   */
  async loadCheckpoint(): Promise<Checkpoint> {
    const refused: string[] = [];
    for (const name of this.#checkpoints.toReversed()) {
      const path = this.inside(`${CHECKPOINTS}/${name}`);
      try {
        const bytes = await this.store.read(`${CHECKPOINTS}/${name}`);
        if (!bytes) throw new UserError(`${path} is not there any more`);
        const { tensors, metadata } = await readSafetensors(bytes, path, { sealed: true });
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
    if (!this.#begun) return "nothing was begun yet: mend that, or begin elsewhere";
    const command = commandLine(...this.kind.goOn(this.path));
    if (this.#good) return `the last good checkpoint is ${this.#good.path}; go on with: ${command}`;
    if (this.hasCheckpoint) return `go on with: ${command}`;
    return `the run has no checkpoint yet; begin it again with: ${command}`;
  }

  async #text(name: string): Promise<string | undefined> {
    const bytes = await this.store.read(name);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** What a store refuses to write, with the way on. */
  async #guarded(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${error.message}; ${this.wayOn}`) : error;
    }
  }
}

/** "step-001000". */
export const stepName = (step: number): string => `step-${String(step).padStart(6, "0")}`;

const stepOf = (checkpointName: string): number => Number(/\d+/.exec(checkpointName)?.[0]);

const sorted = (names: Iterable<string>): string[] => [...names].sort((a, b) => stepOf(a) - stepOf(b));
