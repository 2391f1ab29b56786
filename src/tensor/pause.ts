/** Pauses of a program: places where whoever runs it may do something else, such as sum gradients with others, before the rest runs. */
import { recordEffect } from "./record.js";
import { Tensor } from "./tensor.js";
import type { Store } from "./variables.js";

/**
 * Records a pause. `Program.runInParts` stops there; `run` and `launch` pass over it.
 * @param changed Stores that the host may change meanwhile: what is built later reads their new values.
 */
export function pause(name: string, changed: readonly Store[] = []): void {
  const targets = changed.map(({ flat }) => flat);
  const lower = () => ({ launches: [], scratch: [] });
  recordEffect(new Tensor("pause", [], { kind: "effect", lower, targets, pause: name }));
}
