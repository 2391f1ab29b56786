/** Times the GEMM core, alone or in turns with a peer, one row a problem. */
import { gemmVariants } from "../kernels/gemm.js";
import type { Device } from "../src/gpu/device.js";
import { type Case, gemmCases } from "./gemm-cases.js";
import type { Peer } from "./peers.js";
import type { Row } from "./report.js";
import { median, Peak, Timer } from "./timing.js";

const ROUNDS = 5;

export interface GemmOptions {
  /** Part of a case's suite and name, such as "deconv5" or "width 16"; empty for all. */
  readonly filter: string;
  /** Time every variant that the adapter runs, instead of the one the rule prefers. */
  readonly allVariants: boolean;
  /** Take turns with this peer; cases it does not have are left out. */
  readonly peer?: Peer;
}

/** Yields each row as it is measured. */
export async function* benchGemm(device: Device, options: GemmOptions): AsyncGenerator<Row> {
  const cases = gemmCases().filter((c) => `${c.suite} ${c.name}`.includes(options.filter) && (!options.peer || c.suite !== "width 16"));
  const peak = await Peak.create(device);
  for (const c of cases) {
    const variants = options.allVariants ? gemmVariants(device.traits) : [undefined];
    for (const variant of variants) yield await timeCase(device, c, variant, peak, options.peer);
  }
}

async function timeCase(device: Device, c: Case, variant: string | undefined, peak: Peak, peer?: Peer): Promise<Row> {
  const lowering = c.lower(device.traits, variant);
  const timer = await Timer.create(device, lowering, c.inputs, c.output);
  const [ours, theirs, limits]: [number[], number[], number[]] = [[], [], []];
  try {
    await peer?.prepare(c.problem);
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await timer.measure());
      limits.push(await peak.measure());
      if (peer) theirs.push(await peer.measure());
    }
  } finally {
    timer.destroy();
  }
  const ms = median(ours);
  const gflops = c.flops / ms / 1e6;
  return {
    suite: c.suite,
    name: c.name,
    shape: c.shape,
    // A kernel's name is its problem, then variant and tile.
    variant: variant ?? /(subgroup|outer|tiled|naive).*/.exec(lowering.launches[0]!.kernel.name)?.[0] ?? "",
    ms,
    gflops,
    share: gflops / median(limits),
    adapter: device.description,
    ...(peer && { peer: peer.name, peerMs: median(theirs), ratio: median(theirs) / ms }),
  };
}
