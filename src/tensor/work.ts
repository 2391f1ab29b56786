/** How much arithmetic a function of tensors asks for, counted on its graph: nothing is compiled. */
import { record } from "./record.js";
import type { Tensor } from "./tensor.js";

/** Floating-point operations of the matrix products and convolutions, each multiply-add as two; the rest is small beside them. */
export function arithmetic(build: () => Record<string, Tensor>): number {
  const { result, effects } = record(build);
  const seen = new Set<Tensor>();
  const stack = [...Object.values(result), ...effects];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return [...seen].reduce((sum, node) => sum + (node.operation.kind === "kernel" ? (node.operation.arithmetic ?? 0) : 0), 0);
}
