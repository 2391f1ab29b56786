/**
 * An ablation's measures, kept beside its printed page as one JSON file a seed. Seeds and variants that were trained on other days or
 * machines with the same settings count in the page's table too.
 *
 *     docs/results/petals-small.md
 *     docs/results/petals-small-seed-0.json
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileProblemOr } from "../files/file-problem.js";
import { UserError } from "../../errors.js";
import { writeFileAtomic } from "../files/atomic-file.js";
import { TRAIN_OPTIONS } from "../../train/gan/options.js";
import { toJson } from "../../train/run/saved-options.js";
import type { AblationRequest } from "./ablation-plan.js";
import type { Report } from "../../evaluate/report.js";

const FORMAT = "petalgrad ablation 1";

/** All that must be the same for seeds to be comparable, as JSON. Where data and files lie does not matter; what is in them does. */
export type Settings = Readonly<Record<string, unknown>>;

export function settingsOf({ given, styleSteps, samples, zeroShot }: Omit<AblationRequest, "folder" | "seeds" | "variants">): Settings {
  const { dataDir: _place, textEncoder, ...options } = given;
  // What is no file is a word, or refused by the training.
  const file = textEncoder && existsSync(textEncoder) ? createHash("sha256").update(readFileSync(textEncoder)).digest("hex") : undefined;
  const encoder = file ?? textEncoder ?? null;
  // By its recipe's name: reports from before recipes are of other defaults (a transposed generator, separate batches), and do not count.
  const recipe = given.recipe ?? TRAIN_OPTIONS.recipe.default;
  return { ...toJson(TRAIN_OPTIONS, options), recipe, textEncoder: encoder, styleSteps, samples, zeroShot };
}

/**
 * Writes the reports of the seeds just measured; curves are left out, which the page does not show. Columns of other variants, measured
 * before with these settings, stay.
 */
export function keepReports(folder: string, name: string, settings: Settings, reports: ReadonlyMap<number, Report>): void {
  const before = keptReports(folder, name, settings);
  try {
    mkdirSync(folder, { recursive: true });
    for (const [seed, report] of reports) {
      const others = before.get(seed)?.columns.filter(({ label }) => report.columns.every((column) => column.label !== label)) ?? [];
      const kept = { format: FORMAT, settings, seed, report: { ...report, columns: [...report.columns, ...others], curves: [] } };
      writeFileAtomic(join(folder, `${name}-seed-${seed}.json`), `${JSON.stringify(kept, null, 1)}\n`);
    }
  } catch (error) {
    throw new UserError(`${folder} cannot be written to: ${fileProblemOr(error)}`);
  }
}

/**
 * The reports of all seeds that are kept there with these settings, by seed.
 * @throws UserError for a file that is none of these reports, or in the place of the folder
 */
export function keptReports(folder: string, name: string, settings: Settings): Map<number, Report> {
  const reports = new Map<number, Report>();
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw new UserError(`--results ${folder} is a file; name the folder of the printed pages, such as docs/results`);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  for (const file of files.filter((f) => f.startsWith(`${name}-seed-`) && f.endsWith(".json"))) {
    const path = join(folder, file);
    const kept = readKept(path);
    if (canonical(kept.settings) === canonical(settings)) reports.set(kept.seed, kept.report);
  }
  return new Map([...reports].sort(([a], [b]) => a - b));
}

function readKept(path: string): { settings: Settings; seed: number; report: Report } {
  try {
    const kept = JSON.parse(readFileSync(path, "utf8")) as { format?: unknown; settings: Settings; seed: number; report: Report };
    if (kept.format === FORMAT && Number.isInteger(kept.seed) && Array.isArray(kept.report.columns)) return kept;
  } catch {
    // Said below.
  }
  throw new UserError(`${path} is no report of an ablation, or damaged: remove it, its seed is then measured anew or left out`);
}

/** JSON in which the order of keys does not matter. */
const canonical = (settings: Settings): string => JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
