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
  dawn = create([...toggles]);
  return dawn;
}
