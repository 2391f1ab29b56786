/** `npm run bench -- --ranks 1,2,4`: starts ranks on this machine, has them measure, and holds the model against what they measured. */
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { UserError } from "../src/errors.js";
import { findMpirun } from "../src/cli/driver.mjs";
import { launcherWords } from "../scripts/train-mpi.mjs";
import { PRESET_VALUES, type PresetName } from "../src/train/gan/presets.js";
import { errors, fitStep, fitSum, type StepModel, type SumModel, sumSeconds } from "./ranks-model.js";
import type { RanksResult, RanksTask } from "./ranks-program.js";

export interface RanksRequest {
  readonly ranks: readonly number[];
  readonly preset: PresetName;
  /** The launcher's file; by default what this machine has. */
  readonly mpirun?: string | undefined;
}

/** What was measured, and the model of it. */
export interface RanksReport {
  readonly date: string;
  readonly cores: number;
  readonly mpirun: string;
  readonly preset: PresetName;
  readonly results: readonly RanksResult[];
  readonly model: { readonly step: StepModel; readonly sum: SumModel };
}

export const MEGABYTES = [1, 4, 16, 64, 100] as const;
/** Measured steps. */
const STEPS = 5;
/** Without an answer for so long the ranks are ended, in ms. */
const PATIENCE = 20 * 60_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, and no longer than it may. @param env Beside this process's own. */
export function ended(
  file: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  patience = PATIENCE,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, words, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], timeout: patience });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

const program = fileURLToPath(new URL("ranks-program.ts", import.meta.url));
export const programWords = (task: RanksTask): string[] => [process.execPath, "--import", "tsx", program, JSON.stringify(task)];

/** @throws UserError where the ranks said nothing */
export function resultOf({ out, err, code }: Ended): RanksResult {
  const line = out.split("\n").find((text) => text.startsWith("{"));
  if (line !== undefined) return JSON.parse(line) as RanksResult;
  const why = err.split("\n").filter((text) => text.trim() !== "").slice(-3).join("; "); // prettier-ignore
  throw new UserError(`the ranks ended with ${code ?? "a signal"} and measured nothing: ${why}`);
}

/** The rows that are measured with so many ranks: the whole batch on each (weak scaling), and its part (strong). One shows how rows count. */
export const rowsFor = (batch: number, ranks: number): number[] =>
  ranks === 1 ? [batch, batch / 2, batch / 4] : [batch, Math.max(1, Math.floor(batch / ranks))];

/** @param tell Is given lines as they come. @throws UserError where there is no launcher */
export async function benchRanks({ ranks, preset, mpirun: asked }: RanksRequest, tell: (line: string) => void): Promise<RanksReport> {
  const found = findMpirun();
  const mpirun = asked ?? found["Open MPI"] ?? found.MPICH ?? "mpirun";
  const version = await ended(mpirun, ["--version"]).catch(() => undefined);
  if (!version) throw new UserError(`${mpirun} was not found: install Open MPI or MPICH, or name it by --mpirun FILE`);
  const family = /open ?mpi|openrte/i.test(version.out) ? "Open MPI" : "other";
  const cores = cpus().length;
  const { batch } = PRESET_VALUES[preset];
  const results: RanksResult[] = [];
  for (const count of ranks) {
    const task = { megabytes: MEGABYTES, preset, rows: rowsFor(batch, count), steps: STEPS };
    const words = [...launcherWords({ family, ranks: count, cores, root: process.getuid?.() === 0 }), ...programWords(task)];
    // A software adapter's threads: the cores are shared out, as cards would be.
    const threads = String(Math.max(1, Math.floor(cores / count)));
    const result = resultOf(await ended(mpirun, words, { LP_NUM_THREADS: threads }));
    results.push(result);
    if (results.length === 1) tell(`adapter of each rank: ${result.adapter}; gradients a step of ${preset}: ${megabytes(result.bytes)}`);
    if (count > cores)
      tell(`${count} ranks on ${cores} cores take each other's time: with a software adapter this measures the overhead only.`);
    for (const line of lines(result, batch)) tell(line);
  }
  const report = { date: new Date().toISOString().slice(0, 16).replace("T", " "), cores, mpirun, preset, results, model: modelOf(results) };
  for (const line of modelLines(report)) tell(line);
  return report;
}

export function modelOf(results: readonly RanksResult[]): RanksReport["model"] {
  const sums = results.flatMap(({ ranks, sums: all }) => all.map((sum) => ({ ranks, ...sum })));
  // Where ranks share cores, each has fewer: computing is one rank's own on the whole machine, as far as that was measured.
  const fewest = Math.min(...results.map(({ ranks }) => ranks));
  const alone = results.filter(({ ranks }) => ranks === fewest).flatMap(({ steps }) => steps);
  return { step: fitStep(alone.map(({ rows, compute }) => ({ rows, seconds: compute }))), sum: fitSum(sums) };
}

const ms = (seconds: number): string => String(Number((1000 * seconds).toPrecision(3)));
const megabytes = (bytes: number): string => `${Number((bytes / 1e6).toPrecision(2))} MB`;
/** The share of a step that is neither computing nor hidden behind it. */
export const waiting = (seconds: number, compute: number): number => Math.max(0, 1 - compute / seconds);
const percent = (share: number): string => `${Math.round(100 * share)} %`;

function lines({ ranks, sums, steps }: RanksResult, batch: number): string[] {
  const head = `${ranks} ${ranks === 1 ? "rank " : "ranks"}`;
  return [
    ...sums.map(({ bytes, seconds }) => `${head}  sum, GPU to GPU    ${megabytes(bytes).padStart(7)}  ${ms(seconds).padStart(6)} ms`),
    ...steps.map(({ rows, seconds, compute }) => {
      const kind = ranks === 1 ? "step" : rows === batch ? "step, weak" : "step, strong";
      const rate = ((rows * ranks) / seconds).toPrecision(3);
      const waits = ranks === 1 ? "" : `  waiting ${percent(waiting(seconds, compute))} of it`;
      return `${head}  ${kind.padEnd(17)}  ${String(rows * ranks).padStart(3)} images  ${ms(seconds).padStart(6)} ms  ${rate} images/s${waits}`;
    }),
  ];
}

/** The model's numbers, and how far it is from what was measured. */
export function modelLines({ results, model, preset }: Pick<RanksReport, "results" | "model" | "preset">): string[] {
  const { sum } = model;
  const sums = results.flatMap(({ ranks, sums: all }) =>
    all.map(({ bytes, seconds }) => [ranks === 1 ? sum.hostPerByte * bytes : sumSeconds(sum, ranks, bytes), seconds] as const),
  );
  const several = results.filter(({ ranks }) => ranks > 1);
  const steps = several.flatMap(({ ranks, bytes, steps: all }) =>
    // By the computing that was measured, since the ranks of one machine share its cores.
    all.map(({ seconds, compute }) => [compute + sumSeconds(sum, ranks, bytes), seconds] as const),
  );
  const [ofSums, ofSteps] = [errors(sums), errors(steps)];
  const rate = (perByte: number): string => (perByte > 0 ? `${(1e-9 / perByte).toPrecision(2)} GB/s` : "no limit seen");
  return [
    `model: ${ms(sum.latency)} ms a message, ${rate(sum.perByte)} between ranks, ${rate(sum.hostPerByte)} from device to host and back`,
    `model against sums: off by ${percent(ofSums.median)} (median), ${percent(ofSums.most)} at most`,
    ...(steps.length > 0
      ? [
          `model against steps of ${preset}, computing as measured: off by ${percent(ofSteps.median)} (median), ${percent(ofSteps.most)} at most`,
        ]
      : []),
  ];
}
