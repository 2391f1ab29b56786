/** Starts a thread of the page. */
import { type Remote, wrap } from "comlink";

/**
 * "drawing" draws and looks inside; "training" trains; "shelf" keeps the runs, and answers while the training's compiles; "pictures" makes
 * the person's own ready.
 */
export type ThreadName = "drawing" | "training" | "shelf" | "pictures";

/** @param onError Called where the thread does not even start. */
export function startThread<Desk>(name: ThreadName, onError: () => unknown): Remote<Desk> {
  const worker = new Worker(new URL("./studio.worker.ts", import.meta.url), { type: "module", name });
  worker.addEventListener("error", onError);
  return wrap<Desk>(worker);
}
