/** Commands whose work several ranks share, started by mpirun or srun: their options, and the world around their work. */
import { UserError } from "../errors.js";
import { findLauncher } from "../node/distributed/launcher.js";
import { leaveWorld, openWorld } from "../node/distributed/open.js";
import type { OptionsOf, OptionTable } from "../option-spec.js";
import { GROUPS } from "../train/run/options.js";
import type { World } from "../train/run/world.js";
import type { Context } from "./command.js";
import type { Output } from "./progress.js";
import { packageVersion } from "./version.js";

/** How ranks find one another. */
export const RANK_OPTIONS = {
  mpiLibrary: {
    type: "text",
    placeholder: "FILE",
    description: "the MPI library, where it is not the usual one of mpirun or srun",
    defaultText: "by who started the ranks",
    group: GROUPS.ranks,
  },
  rankTimeout: {
    type: "integer",
    min: 1,
    max: 86_400,
    default: 300,
    description: "so many seconds a rank waits for the others before it ends all",
    group: GROUPS.ranks,
  },
} as const satisfies OptionTable;

/** How ranks add up gradients. */
export const SUM_OPTIONS = {
  orderedSum: {
    type: "flag",
    default: false,
    description: "add up in the order of the ranks, so that the bits do not depend on the MPI library",
    group: GROUPS.ranks,
  },
  wire: {
    type: "choice",
    choices: ["f32", "f16"],
    default: "f32",
    description: "gradients travel as they are, or in halves (half the bytes; sums are f32 all the same)",
    group: GROUPS.ranks,
  },
} as const satisfies OptionTable;

/** What is given of them. */
export type RankWords = Partial<OptionsOf<typeof RANK_OPTIONS> & OptionsOf<typeof SUM_OPTIONS>>;

/** A rank's place, and where it shows what it does. */
export interface RankContext extends Context {
  readonly world: World;
  readonly progress: Output;
}

/**
 * Works in the world that the launcher made, or alone. Ranks other than 0 print nothing.
 * @param work Must leave no device behind.
 */
export async function inWorld(given: RankWords, context: Context, work: (context: RankContext) => Promise<void>): Promise<void> {
  const world = await openWorld({
    library: given.mpiLibrary,
    timeout: given.rankTimeout,
    ordered: given.orderedSum,
    halves: given.wire === "f16",
    version: packageVersion(),
    warn: (text) => context.stderr.write(`petalgrad: ${text}\n`),
  });
  const first = world.rank === 0;
  // Launchers hand ranks what looks like a terminal and is none.
  const lines: Output = { write: (text) => first && context.stderr.write(text) };
  await work({
    ...context,
    world,
    progress: world.size === 1 ? context.stderr : lines,
    print: first ? context.print : () => undefined,
    catchInterrupt: (notice) => context.catchInterrupt(first ? notice : undefined),
  });
  // Without limit: rank 0 may have much to write.
  await world.barrier("the end", "endless");
  await leaveWorld();
}

/** For what one process does alone: started as several, it would be done several times. @throws UserError */
export function refuseRanks(what: string): void {
  const launcher = findLauncher();
  if (launcher && launcher.size > 1) throw new UserError(`${what} works alone: start it without ${launcher.name}`);
}
