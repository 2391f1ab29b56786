/** Data sets that have a name of their own; whatever else names one is a folder. */

export const DATASET_NAMES: readonly string[] = ["petals", "flowers", "birds", "coco", "coco2017"];

/** True for what is no folder. */
export const isDatasetName = (dataset: string): boolean => DATASET_NAMES.includes(dataset);
