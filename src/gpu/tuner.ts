/**
 * The tuner: for each problem that a kernel family can compute in several ways, finds the fastest on this device and remembers it.
 *
 * A decision is taken once: by the record of the run that is being resumed, else by the cache, else by a race (race.ts), else (when the
 * time is over) for the rule's choice. It then stands for as long as the tuner lives, and a run's record keeps it, so that the same
 * kernels, and with them the same bits, come again. A remembered decision counts only for the very kernels it was taken for: its
 * checksum covers the texts of all candidates.
 */
import type { Lowering } from "../../kernels/kernel.js";
import type { Device } from "./device.js";
import { type Race, raceOn } from "./race.js";
import type { KernelChooser, Tunable } from "./tunable.js";
import { type Decision, type Decisions, formatTuning, parseTuning, type TuningStore } from "./tuning-file.js";

/** "cached": what the cache knows, and races for the rest within the time allowed; "full": races for all, however long. */
export type TunerMode = "cached" | "full";

/** Where a tuner finds and keeps its decisions, and how long it may race. */
export interface TunerOptions {
  readonly mode: TunerMode;
  /** Winners of races, of all runs on all adapters. */
  readonly cache?: TuningStore;
  /** All decisions of one run, which come before the cache's. */
  readonly run?: TuningStore;
  /** Milliseconds that the races of one program may take in mode "cached". */
  readonly budget?: number;
  readonly onProgress?: (progress: TuningProgress) => void;
  /** A cache or a record that cannot be used, in one line. */
  readonly onWarning?: (text: string) => void;
}

/** Before the first race (`done` 0) and after each. */
export interface TuningProgress {
  readonly done: number;
  /** Races there are to run; the time may be over before. */
  readonly total: number;
  /** Most seconds the races may take; undefined without limit. */
  readonly seconds: number | undefined;
}

/** What a tuner runs on; tests put their own in the place of a device and a clock. */
export interface TunerHardware {
  readonly adapter: string;
  readonly race: Race;
  /** Milliseconds. */
  readonly now: () => number;
}

const BUDGET = 4000;

/** A candidate replaces the rule's choice when it takes at most this share of its time: less may be chance. */
const WORTH_CHANGING = 0.95;

/** A problem under decision, with its candidates, of which no two are the same kernels. */
interface Open {
  readonly tunable: Tunable;
  readonly names: readonly string[];
  readonly lowerings: readonly Lowering[];
  readonly checksum: string;
}

/** Chooses a program's kernels by earlier races and new ones; given to a device as its `tuner`. */
export class Tuner implements KernelChooser {
  readonly #hardware: TunerHardware;
  readonly #decided = new Map<string, Decision>();
  /** Texts that took part in a race, each of which had to be compiled, and how long those races took. */
  readonly #texts = new Set<string>();
  #raced = 0;
  #remembered: { readonly run: Decisions; readonly cache: Decisions } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    device: Device | TunerHardware,
    readonly options: TunerOptions,
  ) {
    this.#hardware = "race" in device ? device : { adapter: device.description, race: raceOn(device), now: () => performance.now() };
  }

  /**
   * The candidate for each problem. Calls take turns: two races at once would disturb each other.
   * @throws What the run's store throws when it cannot keep the decisions.
   */
  choose(tunables: readonly Tunable[]): Promise<ReadonlyMap<string, string>> {
    const result = this.#turn.then(() => this.#choose(tunables));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #choose(tunables: readonly Tunable[]): Promise<ReadonlyMap<string, string>> {
    const problems = [...new Map(tunables.map((tunable) => [tunable.tuning.problem, tunable])).values()];
    const fresh = problems.filter(({ tuning }) => !this.#decided.has(tuning.problem));
    if (fresh.length > 0) {
      const undecided = await this.#recall(await Promise.all(fresh.map(open)));
      const won = await this.#races(undecided);
      for (const { tunable, checksum, names } of undecided) {
        const { problem } = tunable.tuning;
        if (!this.#decided.has(problem)) this.#decided.set(problem, { checksum, choice: names[0]! });
      }
      await this.#keep(won);
    }
    return new Map(problems.map(({ tuning: { problem } }) => [problem, this.#decided.get(problem)!.choice]));
  }

  /** Takes over what is remembered. @returns the other problems */
  async #recall(problems: readonly Open[]): Promise<readonly Open[]> {
    const { run, cache, mode } = { ...this.options };
    this.#remembered ??= { run: await this.#read(run), cache: mode === "full" ? new Map() : await this.#read(cache) };
    const stale = { run: 0, cache: 0 };
    const rest = problems.filter(({ tunable: { tuning }, checksum, names }) => {
      for (const from of ["run", "cache"] as const) {
        const known = this.#remembered![from].get(tuning.problem);
        if (!known) continue;
        if (known.checksum === checksum && names.includes(known.choice)) {
          this.#decided.set(tuning.problem, known);
          return false;
        }
        stale[from]++;
      }
      return true;
    });
    const kernels = (count: number) => (count === 1 ? "a kernel that has" : `${count} kernels that have`);
    if (stale.run > 0) this.#warn(`${run!.name} knows ${kernels(stale.run)} changed since; the run goes on with slightly other numbers`);
    if (stale.cache > 0) this.#warn(`${cache!.name} knows ${kernels(stale.cache)} changed since; its tuning is not used`);
    return rest;
  }

  /** Races, the costliest problems first, as far as the time allows. @returns the winners */
  async #races(problems: readonly Open[]): Promise<Map<string, Decision>> {
    const { mode, budget = BUDGET, onProgress } = this.options;
    const { now, race } = this.#hardware;
    const won = new Map<string, Decision>();
    const open = problems.filter(({ lowerings }) => lowerings.length > 1).sort((p, q) => q.tunable.tuning.work - p.tunable.tuning.work);
    if (open.length === 0) return won;
    const limited = mode === "cached";
    const seconds = limited ? budget / 1000 : undefined;
    const start = now();
    onProgress?.({ done: 0, total: open.length, seconds });
    for (const [i, { tunable, names, lowerings, checksum }] of open.entries()) {
      const begun = now();
      const left = budget - (begun - start);
      const texts = new Set(
        lowerings.flatMap(({ launches }) => launches.map(({ kernel }) => kernel.code)).filter((t) => !this.#texts.has(t)),
      );
      // What a new text has cost so far, compiling and running, tells what this race will take.
      const expected = this.#texts.size === 0 ? 0 : (texts.size * this.#raced) / this.#texts.size;
      if (limited && (left <= 0 || expected > left)) continue;
      const times = await race(lowerings, tunable);
      for (const text of texts) this.#texts.add(text);
      this.#raced += now() - begun;
      const { problem } = tunable.tuning;
      const best = times.indexOf(Math.min(...times));
      const choice = times[best]! <= WORTH_CHANGING * times[0]! ? names[best]! : names[0]!;
      this.#decided.set(problem, { checksum, choice });
      won.set(problem, { checksum, choice });
      onProgress?.({ done: i + 1, total: open.length, seconds });
    }
    return won;
  }

  /** Adds winners to the cache, and all decisions to the run's record. */
  async #keep(won: Decisions): Promise<void> {
    const { cache, run } = this.options;
    if (run) await this.#write(run, this.#decided);
    if (!cache || won.size === 0) return;
    try {
      await this.#write(cache, won);
    } catch (error) {
      this.#warn(`${cache.name} cannot be written (${(error as Error).message}); what was tuned is tuned again the next time`);
    }
  }

  /** Reads again before it writes: another process may have added its own. */
  async #write(store: TuningStore, decisions: Decisions): Promise<void> {
    const adapters = await parse(store).catch(() => new Map<string, Decisions>());
    const { adapter } = this.#hardware;
    await store.write(formatTuning(new Map([...adapters, [adapter, new Map([...(adapters.get(adapter) ?? []), ...decisions])]])));
  }

  async #read(store: TuningStore | undefined): Promise<Decisions> {
    if (!store) return new Map();
    try {
      return (await parse(store)).get(this.#hardware.adapter) ?? new Map();
    } catch (error) {
      this.#warn(`${store.name} is damaged (${(error as Error).message}); it is not used`);
      return new Map();
    }
  }

  #warn(text: string): void {
    this.options.onWarning?.(text);
  }
}

const parse = async (store: TuningStore) => parseTuning((await store.read()) ?? formatTuning(new Map()));

async function open(tunable: Tunable): Promise<Open> {
  const distinct = new Map<string, readonly [name: string, lowering: Lowering]>();
  for (const name of tunable.tuning.candidates) {
    const lowering = tunable.lower(name);
    const kernels = lowering.launches.map(({ kernel: { code, constants, workgroups }, slots }) => [code, constants, workgroups, slots]);
    const print = JSON.stringify([kernels, lowering.scratch]);
    if (!distinct.has(print)) distinct.set(print, [name, lowering]);
  }
  const candidates = [...distinct.values()];
  const all = JSON.stringify([...distinct].map(([print, [name]]) => [name, print]));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(all));
  const checksum = [...new Uint8Array(hash).subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { tunable, names: candidates.map(([name]) => name), lowerings: candidates.map(([, lowering]) => lowering), checksum };
}
