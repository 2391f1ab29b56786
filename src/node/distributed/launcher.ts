/** What has started this process as one of several ranks, as its environment tells. */
import { UserError } from "../../errors.js";

/** The two families of MPI libraries: what is of one family has the same handles. */
export type Family = "Open MPI" | "MPICH";

/** Who started the ranks, and how many it says there are. */
export interface Launcher {
  /** For people: "mpirun of Open MPI". */
  readonly name: string;
  /** Whose library belongs to it. */
  readonly family: Family;
  readonly size: number;
  /** Which of them this one is. */
  readonly rank: number;
}

/**
 * The launcher, or undefined for a process that was started by itself.
 * @throws UserError where several tasks were started that know nothing of one another
 */
export function findLauncher(env: Readonly<Record<string, string | undefined>> = process.env): Launcher | undefined {
  const number = (name: string): number | undefined => (/^\d+$/.test(env[name] ?? "") ? Number(env[name]) : undefined);
  const found = (name: string, family: Family, size: number | undefined, rank: string): Launcher | undefined =>
    size === undefined ? undefined : { name, family, size, rank: number(rank) ?? 0 };
  const open = number("OMPI_COMM_WORLD_SIZE");
  if (open !== undefined) return found("mpirun of Open MPI", "Open MPI", open, "OMPI_COMM_WORLD_RANK");
  const tasks = number("SLURM_STEP_NUM_TASKS");
  const pmi = number("PMI_SIZE");
  if (pmi !== undefined) return found(tasks === undefined ? "mpirun of MPICH" : "srun --mpi=pmi2", "MPICH", pmi, "PMI_RANK");
  if (env.PMIX_RANK !== undefined) return found("srun --mpi=pmix", "Open MPI", tasks ?? number("SLURM_NTASKS"), "PMIX_RANK");
  if (tasks !== undefined && tasks > 1)
    throw new UserError(`srun started ${tasks} tasks that know nothing of one another: start them with srun --mpi=pmix (or --mpi=pmi2)`);
  return undefined;
}

/** File names of a family's libraries, the likeliest first. */
export function librariesOf(family: Family, platform: NodeJS.Platform = process.platform): readonly string[] {
  const numbers = family === "Open MPI" ? [["libmpi", 40]] : [["libmpich", 12], ["libmpi", 12]]; // prettier-ignore
  return numbers.map(([name, version]) => (platform === "darwin" ? `${name}.${version}.dylib` : `${name}.so.${version}`));
}
