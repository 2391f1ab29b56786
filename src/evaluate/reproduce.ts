/** `petalgrad reproduce`: from the ablation's request to its section in the page of results. */
import { join } from "node:path";
import { openDevice } from "../gpu/device.js";
import { flagName } from "../option-spec.js";
import type { TrainHooks } from "../train/hooks.js";
import { resolveOptions } from "../train/options.js";
import { runAblation } from "./ablation.js";
import { comparison, overSeeds, writeSection } from "./ablation-page.js";
import { keepReports, keptReports, settingsOf } from "./ablation-reports.js";
import { type AblationRequest, ablationRuns } from "./ablation-plan.js";

/**
 * Trains and measures what is missing, then writes the section, from these seeds and from those that are kept beside the page.
 * @param page Markdown file.
 * @returns where it is and what it shows, for the user
 */
export async function reproduceAblation(
  request: Omit<AblationRequest, "folder"> & { readonly folder?: string },
  page: string,
  hooks: TrainHooks,
): Promise<string> {
  const { given } = request;
  const device = await openDevice();
  const options = resolveOptions(given, device.traits);
  const machine = device.description;
  device.destroy();
  // A folder's path as a data set's name has no place in a file's.
  const name = `${options.dataset.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "")}-${options.preset}`;
  const folder = request.folder ?? join("runs", `ablation-${name}`);
  const whole: AblationRequest = { ...request, given: { ...given, steps: options.steps }, folder };
  const settings = settingsOf(whole);
  keepReports(page, name, settings, await runAblation(whole, hooks));
  const reports = keptReports(page, name, settings);
  const first = ablationRuns({ ...whole, seeds: request.seeds.slice(0, 1) });
  const { styleSteps, samples } = request;
  writeSection(page, {
    name,
    heading: `The four variants on ${options.dataset}, preset ${options.preset}`,
    command: commandOf({ ...request, seeds: [...reports.keys()] }),
    about:
      `${options.steps} steps of ${options.batch}, ${reports.size === 1 ? "one seed" : `${reports.size} seeds (means ± sample deviations over them)`}, the same text encoder for ` +
      `${given.textEncoder ? "all" : "the variants of a seed"}, style encoders of ${styleSteps} steps, ${samples} captions of each split; on ${machine}.`,
    columns: overSeeds([...reports.values()]),
    notes: [...reports.values()][0]!.notes,
    picture: {
      ...(await comparison(
        first.map(({ path }) => path),
        options,
        hooks,
      )),
      seed: first[0]!.seed,
    },
  });
  return `the section "${name}" of ${page}; runs and reports are in ${folder}`;
}

/** The command that makes the reports of all these seeds, but for where things lie. */
function commandOf({ given, seeds, styleSteps, samples, zeroShot }: Omit<AblationRequest, "folder">): string {
  const [first = 0] = seeds;
  const words = Object.entries({ ...given, seeds: seeds.length, ...(first > 0 && { firstSeed: first }), styleSteps, samples })
    .filter(([key]) => key !== "dataDir")
    .map(([key, value]) => `--${flagName(key)} ${String(value)}`);
  return ["npm run reproduce -- --what ablation", ...words, ...(zeroShot ? [] : ["--no-zero-shot"])].join(" ");
}
