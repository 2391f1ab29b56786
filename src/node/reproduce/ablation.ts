/**
 * `petalgrad reproduce --what ablation`: the four variants of Reed et al. 2016 (section 4) with the same seeds, steps and text encoders, a
 * style encoder for each, and every measure in one table. What is done already is left alone, so it can be stopped and gone on with.
 *
 *     FOLDER/seed-0/gan, gan-cls, gan-int, gan-int-cls     runs
 *     FOLDER/seed-0/evaluation/report.json                 their measures
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { TrainHooks } from "../../train/run/events.js";
import { madeByFirst, sharedBy } from "../../train/run/shared-work.js";
import { ALONE } from "../../train/run/world.js";
import { MODEL_NAME, STYLE_ENCODER_NAME, STYLE_FOLDER } from "../../train/run/names.js";
import { train, trainStyle } from "../train.js";
import { evaluateToFiles } from "../evaluate/files.js";
import { tellExpectation } from "./ablation-expectation.js";
import { type AblationRequest, type AblationRun, ablationRuns, hasStyle, stepsDone } from "./ablation-plan.js";
import type { Report } from "../../evaluate/report.js";

/**
 * Trains and measures what is missing. On several ranks each trains some of the runs, alone; all measure together.
 * @returns the reports by seed
 * @throws UserError where a folder holds runs with other options; the signal's reason when aborted
 */
export async function runAblation(request: AblationRequest, hooks: TrainHooks): Promise<Map<number, Report>> {
  const { folder, seeds, samples, zeroShot, sizes, world = ALONE } = request;
  const { onEvent, signal } = hooks;
  const runs = ablationRuns(request);
  if (world.rank === 0) await tellExpectation(request, runs, hooks);
  // A seed's variants share their text encoder: whole seeds, where there are enough for all ranks.
  const groups = seeds.length < world.size ? runs.map((run) => [run]) : seeds.map((seed) => runs.filter((run) => run.seed === seed));
  const shareOut = (what: string, work: (run: AblationRun) => Promise<void>): Promise<unknown> =>
    sharedBy(world)(what, groups.length, async (i) => {
      for (const run of groups[i]!) await work(run);
      return new Uint8Array();
    });
  await shareOut("runs trained", async (run) => {
    const { steps } = run.given;
    if (steps !== undefined && (await stepsDone(run.path)) >= steps) return;
    onEvent({ kind: "message", text: `run ${runs.indexOf(run) + 1} of ${runs.length}: ${run.path}` });
    await trainOn(run, hooks);
  });
  await shareOut("style encoders trained", async ({ path }) => {
    if (await hasStyle(path)) return;
    onEvent({ kind: "message", text: `style encoder of ${path}` });
    const resume = existsSync(join(path, STYLE_FOLDER, "config.json"));
    await trainStyle({ given: { steps: request.styleSteps }, run: path, resume }, hooks);
    signal.throwIfAborted();
  });
  const reports = new Map<number, Report>();
  for (const seed of seeds) {
    const own = runs.filter((run) => run.seed === seed).map(({ path }) => path);
    const json = join(folder, `seed-${seed}`, "evaluation", "report.json");
    const told = await madeByFirst(world, "reports", () =>
      new TextEncoder().encode(JSON.stringify(keptReport(json, own, request) ?? null)),
    );
    const kept = JSON.parse(new TextDecoder().decode(told)) as Report | null;
    if (!kept) onEvent({ kind: "message", text: `measuring the runs of seed ${seed}` });
    reports.set(seed, kept ?? (await evaluateToFiles({ runs: own, samples, seed: 1, zeroShot, ...sizes, world }, json, hooks)).report);
  }
  return reports;
}

async function trainOn({ path, given }: AblationRun, hooks: TrainHooks): Promise<void> {
  const begun = existsSync(join(path, "config.json"));
  await train(begun ? { given, resume: path } : { given, run: path }, hooks);
  hooks.signal.throwIfAborted();
}

/** A report of all these runs that is newer than they, and answers the same questions. */
function keptReport(json: string, runs: readonly string[], { samples, zeroShot }: AblationRequest): Report | undefined {
  if (!existsSync(json)) return undefined;
  const time = statSync(json).mtimeMs;
  const parts = runs.flatMap((run) => [join(run, MODEL_NAME), join(run, STYLE_FOLDER, STYLE_ENCODER_NAME)]);
  if (parts.some((part) => statSync(part).mtimeMs > time)) return undefined;
  const report = JSON.parse(readFileSync(json, "utf8")) as Report;
  const whole = runs.every((run) => report.columns.some(({ label }) => label.startsWith(`${basename(run)} `)));
  const same = report.samples === samples && report.columns.some(({ values }) => "zeroShot" in values) === zeroShot;
  return whole && same ? report : undefined;
}
