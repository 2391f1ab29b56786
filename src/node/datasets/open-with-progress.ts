/** Opening a data set for who shows what takes time: its messages and its progress as events. */
import type { Dataset } from "../../data/dataset.js";
import type { TrainHooks } from "../../train/run/events.js";
import { openDataset } from "./open.js";
import type { OpenOptions } from "./options.js";

/**
 * `openDataset`, with events.
 * @param onWork Called whenever there is progress to tell: only then does opening take time.
 * @throws DataError as `openDataset` does; the signal's reason when aborted
 */
export const openWithProgress = (
  name: string,
  options: Omit<OpenOptions, "onMessage" | "onProgress" | "signal">,
  { onEvent, signal }: TrainHooks,
  onWork: () => void = () => undefined,
): Promise<Dataset> =>
  openDataset(name, {
    ...options,
    signal,
    onMessage: (text) => onEvent({ kind: "message", text }),
    onProgress: ({ phase, what, done, total }) => {
      onWork();
      const task =
        phase === "download"
          ? ({ what: `fetching ${what}`, unit: "B" } as const)
          : ({ what: `preparing ${what}`, unit: "images" } as const);
      onEvent({ kind: "work", ...task, done, ...(total !== undefined && { total }) });
    },
  });
