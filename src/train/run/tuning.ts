/** Tuning as the commands use it: winners in the cache folder, a run's decisions in its folder. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultCacheDir } from "../../node/datasets/open.js";
import type { Device } from "../../gpu/device.js";
import { Tuner } from "../../gpu/tuner.js";
import type { TuningStore } from "../../gpu/tuning-file.js";
import { writeFileAtomic } from "../../node/files/atomic-file.js";
import type { TrainHooks } from "./events.js";
import { TUNING_NAME } from "./names.js";
import type { TuneMode } from "./options.js";
import type { RunFolder } from "./run-folder.js";

/** Gives the device a tuner, unless the mode is "off". With a run, its own decisions count first and are kept in its folder. */
export function installTuner(
  device: Device,
  mode: TuneMode,
  onEvent: TrainHooks["onEvent"],
  run?: Pick<RunFolder, "inside" | "writeFile">,
): void {
  if (mode === "off") return;
  device.tuner = new Tuner(device, {
    mode,
    cache: fileStore(join(defaultCacheDir(), TUNING_NAME)),
    ...(run && { run: fileStore(run.inside(TUNING_NAME), (text) => run.writeFile(TUNING_NAME, text)) }),
    onProgress: ({ done, total, seconds }) => {
      const kernels = total === 1 ? "1 kernel" : `${total} kernels`;
      const limit = seconds === undefined ? "" : ` (at most ${seconds} s; the rest another time)`;
      if (done === 0) onEvent({ kind: "message", text: `tuning ${kernels}${limit}` });
      onEvent({ kind: "work", what: "tuning", unit: "kernels", done, total });
    },
    onWarning: (text) => onEvent({ kind: "warning", text }),
  });
}

/** A text in a file, which is written whole or not at all. */
export function fileStore(path: string, write: (text: string) => unknown = (text) => writeFileAtomic(path, text)): TuningStore {
  return {
    name: path,
    read: async () => {
      try {
        return await readFile(path, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    write: async (text) => void (await write(text)),
  };
}
