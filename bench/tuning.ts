/** What tuning gains: the kernels that win the tuner's races against those that the rule chooses, timed in turns. */
import type { Device } from "../src/gpu/device.js";
import { Tuner } from "../src/gpu/tuner.js";
import { type Case, gemmCases } from "./gemm-cases.js";
import { median, Timer } from "./timing.js";

const ROUNDS = 7;

/** Tunes each case whose suite and name contain `filter`, as `--tune full` does, and prints a line for each and the gain of each suite. */
export async function benchTuning(device: Device, filter: string, print: (line: string) => void): Promise<void> {
  const cases = gemmCases().filter((c) => `${c.suite} ${c.name}`.includes(filter));
  const tuner = new Tuner(device, { mode: "full" });
  const totals = new Map<string, { rule: number; winner: number }>();
  for (const c of cases) {
    const { rule, winner, names } = await timeCase(device, tuner, c);
    const total = totals.get(c.suite) ?? { rule: 0, winner: 0 };
    totals.set(c.suite, { rule: total.rule + rule, winner: total.winner + winner });
    const [from, to] = names;
    const change = from === to ? `${from} stays` : `${from} -> ${to}`;
    print(`${`${c.suite} ${c.name}`.padEnd(38)} ${rule.toFixed(2).padStart(8)} ms  ${(rule / winner).toFixed(2)} times as fast: ${change}`);
  }
  for (const [suite, { rule, winner }] of totals)
    print(`${suite}, all: ${rule.toFixed(1)} ms by rule, ${winner.toFixed(1)} ms tuned, ${(rule / winner).toFixed(2)} times as fast`);
}

/** Milliseconds of the rule's choice and of the winner. */
async function timeCase(
  device: Device,
  tuner: Tuner,
  c: Case,
): Promise<{ rule: number; winner: number; names: readonly [string, string] }> {
  const lowering = c.lower(device.traits);
  const tuning = lowering.tuning!;
  const tunable = { tuning, inputs: c.inputs, outputs: [c.output], lower: (name: string) => c.lower(device.traits, name) };
  const choice = (await tuner.choose([tunable])).get(tuning.problem)!;
  const names = [tuning.candidates[0]!, choice] as const;
  const timers = [
    await Timer.create(device, lowering, c.inputs, c.output, 40),
    await Timer.create(device, c.lower(device.traits, choice), c.inputs, c.output, 40),
  ] as const;
  const [rule, winner]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    rule.push(await timers[0].measure());
    winner.push(await timers[1].measure());
  }
  for (const timer of timers) timer.destroy();
  return { rule: median(rule), winner: median(winner), names };
}
