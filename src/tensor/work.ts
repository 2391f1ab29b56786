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
  return [...seen].reduce((sum, node) => sum + operations(node), 0);
}

function operations(node: Tensor): number {
  const [a, b] = node.inputs;
  // Every output of a convolution (never its input) is a sum over a weight's share of one output channel.
  const convolution = (outputs: Tensor, weight: Tensor) => (2 * outputs.size * weight.size) / weight.shape[0]!;
  switch (node.name) {
    case "matmul":
      return 2 * node.size * a!.shape.at(-1)!;
    case "conv2d":
      return convolution(node, b!);
    case "convTranspose2d":
      return convolution(a!, b!);
    case "convWeightGrad":
      return convolution(b!, node);
    default:
      return 0;
  }
}
