/** The world that this process belongs to: that of its launcher, or itself alone, for which nothing is loaded. */
import { hostname } from "node:os";
import { reasonOf, UserError } from "../../errors.js";
import { requireSame } from "../../train/run/ranks.js";
import { ALONE, type World } from "../../train/run/world.js";
import { findLauncher, type Launcher, librariesOf } from "./launcher.js";
import { loadLibrary, type MpiLibrary } from "./library.js";
import { MpiWorld, type SumOptions, type WaitOptions } from "./mpi-world.js";

export interface WorldOptions extends SumOptions {
  /** The MPI library's file, where it is not the launcher's usual one. */
  readonly library?: string | undefined;
  /** So many seconds the others are waited for (default 300). */
  readonly timeout?: number | undefined;
  /** The program's version, which all ranks must have. */
  readonly version?: string | undefined;
  readonly warn: WaitOptions["warn"];
}

/** A process joins once, as MPI has it. */
let joined: MpiWorld | undefined;

/**
 * Joins the ranks that the launcher has started, or stays alone where there is none.
 * @throws UserError where the library is missing, or belongs to another launcher
 */
export async function openWorld({ library: file, timeout = 300, version, warn, ...sums }: WorldOptions): Promise<World> {
  if (joined) return joined;
  const launcher = findLauncher();
  if (!launcher && file === undefined) return ALONE;
  const library = await launchersLibrary(launcher, file);
  const world = await MpiWorld.join(library, { timeout, warn }, sums, hostname());
  joined = world;
  if (launcher && world.size !== launcher.size) {
    const way = `start by the mpirun of ${library.family}, or name the library of ${launcher.family} by --mpi-library FILE`;
    const message = `${launcher.name} started ${launcher.size} ranks, of which ${library.file} (${library.version}) sees ${world.size}: ${way}`;
    throw new UserError(message);
  }
  await requireSame(world, { ...sums, rankTimeout: timeout, version });
  return world;
}

/** @throws UserError where it is not installed */
async function launchersLibrary(launcher: Launcher | undefined, file: string | undefined): Promise<MpiLibrary> {
  const files = file !== undefined ? [file] : librariesOf(launcher!.family);
  const library = await loadLibrary(files);
  if (library) return library;
  if (file !== undefined) throw new UserError(`the MPI library ${file} was not found`);
  const debian = launcher!.family === "Open MPI" ? "libopenmpi3" : "libmpich12";
  throw new UserError(
    `${launcher!.name} started this, and no MPI library of its kind was found (${files.join(", ")}): ` +
      `install it (Debian: ${debian}), or name it by --mpi-library FILE`,
  );
}

/** Leaves the world in peace, where there is one: all ranks must do so. Devices must be destroyed before. */
export async function leaveWorld(): Promise<void> {
  await joined?.leave();
}

/** Ends all ranks, where there are others: they would wait for this one. */
export function abortWorld(code: number): void {
  joined?.abort(code);
}

/** What rank 0 also has to say it says first, and ends the others with it: so that all ranks' common mistake is told once. */
const RANK_0_SPEAKS = 3000;

/**
 * Waits until this rank is to tell of an error.
 * @returns what is told before it: "rank 1: ", where there are several
 */
export async function turnToTell(): Promise<string> {
  const rank = joined && joined.size > 1 ? joined.rank : launchedRank();
  if (rank === undefined || rank === 0) return "";
  await new Promise((resolve) => setTimeout(resolve, RANK_0_SPEAKS));
  return `rank ${rank}: `;
}

function launchedRank(): number | undefined {
  try {
    const launcher = findLauncher();
    return launcher && launcher.size > 1 ? launcher.rank : undefined;
  } catch {
    return undefined;
  }
}

/** What this machine has for several ranks: a name and its value a line. */
export async function describeRanks(): Promise<[name: string, value: string][]> {
  const launcher = findLauncher();
  const lines: [string, string][] = [
    ["launcher of ranks", launcher ? `${launcher.name}, ${launcher.size} ranks` : "none: this process was started alone"],
  ];
  for (const family of ["Open MPI", "MPICH"] as const) {
    const library = await loadLibrary(librariesOf(family), true).catch((error: unknown) => reasonOf(error));
    const found = typeof library === "object" ? `${library.file}, ${library.version}` : (library ?? "not found");
    lines.push([`library of ${family}`, found]);
  }
  return lines;
}
