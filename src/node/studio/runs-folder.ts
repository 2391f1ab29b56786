/** The runs under a folder, as the studio lists them. */
import { constants } from "node:fs";
import { access, open, readdir, readFile, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { commandLine } from "../../command-line.js";
import { parseMetrics } from "../../train/run/metrics-file.js";
import { MODEL_NAME, STYLE_ENCODER_NAME, STYLE_FOLDER, TEXT_ENCODER_NAME } from "../../train/run/names.js";
import { type ListedRun, type MetricsPart, summarise } from "../../train/run/summary.js";
import { lockState } from "../files/run-lock.js";
import { arePlain, fileInside, pathInside } from "./safe-path.js";

/** So deep below the folder a run may lie. */
const DEPTH = 4;
/** Bytes of metrics that tell how far a run is: some two hundred lines. */
const TAIL = 1 << 16;
/** Bytes of metrics in one answer: what a page reads within a frame or two. */
const PART = 1 << 18;

/** What a page may read of a run. Data sets and captions that a run was trained on lie elsewhere. */
const FILES = new RegExp(
  `^(config\\.json|metrics\\.jsonl|curves\\.svg|recovery\\.json|${MODEL_NAME}|${TEXT_ENCODER_NAME}|${STYLE_ENCODER_NAME}|` +
    `${STYLE_FOLDER}/${STYLE_ENCODER_NAME}|samples/step-\\d+\\.(png|txt)|checkpoint/step-\\d+\\.safetensors)$`,
);
const TOP_FILES = ["config.json", "metrics.jsonl", "curves.svg", MODEL_NAME, TEXT_ENCODER_NAME, STYLE_ENCODER_NAME];

export class RunsFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** Every run, by name; none where there is no folder. */
  async list(): Promise<ListedRun[]> {
    const found = await this.#find(this.path, [], 0);
    const runs = await Promise.all(found.map((names) => this.#read(names).catch(() => undefined)));
    return runs.filter((run) => run !== undefined).sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  }

  /** A file that a page may read, or undefined. */
  async file(run: string, name: string): Promise<string | undefined> {
    const folder = FILES.test(name) ? await this.#folder(run) : undefined;
    return folder === undefined ? undefined : fileInside(folder, name.split("/"));
  }

  /** Records of metrics.jsonl that begin at a byte; from the start where `id` is another file's. */
  async metrics(run: string, after: number, id: string | null): Promise<MetricsPart | undefined> {
    const path = await this.file(run, "metrics.jsonl");
    if (path === undefined) return undefined;
    const file = await open(path, "r");
    try {
      const { size, ino, birthtimeMs } = await file.stat();
      const own = idOf(ino, birthtimeMs);
      const from = id === own && after <= size ? after : 0;
      const bytes = Buffer.alloc(Math.min(PART, size - from));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      // A line that is being written is read when it is whole.
      const whole = bytes.subarray(0, bytesRead).lastIndexOf("\n") + 1;
      const { records } = parseMetrics(bytes.toString("utf8", 0, whole));
      return { records, id: own, from, next: from + whole, end: whole === 0 || from + bytesRead >= size };
    } finally {
      await file.close();
    }
  }

  /** Folders that change when a run does. */
  watched(runs: readonly ListedRun[]): string[] {
    const names = runs.map(({ name }) => this.#namesOf(name));
    const parents = names.flatMap((names) => names.map((_, i) => names.slice(0, i)));
    return [
      ...new Set([[], ...parents, ...names, ...names.map((names) => [...names, "samples"])].map((parts) => join(this.path, ...parts))),
    ];
  }

  /** Names of the folders from here to each run. */
  async #find(folder: string, names: readonly string[], depth: number): Promise<string[][]> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const isRun = entries.some((entry) => entry.name === "config.json" && entry.isFile());
    // Links are not followed: they may lead out, or round in a circle.
    const inner = entries.filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name) && arePlain([entry.name]));
    const below = depth === DEPTH ? [] : inner.filter(({ name }) => !isRun || (name !== "samples" && name !== "checkpoint"));
    const found = await Promise.all(below.map(({ name }) => this.#find(join(folder, name), [...names, name], depth + 1)));
    return [...(isRun ? [[...names]] : []), ...found.flat()];
  }

  async #read(names: readonly string[]): Promise<ListedRun> {
    const folder = join(this.path, ...names);
    const metrics = join(folder, "metrics.jsonl");
    const found = await stat(metrics).catch(() => undefined);
    const namesIn = (inner: string) => readdir(join(folder, inner)).catch(() => []);
    const isStyle = basename(folder) === STYLE_FOLDER && (await exists(join(folder, "..", "config.json")));
    const summary = summarise({
      name: this.#nameOf(names),
      config: await readFile(join(folder, "config.json"), "utf8"),
      metrics: found ? await tailOf(metrics) : "",
      lock: lockState(join(folder, "lock.json")),
      checkpoints: await namesIn("checkpoint"),
      samples: await namesIn("samples"),
      style: isStyle,
    });
    const present = await Promise.all(TOP_FILES.map(async (name) => ((await exists(join(folder, name))) ? [name] : [])));
    return {
      ...summary,
      files: present.flat(),
      goOn: commandLine(summary.command, "--resume", typedPath(isStyle ? join(folder, "..") : folder)),
      ...(found && { metrics: { id: idOf(found.ino, found.birthtimeMs), size: found.size } }),
      changed: Math.round(found?.mtimeMs ?? (await stat(join(folder, "config.json"))).mtimeMs),
    };
  }

  /** A run that is the folder itself is called as the folder is. */
  #nameOf(names: readonly string[]): string {
    return names.length === 0 ? basename(this.path) : names.join("/");
  }

  #namesOf(name: string): string[] {
    return name === basename(this.path) ? [] : name.split("/");
  }

  /** Of a run, or undefined. */
  async #folder(run: string): Promise<string | undefined> {
    for (const names of [run.split("/"), this.#namesOf(run)]) {
      const folder = await pathInside(this.path, names);
      if (folder !== undefined && (await exists(join(folder, "config.json")))) return folder;
    }
    return undefined;
  }
}

/** As short as it can be typed where the server runs. */
function typedPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" ? "." : near.startsWith("..") ? path : near;
}

/** Systems without a time of birth say 0: the number is enough then. */
const idOf = (ino: number, birthtimeMs: number): string => `${ino}-${Math.round(birthtimeMs)}`;

const exists = (path: string): Promise<boolean> =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  );

/** The last lines of a file. */
async function tailOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL);
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    const text = bytes.toString("utf8", 0, bytesRead);
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await file.close();
  }
}
