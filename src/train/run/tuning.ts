/** Tuning as trainings and drawings use it: winners in a cache that all share, a run's decisions in its own store. */
import type { Device } from "../../gpu/device.js";
import { Tuner } from "../../gpu/tuner.js";
import type { TuningStore } from "../../gpu/tuning-file.js";
import type { TrainHooks } from "./events.js";
import { TUNING_NAME } from "./names.js";
import type { TuneMode } from "./options.js";
import { shareStore } from "./ranks.js";
import { MemoryStore, pathIn, type RunStore } from "./store.js";
import type { World } from "./world.js";

/** Gives the device a tuner, unless the mode is "off". With a run, its own decisions count first and are kept in its store. */
export function installTuner(
  device: Device,
  mode: TuneMode,
  onEvent: TrainHooks["onEvent"],
  cache: RunStore | undefined,
  run?: Pick<RunStore, "path" | "read" | "write">,
): void {
  if (mode === "off") return;
  device.tuner = new Tuner(device, {
    mode,
    ...(cache && { cache: tuningIn(cache) }),
    ...(run && { run: tuningIn(run) }),
    onProgress: ({ done, total, seconds }) => {
      const kernels = total === 1 ? "1 kernel" : `${total} kernels`;
      const limit = seconds === undefined ? "" : ` (at most ${seconds} s; the rest another time)`;
      if (done === 0) onEvent({ kind: "message", text: `tuning ${kernels}${limit}` });
      onEvent({ kind: "work", what: "tuning", unit: "kernels", done, total });
    },
    onWarning: (text) => onEvent({ kind: "warning", text }),
  });
}

/**
 * Gives the device of each rank a tuner by what rank 0's cache knows, with the rule for the rest. Ranks that compile what their own pieces of
 * the work need cannot share the winners of races; so there are none, and all choose alike.
 */
export async function installKnown(
  device: Device,
  mode: TuneMode,
  onEvent: TrainHooks["onEvent"],
  cache: RunStore,
  world: World,
): Promise<void> {
  if (world.size === 1) return installTuner(device, mode, onEvent, cache);
  const known = await shareStore(world, cache).read(TUNING_NAME);
  if (mode === "off") return;
  const copy = new MemoryStore(cache.path);
  if (known) await copy.write(TUNING_NAME, known);
  const onWarning = (text: string): void => onEvent({ kind: "warning", text });
  device.tuner = new Tuner(device, { mode: "cached", budget: 0, cache: tuningIn(copy), onWarning });
}

/** The file of tuning in a store. */
export function tuningIn(store: Pick<RunStore, "path" | "read" | "write">): TuningStore {
  return {
    name: pathIn(store, TUNING_NAME),
    read: async () => {
      const bytes = await store.read(TUNING_NAME);
      return bytes && new TextDecoder().decode(bytes);
    },
    write: (text) => store.write(TUNING_NAME, text),
  };
}
