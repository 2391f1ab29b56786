/** `petalgrad evaluate`: every measure on the generators of some runs, with the networks that look kept in the user's cache folder. */
import { UserError } from "../../errors.js";
import { evaluate, type Questions } from "../../evaluate/evaluate.js";
import type { Report } from "../../evaluate/report.js";
import { openDevice } from "../../gpu/device.js";
import type { TrainOptions } from "../../train/gan/options.js";
import type { TrainHooks } from "../../train/run/events.js";
import { firstOfEachMachine, shareStore } from "../../train/run/ranks.js";
import { ALONE, type World } from "../../train/run/world.js";
import { openRun } from "../files/run-folder.js";
import { openData } from "../datasets/run-data.js";
import { cacheFolder } from "../files/cache-folder.js";
import { withAbsolutePaths } from "../files/paths.js";
import { openRuns } from "./runs.js";

/** Which runs are evaluated, and how far. */
export interface EvaluateRequest extends Questions {
  /** Folders of runs on one data set, each with columns of its own. */
  readonly runs: readonly string[];
  /** Where the data set lies now, if not where the runs found it. */
  readonly dataDir?: string;
  /** The ranks that share the work, all of which can read the runs' folders. By default one. */
  readonly world?: World;
}

/**
 * @throws UserError where a folder holds no run or no checkpoint, or the runs are of different data sets; the signal's reason when aborted
 */
export async function evaluateRuns(request: EvaluateRequest, hooks: TrainHooks): Promise<Report> {
  // Runs of earlier versions hold paths as they were typed.
  const options = await Promise.all(request.runs.map(async (path) => withAbsolutePaths(await (await openRun(path)).readConfig())));
  refuseUnfit(request.runs, options);
  const device = await openDevice();
  try {
    const { dataDir, world = ALONE } = request;
    const data = { ...options[0]!, ...(dataDir !== undefined && { dataDir }) };
    const dataset = await firstOfEachMachine(world, "the data set", () => openData(data, hooks));
    const laboratory = { device, dataset, store: shareStore(world, cacheFolder()), world };
    return await evaluate(laboratory, openRuns(device, request.runs, dataset, hooks, world), request, hooks);
  } finally {
    device.destroy();
  }
}

/** Columns of one table must be answers to the same questions, and every run must be able to answer them. */
function refuseUnfit(runs: readonly string[], options: readonly TrainOptions[]): void {
  const twice = runs.find((run, i) => runs.indexOf(run) < i);
  if (twice !== undefined) throw new UserError(`${twice} is given twice`);
  const given = options.findIndex(({ embeddings }) => embeddings !== null);
  if (given >= 0)
    throw new UserError(`${runs[given]} was trained on given embeddings: there is no text encoder to draw the data set's captions with`);
  const first = options[0]!;
  const names = { dataset: "data set", imageSize: "image size", captions: "captions" } as const;
  for (const key of Object.keys(names) as (keyof typeof names)[]) {
    const other = options.findIndex((o) => o[key] !== first[key]);
    if (other < 0) continue;
    const [its, theirs] = [options[other]![key] ?? "the default", first[key] ?? "the default"];
    throw new UserError(`${runs[other]} cannot stand beside ${runs[0]}: its ${names[key]} is ${its}, not ${theirs}`);
  }
}
