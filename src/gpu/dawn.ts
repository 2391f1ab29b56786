/**
 * Opens WebGPU: the browser's `navigator.gpu` where there is one, otherwise Dawn through the npm package `webgpu`.
 * The only file under src/gpu that may load something of Node.
 */

/** Dawn aborts the process when the object that `create()` returned is collected while its device lives: keep it for ever. */
let dawn: GPU | undefined;

/** The page's or Dawn's entry point, or undefined where neither exists. `toggles` are Dawn's, e.g. "enable-dawn-features=disable_robustness". */
export async function openGpu(toggles: readonly string[] = []): Promise<GPU | undefined> {
  const page = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (page) return page;
  if (dawn) return dawn;
  const process = (globalThis as { process?: { env: Record<string, string | undefined>; versions?: { node?: string } } }).process;
  if (!process?.versions?.node) return undefined;
  // Mesa complains on stderr about a missing runtime directory; any directory will do.
  process.env.XDG_RUNTIME_DIR ??= process.env.TMPDIR ?? "/tmp";
  // A name that bundlers do not see: in a page this package must not be resolved.
  const name = "webgpu";
  const { create, globals } = (await import(/* @vite-ignore */ name)) as { create(options: string[]): GPU; globals: object };
  Object.assign(globalThis, globals);
  dawn = create(withOurs(toggles));
  return dawn;
}

/**
 * Dawn hides `shader-f16` on NVIDIA's Vulkan drivers, since older ones had faults; nothing uses it but programs that are asked to store in
 * f16. Of several lists of features Dawn takes the last: they are joined.
 */
function withOurs(toggles: readonly string[]): string[] {
  const prefix = "enable-dawn-features=";
  const [lists, others] = [toggles.filter((t) => t.startsWith(prefix)), toggles.filter((t) => !t.startsWith(prefix))];
  return [prefix + ["vulkan_enable_f16_on_nvidia", ...lists.map((list) => list.slice(prefix.length))].join(","), ...others];
}

let waiting = 0;
let dozing = false;

/**
 * Waits for the work of a CPU adapter without taking a core from it. While a promise of Dawn's is pending, its Node binding polls in every
 * turn of the event loop, without rest; a sleep of a millisecond a turn leaves that core to the kernels. A page's promises need no polling.
 */
export async function waitAsleep<T>(promise: Promise<T>): Promise<T> {
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => unknown };
  if (!dawn || !setImmediate) return promise;
  const bed = new Int32Array(new SharedArrayBuffer(4));
  const doze = (): void => {
    dozing = waiting > 0;
    if (!dozing) return;
    Atomics.wait(bed, 0, 0, 1);
    setImmediate(doze);
  };
  waiting++;
  if (!dozing) {
    dozing = true;
    setImmediate(doze);
  }
  try {
    return await promise;
  } finally {
    waiting--;
  }
}
