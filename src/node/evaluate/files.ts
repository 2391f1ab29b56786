/** An evaluation's files: the numbers as JSON, the charts beside it. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileProblemOr } from "../files/file-problem.js";
import { UserError } from "../../errors.js";
import { writeFileAtomic } from "../files/atomic-file.js";
import type { TrainHooks } from "../../train/run/events.js";
import { openRun } from "../files/run-folder.js";
import { barsSvg, rocSvg } from "../../evaluate/charts.js";
import { type EvaluateRequest, evaluateRuns } from "./evaluate.js";
import { type Report, textTable } from "../../evaluate/report.js";

/** What an evaluation wrote. */
export interface Evaluated {
  readonly report: Report;
  /** For a terminal. */
  readonly table: string;
  /** Names of the files written, all in the folder of `json`. */
  readonly files: readonly string[];
}

/**
 * On several ranks all measure, and rank 0 alone writes.
 * @param json Where the numbers go.
 * @throws UserError as `evaluateRuns`, and where nothing can be written there: that is found out before anything is measured
 */
export async function evaluateToFiles(request: EvaluateRequest, json: string, hooks: TrainHooks): Promise<Evaluated> {
  if (!json.endsWith(".json")) throw new UserError(`--json ${json}: the name must end in .json`);
  for (const run of request.runs) await openRun(run);
  const folder = dirname(json);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new UserError(`${folder} cannot be written to: ${fileProblemOr(error)}`);
  }
  const report = await evaluateRuns(request, hooks);
  const write = (name: string, contents: string): string => {
    if (request.world && request.world.rank > 0) return name;
    try {
      writeFileAtomic(join(folder, name), contents);
    } catch (error) {
      throw new UserError(`${join(folder, name)} cannot be written: ${fileProblemOr(error)}`);
    }
    return name;
  };
  const files = [
    write(basename(json), `${JSON.stringify({ format: "petalgrad evaluation 1", ...report }, null, 1)}\n`),
    write("bars.svg", barsSvg(report)),
    ...(report.curves.length > 0 ? [write("roc.svg", rocSvg(report.curves))] : []),
  ];
  return { report, table: textTable(report), files };
}
