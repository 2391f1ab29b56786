/** What an ablation consists of, and how much of it is done. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "../files/load-model.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER } from "../../train/run/names.js";
import { networkDigest } from "../../train/run/network-file.js";
import type { World } from "../../train/run/world.js";
import type { GivenOptions, Variant } from "../../train/gan/options.js";
import { openRun } from "../files/run-folder.js";
import { readStyle } from "../../train/style/file.js";
import type { EvaluateRequest } from "../evaluate/evaluate.js";
import { readPath } from "../files/read-bytes.js";

export interface AblationRequest {
  /** Options that all runs have in common, beside variant and seed. */
  readonly given: Omit<GivenOptions, "variant" | "seed">;
  readonly seeds: readonly number[];
  readonly variants: readonly Variant[];
  readonly styleSteps: number;
  readonly folder: string;
  /** Of the evaluation. */
  readonly samples: number;
  readonly zeroShot: boolean;
  /** Other sizes of the evaluation's networks, for tests. */
  readonly sizes?: Pick<EvaluateRequest, "networks" | "drawnClasses">;
  /** The ranks that share the work, with one folder for all. By default one. */
  readonly world?: World;
}

/** One of the runs. */
export interface AblationRun {
  readonly path: string;
  readonly given: GivenOptions;
  readonly seed: number;
}

/** All runs: for each seed the variants. */
export function ablationRuns({
  given,
  seeds,
  variants,
  folder,
}: Pick<AblationRequest, "given" | "seeds" | "variants" | "folder">): AblationRun[] {
  return seeds.flatMap((seed) =>
    variants.map((variant) => ({ path: join(folder, `seed-${seed}`, variant), given: { ...given, variant, seed }, seed })),
  );
}

/** GAN steps at the newest sound checkpoint; 0 where there is none. */
export async function stepsDone(path: string): Promise<number> {
  if (!existsSync(join(path, "config.json"))) return 0;
  const run = await openRun(path);
  return run.hasCheckpoint ? (await run.loadCheckpoint()).step : 0;
}

/** True where the run has a style encoder for the generator it has now; one for an earlier generator is removed. */
export async function hasStyle(path: string): Promise<boolean> {
  const file = join(path, STYLE_FOLDER, STYLE_ENCODER_NAME);
  if (!existsSync(file)) return false;
  const { generator } = await readPath(file, readStyle);
  if (generator === (await networkDigest((await loadModel(path)).generator))) return true;
  rmSync(join(path, STYLE_FOLDER), { recursive: true });
  return false;
}
