/** What tuning gains: the kernels that win the tuner's races against those that the rule chooses, timed in turns. */
import { Tuner } from "../src/gpu/tuner.js";
import { type Case, gemmCases } from "./gemm-cases.js";
import { type Row, row } from "./report.js";
import { inTurns, type Session } from "./session.js";
import { Timer } from "./timing.js";

/** Tunes each case as `--tune full` does; the peer of a row is the rule's choice. */
export async function* benchTuning(session: Session, cases = gemmCases()): AsyncGenerator<Row> {
  const tuner = new Tuner(session.device, { mode: "full" });
  for (const c of cases) {
    if (!session.wants("tuning", c.suite, c.name)) continue;
    if (!(await session.allows(`tuning, ${c.suite}`, c.name, c.flops))) continue;
    yield await timeCase(session, tuner, c);
  }
}

async function timeCase({ device }: Session, tuner: Tuner, c: Case): Promise<Row> {
  const lowering = c.lower(device.traits);
  const tuning = lowering.tuning!;
  const tunable = { tuning, inputs: c.inputs, outputs: [c.output], lower: (name: string) => c.lower(device.traits, name) };
  const winner = (await tuner.choose([tunable])).get(tuning.problem)!;
  const rule = tuning.candidates[0]!;
  const timers = {
    rule: await Timer.create(device, lowering, c.inputs, c.output, 40),
    winner: await Timer.create(device, c.lower(device.traits, winner), c.inputs, c.output, 40),
  };
  const turns = await inTurns(timers, 0);
  const ms = turns.median("winner");
  for (const timer of Object.values(timers)) timer.destroy();
  return row(device, {
    ...{ suite: `tuning, ${c.suite}`, name: c.name, shape: c.shape, variant: winner === rule ? `${rule} stays` : `${rule} -> ${winner}` },
    ...{
      ms,
      gflops: c.flops / ms / 1e6,
      peer: "the rule's choice",
      ratio: turns.ratio("rule", "winner"),
      more: { peerMs: turns.median("rule") },
    },
  });
}
