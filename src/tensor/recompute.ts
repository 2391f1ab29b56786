/**
 * Recomputation: memory for time. An elementwise result that is read early and again much later, such as an activation that the forward
 * pass makes and a weight's gradient wants, is forgotten in between and computed again before the later reader, where all that it is
 * computed from is kept anyway. The same kernel on the same values: the same bits.
 */
import type { Step } from "./lower.js";
import { Tensor } from "./tensor.js";
import { overlap, storeOf } from "./variables.js";

/** Steps between two readers for which it is worth forgetting. */
const LEAST_GAP = 8;

/** @param kept Tensors whose place is not theirs to give up: outputs, and what lives inside a pack. */
export function recompute(steps: readonly Step[], kept: ReadonlySet<Tensor>): Step[] {
  const result = [...steps];
  for (let at = 0; at < result.length; at++) {
    const step = result[at]!;
    const { node, outputs } = step;
    const [made] = outputs;
    if (node.operation.kind !== "map" || made !== node || kept.has(made) || step.lowering.launches.length !== 1) continue;
    // A map that ends a product's kernel is not cheap.
    if (step.lower) continue;
    const later = laterUse(result, at, made);
    if (later === undefined || !step.inputs.every((input) => available(result, input, at, later))) continue;
    const again = new Tensor(`${made.name} again`, made.shape, made.operation, made.inputs, { order: made.order });
    for (let i = later; i < result.length; i++) {
      const { inputs } = result[i]!;
      if (inputs.includes(made)) result[i] = { ...result[i]!, inputs: inputs.map((t) => (t === made ? again : t)) };
    }
    result.splice(later, 0, { ...step, node: again, outputs: [again] });
  }
  return result;
}

const uses = (step: Step, t: Tensor): boolean => step.inputs.includes(t) || step.outputs.includes(t);

/** The first reader after the longest time in which nobody reads the tensor; undefined where that is short. */
function laterUse(steps: readonly Step[], made: number, t: Tensor): number | undefined {
  let last = made;
  let best: { at: number; gap: number } | undefined;
  for (let i = made + 1; i < steps.length; i++) {
    if (!uses(steps[i]!, t)) continue;
    if (i - last >= Math.max(LEAST_GAP, best?.gap ?? 0)) best = { at: i, gap: i - last };
    last = i;
  }
  return best?.at;
}

/** True when the tensor still holds at `later` what it held at `made`, at no cost. */
function available(steps: readonly Step[], t: Tensor, made: number, later: number): boolean {
  if (storeOf(t)) return !steps.slice(made, later).some(({ outputs }) => outputs.some((o) => overlap(o, t)));
  if (t.operation.kind === "leaf" && t.operation.source.from !== "fill") return true;
  return steps.slice(later).some((step) => uses(step, t));
}
