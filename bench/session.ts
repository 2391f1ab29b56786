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

/** What each contestant measured, round by round. */
export class Turns<Name extends string> {
  constructor(private readonly rounds: readonly Readonly<Record<Name, number>>[]) {}

  median(name: Name): number {
    return median(this.rounds.map((round) => round[name]));
  }

  /** Median of the rounds' quotients: what slows a whole round down, such as another program on the machine, does not count. */
  ratio(name: Name, to: Name): number {
    return median(this.rounds.map((round) => round[name] / round[to]));
  }
}

/** Rounds in which all take their turn: five, or three where one turn takes over half a second. */
export async function inTurns<Name extends string>(contestants: Contestants<Name>, expected: number): Promise<Turns<Name>> {
  const names = Object.keys(contestants) as Name[];
  const rounds: Record<Name, number>[] = [];
  for (let round = 0; round < (expected > 500 ? 3 : 5); round++) {
    const times = {} as Record<Name, number>;
    for (const name of names) times[name] = await contestants[name].measure();
    rounds.push(times);
  }
  return new Turns(rounds);
}

/** The contestant measured again and again for so long, and the mean: what is over in a moment does not see what slows a long step. */
export const lasting = (contestant: { measure(): Promise<number> }, milliseconds: number) => ({
  async measure(): Promise<number> {
    const times: number[] = [];
    const end = performance.now() + milliseconds;
    do times.push(await contestant.measure());
    while (performance.now() < end);
    return times.reduce((sum, time) => sum + time, 0) / times.length;
  },
});

/** Ours in turns with the adapter's limit, as a share of it. */
export async function againstLimit(
  { limits }: Session,
  watch: Stopwatch,
  work: { readonly flops?: number; readonly bytes?: number },
): Promise<{ ms: number; gflops: number | null; gbps: number | null; share: number }> {
  const [limit, best] = work.flops !== undefined ? [limits.arithmetic, limits.flops] : [limits.copy, limits.bytes];
  const turns = await inTurns({ ours: watch, limit }, watch.expected);
  const ms = turns.median("ours");
  const amount = work.flops ?? work.bytes ?? 0;
  const rate = amount / ms / 1e6;
  const [gflops, gbps] = [work.flops !== undefined ? rate : null, work.flops === undefined && work.bytes !== undefined ? rate : null];
  return { ms, gflops, gbps, share: (amount / best) * turns.ratio("limit", "ours") };
}
