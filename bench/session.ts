/** One run of the bench: its device, what is wanted, the time there is, and what had to be left out. */
import type { Device } from "../src/gpu/device.js";
import { median, type Limits, type Stopwatch } from "./timing.js";

/** What is measured in turns: each a way to time one execution. */
export type Contestants<Name extends string> = Readonly<Record<Name, { measure(): Promise<number> }>>;

export class Session {
  readonly #end: number;
  readonly #missed = new Map<string, string[]>();

  /**
   * @param filter Part of a row's suite and name; empty for all.
   * @param minutes After which no further row is begun.
   * @param duration Milliseconds that one measurement should take.
   */
  constructor(
    readonly device: Device,
    readonly limits: Limits,
    readonly filter: string,
    minutes: number,
    readonly duration = 120,
  ) {
    this.#end = performance.now() + minutes * 60_000;
  }

  wants(...words: readonly string[]): boolean {
    return words.join(" ").includes(this.filter);
  }

  /** Milliseconds. */
  get left(): number {
    return this.#end - performance.now();
  }

  /**
   * Whether a row of about so much arithmetic can still be begun; if not, it is noted as left out.
   * @param flops Of one execution: at the third of the adapter's peak that our kernels reach at least, ten executions must fit.
   */
  async allows(group: string, name: string, flops = 0): Promise<boolean> {
    this.#peak ??= await this.limits.gflops();
    const expected = (10 * flops) / (this.#peak / 3) / 1e6;
    if (this.left > expected) return true;
    this.miss(group, name, "no time left");
    return false;
  }
  #peak: number | undefined;

  miss(group: string, name: string, why: string): void {
    const key = `${group} (${why})`;
    this.#missed.set(key, [...(this.#missed.get(key) ?? []), name]);
  }

  /** One line a group. */
  get leftOut(): string[] {
    return [...this.#missed].map(([group, names]) =>
      names.length > 4 ? `${group}: ${names.length} rows, from ${names[0]} to ${names.at(-1)}` : `${group}: ${names.join(", ")}`,
    );
  }
}

/** Median of each contestant over rounds in which all take their turn: five, or three where one turn takes over half a second. */
export async function inTurns<Name extends string>(contestants: Contestants<Name>, expected: number): Promise<Record<Name, number>> {
  const names = Object.keys(contestants) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < (expected > 500 ? 3 : 5); round++) {
    for (const name of names) times[name].push(await contestants[name].measure());
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<Name, number>;
}

/** Ours in turns with the adapter's limit, as a share of it. */
export async function againstLimit(
  { limits }: Session,
  watch: Stopwatch,
  work: { readonly flops?: number; readonly bytes?: number },
): Promise<{ ms: number; gflops: number | null; gbps: number | null; share: number }> {
  const limit = work.flops !== undefined ? { measure: () => limits.gflops() } : { measure: () => limits.gbps() };
  const { ours, best } = await inTurns({ ours: watch, best: limit }, watch.expected);
  const rate = (work.flops ?? work.bytes ?? 0) / ours / 1e6;
  const [gflops, gbps] = [work.flops !== undefined ? rate : null, work.flops === undefined && work.bytes !== undefined ? rate : null];
  return { ms: ours, gflops, gbps, share: rate / best };
}
