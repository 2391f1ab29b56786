/** Data that have moved since a training was begun. */
import { isDatasetName } from "../../data/dataset-names.js";

/**
 * What is given to a training that goes on: another folder than it was begun with says where the data set has moved, as `dataDir` does. The
 * training keeps the data set's name, by which caches know it.
 */
export function withMovedData<Given extends { readonly dataset?: string | undefined; readonly dataDir?: string | null | undefined }>(
  given: Given,
  saved: { readonly dataset: string; readonly dataDir: string | null },
): Given {
  const { dataset, ...others } = given;
  if (dataset === undefined || isDatasetName(saved.dataset) || isDatasetName(dataset)) return given;
  if (dataset === saved.dataset && saved.dataDir === null) return given;
  return { ...others, dataDir: given.dataDir ?? dataset } as Given;
}
