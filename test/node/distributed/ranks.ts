/**
 * Programs on several ranks, under the launchers of this machine. Where one is missing its tests are skipped, saying so; CI asks for them
 * (PETALGRAD_MPI=1).
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import { findMpirun } from "../../../src/cli/driver.mjs";

export type Launcher = "Open MPI" | "MPICH";
const MPIRUN = findMpirun();
const LAUNCHERS = Object.keys(MPIRUN) as Launcher[];

for (const name of LAUNCHERS) {
  if (MPIRUN[name]) continue;
  if (process.env.PETALGRAD_MPI === "1") throw new Error(`there is no mpirun of ${name}, and its tests are not to be skipped`);
  console.warn(`skipped: tests of several ranks need ${name} (Debian: apt-get install ${name === "MPICH" ? "mpich" : "openmpi-bin"})`);
}

/** Tests under each of the launchers, by default all. */
export function describeUnderMpi(name: string, tests: (launcher: Launcher) => void, launchers: readonly Launcher[] = LAUNCHERS): void {
  for (const launcher of launchers) describe.skipIf(!MPIRUN[launcher])(`${name}, ${launcher}`, () => tests(launcher));
}

/** What needs both. */
export const describeUnderBoth = describe.skipIf(LAUNCHERS.some((launcher) => !MPIRUN[launcher]));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What petalgrad itself said on stderr. */
  readonly said: readonly string[];
  /** The lines of stdout that are JSON. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly seconds: number;
}

/** The repository's folder. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * Runs a TypeScript program of the repository on `count` ranks. On MPICH's and on Open MPI's side each rank has one of lavapipe's threads.
 * @param words Its path, and what it is given.
 */
export function onRanks(launcher: Launcher, count: number, words: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const own =
    launcher === "Open MPI" ? ["--bind-to", "none", "--oversubscribe", ...(process.getuid?.() === 0 ? ["--allow-run-as-root"] : [])] : [];
  const call = [...own, "-n", String(count), process.execPath, "--import", "tsx", ...words];
  const began = performance.now();
  return new Promise((resolve, reject) => {
    // A process group of its own, and no terminal's colours.
    const child = spawn(MPIRUN[launcher]!, call, {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", LP_NUM_THREADS: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => {
      const json = stdout.split("\n").filter((line) => line.startsWith("{"));
      resolve({
        ...{ code, stdout, stderr, seconds: (performance.now() - began) / 1000 },
        said: stderr.split("\n").filter((line) => line.startsWith("petalgrad: ")),
        lines: json.map((line) => JSON.parse(line) as Record<string, unknown>),
      });
    });
  });
}
