/**
 * Tells pages what changes among the runs, by server-sent events: `runs` with the whole list when a page comes, then `run` with each that has
 * changed and `gone` with the name of each that was removed.
 *
 * Folders are watched, and looked at every second or two besides: some file systems tell nothing, and of a process that is killed no file
 * tells. Nothing is done while no page listens.
 */
import { type FSWatcher, watch } from "node:fs";
import type { ServerResponse } from "node:http";
import type { ListedRun } from "../../train/run/summary.js";
import type { RunsFolder } from "./runs-folder.js";

export interface EventTimes {
  /** Milliseconds from a change to the look at it: a training writes several files at once. */
  readonly settle: number;
  /** Milliseconds between looks without a sign. */
  readonly poll: number;
  /** Milliseconds after which a quiet stream shows that it is alive. */
  readonly alive: number;
}

const TIMES: EventTimes = { settle: 100, poll: 2000, alive: 15_000 };

/** Bytes that may wait for a page. */
const PENDING = 1 << 20;

export class RunEvents {
  readonly #listeners = new Set<ServerResponse>();
  readonly #watchers = new Map<string, FSWatcher>();
  /** What listeners know, by name: the run as JSON. */
  #known = new Map<string, string>();
  #looking: Promise<void> | undefined;
  #settling: NodeJS.Timeout | undefined;
  #polling: NodeJS.Timeout | undefined;
  #alive: NodeJS.Timeout | undefined;

  constructor(
    readonly folder: RunsFolder,
    readonly times: EventTimes = TIMES,
  ) {}

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Sends the list, and from then on what changes, until the page goes. */
  async add(response: ServerResponse): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 2000\n\n");
    response.on("close", () => this.#remove(response));
    await this.#look();
    if (response.destroyed) return;
    response.write(message("runs", `[${[...this.#known.values()].join(",")}]`));
    this.#listeners.add(response);
    this.#polling ??= setInterval(() => void this.#look(), this.times.poll);
    this.#alive ??= setInterval(() => this.#send(":\n\n"), this.times.alive);
    // With a listener the folders are watched.
    void this.#look();
  }

  /** Ends all streams. */
  close(): void {
    for (const response of [...this.#listeners]) {
      response.end();
      this.#remove(response);
    }
    this.#rest();
  }

  #remove(response: ServerResponse): void {
    this.#listeners.delete(response);
    if (this.#listeners.size === 0) this.#rest();
  }

  #rest(): void {
    clearInterval(this.#polling);
    clearInterval(this.#alive);
    clearTimeout(this.#settling);
    this.#polling = this.#alive = this.#settling = undefined;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #send(text: string): void {
    for (const response of this.#listeners) {
      // A page that sleeps reads nothing: it is told all anew when it comes back.
      if (response.writableLength > PENDING) response.destroy();
      else response.write(text);
    }
  }

  /** One look at a time; who asks during one waits for its end. */
  #look(): Promise<void> {
    return (this.#looking ??= this.#compare().finally(() => (this.#looking = undefined)));
  }

  async #compare(): Promise<void> {
    const runs = await this.folder.list().catch(() => undefined);
    if (!runs) return;
    const now = new Map(runs.map((run) => [run.name, JSON.stringify(run)]));
    for (const [name, json] of now) if (this.#known.get(name) !== json) this.#send(message("run", json));
    for (const name of this.#known.keys()) if (!now.has(name)) this.#send(message("gone", JSON.stringify(name)));
    this.#known = now;
    if (this.#listeners.size > 0) this.#watch(runs);
  }

  #watch(runs: readonly ListedRun[]): void {
    const wanted = new Set(this.folder.watched(runs));
    for (const [path, watcher] of this.#watchers) {
      if (wanted.has(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const path of wanted) {
      if (this.#watchers.has(path)) continue;
      try {
        const watcher = watch(path, { persistent: false }, () => this.#changed());
        const forget = (): void => {
          watcher.close();
          if (this.#watchers.get(path) === watcher) this.#watchers.delete(path);
        };
        watcher.on("error", forget);
        this.#watchers.set(path, watcher);
      } catch {
        // No such folder, or the system watches no more of them: the next look sees what changed.
      }
    }
  }

  #changed(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      void this.#look();
    }, this.times.settle);
  }
}

/** JSON has no line breaks of its own. */
const message = (event: string, json: string): string => `event: ${event}\ndata: ${json}\n\n`;
