/** What a device knows of tuning: problems that can be computed in several ways, and whoever chooses among these. */
import type { Lowering, Tuning } from "../../kernels/kernel.js";

/** Elements of the buffers that a race must make. */
export interface RaceSizes {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** A problem with several ways to compute it. */
export interface Tunable extends RaceSizes {
  readonly tuning: Tuning;
  lower(candidate: string): Lowering;
}

/** Chooses kernels: the tuner (tuner.ts), or a user's own. */
export interface KernelChooser {
  /** The candidate for each problem, by the problem's words. */
  choose(tunables: readonly Tunable[]): Promise<ReadonlyMap<string, string>>;
}
