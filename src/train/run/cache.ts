/** What a run keeps for later ones, in a store that they share: files named by all that decides their contents. */
import type { Dataset } from "../../data/dataset.js";
import { Sha256 } from "../../formats/sha256.js";
import type { TrainHooks } from "./events.js";
import { pathIn, type RunStore } from "./store.js";

/** Keeps a file; where that fails, a run goes on without. */
export async function keep(
  cache: Pick<RunStore, "path" | "write">,
  name: string,
  bytes: Uint8Array,
  onEvent: TrainHooks["onEvent"],
): Promise<void> {
  try {
    await cache.write(name, bytes);
  } catch (error) {
    onEvent({ kind: "warning", text: `${pathIn(cache, name)} cannot be kept for the next run (${(error as Error).message})` });
  }
}

const digests = new WeakMap<Dataset, string>();

/** SHA-256 of all that a data set holds: changes with any image or caption. */
export function datasetDigest(dataset: Dataset): string {
  const known = digests.get(dataset);
  if (known) return known;
  const hash = new Sha256();
  hash.update(JSON.stringify([dataset.size, dataset.classes, dataset.split, dataset.alphabet]));
  for (let image = 0; image < dataset.images; image++) {
    hash.update(dataset.pixels(image));
    hash.update(JSON.stringify(dataset.captionsOf(image)));
  }
  const digest = hash.hex();
  digests.set(dataset, digest);
  return digest;
}

/** Part of a file's name: another for other values. */
export const keyOf = (...parts: unknown[]): string => new Sha256().update(JSON.stringify(parts)).hex().slice(0, 16);
