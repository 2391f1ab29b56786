/**
 * Trains on several ranks of this machine: `npm run train:mpi -- -n 2 --dataset flowers ...`. npm has set up once before; each rank is then
 * `node` itself, since `mpirun npm run train` would set up on every rank at once.
 *
 *   -n N           how many ranks (default 2)
 *   --mpirun FILE  another launcher than the mpirun that is found first
 *
 * All other words are those of `train`.
 */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The words of the launcher's call.
 * @param {{ family: "Open MPI" | "other", ranks: number, cores: number, root: boolean }} how
 * @returns {string[]}
 */
export function launcherWords({ family, ranks, cores, root }) {
  const words = ["-n", String(ranks)];
  if (family !== "Open MPI") return words;
  // It would bind a rank to one core where there are one or two.
  words.push("--bind-to", "none");
  if (root) words.push("--allow-run-as-root");
  if (ranks > cores) words.push("--oversubscribe");
  return words;
}

/**
 * Takes our own words out.
 * @param {readonly string[]} words
 * @returns {{ ranks: number, mpirun: string, rest: string[] }}
 */
export function takeOwn(words) {
  const rest = [...words];
  /** @param {string} name */
  const take = (name) => {
    const at = rest.indexOf(name);
    return at < 0 ? undefined : (rest.splice(at, 2)[1] ?? "");
  };
  const ranks = take("-n") ?? "2";
  if (!/^[1-9]\d*$/.test(ranks)) throw new Error(`-n takes the number of ranks, not "${ranks}"`);
  return { ranks: Number(ranks), mpirun: take("--mpirun") ?? "mpirun", rest };
}

function main() {
  const { ranks, mpirun, rest } = takeOwn(process.argv.slice(2));
  const version = spawnSync(mpirun, ["--version"], { encoding: "utf8" });
  if (version.error)
    throw new Error(
      `${mpirun} was not found: install Open MPI or MPICH (Debian: apt-get install openmpi-bin), or name it by --mpirun FILE`,
    );
  const family = /Open MPI/i.test(version.stdout) ? "Open MPI" : "other";
  const words = launcherWords({ family, ranks, cores: availableParallelism(), root: process.getuid?.() === 0 });
  const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
  const result = spawnSync(mpirun, [...words, process.execPath, "--import", "tsx", main, "train", ...rest], { stdio: "inherit" });
  process.exitCode = result.status ?? 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    main();
  } catch (error) {
    process.stderr.write(`petalgrad: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
