/** Reverse-mode differentiation: `grad` adds the nodes of the derivative to the graph. */
import { ShapeError } from "../errors.js";
import { add } from "../tensor/elementwise.js";
import { sameShape } from "../tensor/shape.js";
import { full, type Tensor } from "../tensor/tensor.js";

/**
 * The gradients of a scalar with respect to tensors, as new nodes of the graph; they can be differentiated again.
 * A tensor that `y` does not depend on gets zeros.
 * @param y A tensor with one element.
 * @param gradient The gradient at y (default: 1).
 * @throws ShapeError when y is not a scalar and no gradient is given, or one of another shape.
 */
export function grad(y: Tensor, wrt: readonly Tensor[], gradient?: Tensor): Tensor[] {
  if (!gradient && y.size !== 1) throw new ShapeError(`grad: ${y.toString()} is not a scalar`);
  if (gradient && !sameShape(gradient.shape, y.shape)) throw new ShapeError(`grad: a gradient ${gradient.toString()} for ${y.toString()}`);
  const needed = ancestorsOf(y, wrt);
  const gradients = new Map<Tensor, Tensor>([[y, gradient ?? full(y.shape, 1)]]);
  // Creation order is a topological order: every reader of a node has a larger id, so its gradient is complete when we come to it.
  for (const node of [...needed].sort((a, b) => b.id - a.id)) {
    const g = gradients.get(node);
    if (!g || !node.vjp || !node.sources.some((s) => needed.has(s))) continue;
    const parts = node.vjp(g);
    node.sources.forEach((source, i) => {
      const part = parts[i];
      if (!part || !needed.has(source)) return;
      const sum = gradients.get(source);
      gradients.set(source, sum ? add(sum, part) : part);
    });
  }
  return wrt.map((t) => gradients.get(t) ?? full(t.shape, 0));
}

/** The nodes between y and the tensors of `wrt`, both included. */
function ancestorsOf(y: Tensor, wrt: readonly Tensor[]): Set<Tensor> {
  const targets = new Set(wrt);
  const reached = new Map<Tensor, boolean>();
  // Without recursion: graphs through time are deep.
  const stack: { node: Tensor; next: number }[] = [{ node: y, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const source = top.node.sources[top.next++];
    if (source) {
      if (!reached.has(source)) stack.push({ node: source, next: 0 });
      continue;
    }
    stack.pop();
    reached.set(top.node, targets.has(top.node) || top.node.sources.some((s) => reached.get(s)));
  }
  return new Set([...reached].filter(([, hit]) => hit).map(([node]) => node));
}
