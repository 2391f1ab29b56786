/** `petalgrad reproduce`: from the ablation's request to its printed page. */
import { typed } from "../../command-line.js";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openDevice } from "../../gpu/device.js";
import { typedOption } from "../../option-spec.js";
import type { TrainHooks } from "../../train/run/events.js";
import { MODEL_NAME } from "../../train/run/names.js";
import { VARIANTS } from "../../train/gan/options.js";
import { resolveOptions } from "../../train/gan/resolve-options.js";
import { runAblation } from "./ablation.js";
import { changesOf } from "./ablation-changes.js";
import { comparison, overSeeds, seedsOfVariants, seedsText, writePage } from "./ablation-page.js";
import { keepReports, keptReports, settingsOf } from "./ablation-reports.js";
import { type AblationRequest, ablationRuns } from "./ablation-plan.js";

/**
 * Trains and measures what is missing, then writes the page, from these runs and from the measures that are kept beside it.
 * @param results Folder of the printed pages.
 * @returns where it is and what it shows, for the user: on rank 0, which writes it
 */
export async function reproduceAblation(
  request: Omit<AblationRequest, "folder"> & { readonly folder?: string },
  results: string,
  hooks: TrainHooks,
): Promise<string> {
  const { given } = request;
  const device = await openDevice();
  const options = resolveOptions(given, device.traits);
  const machine = device.description;
  device.destroy();
  const changes = changesOf(given);
  // A folder's path as a data set's name has no place in a file's.
  const dataset = options.dataset.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  const name = [dataset, options.preset, ...changes.map(([flag, value]) => `${flag}-${value}`)].join("-");
  const folder = request.folder ?? join("runs", `ablation-${name}`);
  const whole: AblationRequest = { ...request, given: { ...given, steps: options.steps }, folder };
  const settings = settingsOf(whole);
  // A damaged report is said before hours of training, not after.
  keptReports(results, name, settings);
  const measures = await runAblation(whole, hooks);
  if (request.world && request.world.rank > 0) return "";
  keepReports(results, name, settings, measures);
  const kept = keptReports(results, name, settings);
  const reports = [...kept.values()];
  const seedsOf = seedsOfVariants(reports);
  const measured = VARIANTS.filter((_, i) => seedsOf[i]! > 0);
  // What there is of the first seed, whenever it was trained.
  const pictured = ablationRuns({ ...whole, seeds: request.seeds.slice(0, 1), variants: VARIANTS }).filter(({ path }) =>
    existsSync(join(path, MODEL_NAME)),
  );
  const { styleSteps, samples } = request;
  writePage(results, {
    name,
    heading: [
      `${measured.length === VARIANTS.length ? "The four variants" : measured.map((variant) => variant.toUpperCase()).join(", ")} on ${options.dataset}, preset ${options.preset}`,
      ...changes.map(([flag, value]) => `--${flag} ${value}`),
    ].join(", "),
    command: commandOf({ ...request, variants: measured, seeds: [...kept.keys()] }),
    about:
      `${options.steps} steps of ${options.batch}, ${seedsText(reports)}, the same text encoder for ` +
      `${given.textEncoder ? "all" : "the variants of a seed"}, style encoders of ${styleSteps} steps, ${samples} captions of each split; on ${machine}.`,
    columns: overSeeds(reports),
    notes: reports[0]!.notes,
    picture: await comparison(pictured, options, hooks),
  });
  return `${join(results, `${name}.md`)}; runs and reports are in ${folder}`;
}

/** The command that makes the reports of all these seeds, but for where things lie. */
function commandOf({ given, variants, seeds, styleSteps, samples, zeroShot }: Omit<AblationRequest, "folder">): string {
  const [first = 0] = seeds;
  const [variant] = variants;
  const which = { ...(variants.length === 1 && { variant }), seeds: seeds.length, ...(first > 0 && { firstSeed: first }) };
  const words = Object.entries({ ...given, ...which, styleSteps, samples })
    .filter(([key]) => key !== "dataDir")
    .map(([key, value]) => typedOption(key, value));
  return typed(["reproduce --what ablation", ...words, ...(zeroShot ? [] : ["--no-zero-shot"])].join(" "));
}
