/** Reverse-mode differentiation: `grad` adds the nodes of the derivative to the graph. */
import { ShapeError, UserError } from "../errors.js";
import { add } from "../tensor/elementwise.js";
import { base, mutations } from "../tensor/fuse.js";
import { recorded } from "../tensor/record.js";
import { sameShape } from "../tensor/shape.js";
import { full, nextId, type Tensor } from "../tensor/tensor.js";
import { viewOfVariable } from "../tensor/snapshots.js";
import { storeOf, unchanged } from "../tensor/variables.js";

/**
 * The gradients of a scalar with respect to tensors, as new nodes of the graph; they can be differentiated again.
 * A tensor that `y` does not depend on gets zeros.
 * @param y A tensor with one element.
 * @param gradient The gradient at y (default: 1).
 * @throws ShapeError when y is not a scalar and no gradient is given, or one of another shape; UserError when a derivative needs the
 * old value of a variable that the program has changed since (`assign`, an optimizer's step).
 */
export function grad(y: Tensor, wrt: readonly Tensor[], gradient?: Tensor): Tensor[] {
  if (!gradient && y.size !== 1) throw new ShapeError(`grad: ${y.toString()} is not a scalar`);
  if (gradient && !sameShape(gradient.shape, y.shape)) throw new ShapeError(`grad: a gradient ${gradient.toString()} for ${y.toString()}`);
  const needed = ancestorsOf(y, wrt);
  const gradients = new Map<Tensor, Tensor>([[y, gradient ? unchanged("gradient", gradient) : full(y.shape, 1)]]);
  // Creation order is a topological order: every reader of a node has a larger id, so its gradient is complete when we come to it.
  for (const node of [...needed].sort((a, b) => b.id - a.id)) {
    const g = gradients.get(node);
    if (!g || !node.vjp || !node.sources.some((s) => needed.has(s))) continue;
    const first = nextId();
    const parts = node.vjp(g);
    node.sources.forEach((source, i) => {
      const part = parts[i];
      if (!part || !needed.has(source)) return;
      refuseStale(part, first, node);
      const sum = gradients.get(source);
      gradients.set(source, sum ? add(sum, part) : part);
    });
  }
  return wrt.map((t) => gradients.get(t) ?? full(t.shape, 0));
}

/**
 * A derivative that reads a variable reads it when it runs. If the variable was changed after `node` was computed from it, that is the
 * wrong value.
 * @param first The id of the first tensor that belongs to the derivative.
 */
function refuseStale(part: Tensor, first: number, node: Tensor): void {
  const changes = mutations(recorded());
  if (changes.size === 0) return;
  const stack = [part];
  const seen = new Set<Tensor>();
  for (let t = stack.pop(); t; t = stack.pop()) {
    if (t.id < first || seen.has(t)) continue;
    seen.add(t);
    for (const read of t.inputs) {
      const variable = base(read);
      const store = storeOf(variable)?.store;
      const view = viewOfVariable(read);
      // A view that the node itself was computed from keeps the value it had.
      const kept = view !== undefined && view.id < first;
      if (store && !kept && changes.get(store)?.some((id) => id > node.id)) {
        throw new UserError(
          `grad: the derivative of ${node.toString()} needs ${variable.toString()} as it was before it changed: call grad before the change`,
        );
      }
      stack.push(read);
    }
  }
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
