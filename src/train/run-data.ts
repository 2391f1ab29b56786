/** The data set of a run. */
import type { Dataset } from "../data/dataset.js";
import { openDataset } from "../data/open.js";
import type { TrainHooks } from "./hooks.js";
import type { TrainOptions } from "./options.js";

/**
 * Opens it as training did, preparing what is missing.
 * @param onWork Called when it begins to take time.
 */
export async function openData(
  options: Pick<TrainOptions, "dataset" | "imageSize" | "dataDir" | "captions">,
  { onEvent, signal }: TrainHooks,
  onWork: () => void = () => undefined,
): Promise<Dataset> {
  return openDataset(options.dataset, {
    size: options.imageSize,
    ...(options.dataDir !== null && { dataDir: options.dataDir }),
    ...(options.captions !== null && { captions: options.captions }),
    signal,
    onMessage: (text) => onEvent({ kind: "message", text }),
    onProgress: ({ phase, done, total, what }) => {
      onWork();
      const task = phase === "download" ? ({ what, unit: "B" } as const) : ({ what: `preparing ${what}`, unit: "images" } as const);
      onEvent({ kind: "work", ...task, done, ...(total !== undefined && { total }) });
    },
  });
}
