/**
 * Views that keep their value. A view (a reshape, a transpose, the sum over a dimension of size 1) has no memory of its own; one of a
 * variable shows the variable's. Where the variable changes between the place of the view in the program and a reader of it, the view is
 * made of a copy, taken at its place: what was built before a change reads the old value, whatever the shape. A view that nobody reads
 * later costs nothing.
 */
import { Tensor } from "./tensor.js";
import { overlap, replaced, storeOf } from "./variables.js";

/** The view through which t shows a variable: the one right at the variable's memory. Undefined for all that is no view of a variable. */
export function viewOfVariable(t: Tensor): Tensor | undefined {
  if (t.operation.kind !== "view") return undefined;
  let view = t;
  while (view.inputs[0]!.operation.kind === "view") view = view.inputs[0]!;
  return storeOf(view.inputs[0]!) ? view : undefined;
}

/** The variables that a node changes. */
export function targetsOf({ operation }: Tensor): readonly Tensor[] {
  if (operation.kind === "effect") return operation.targets;
  return operation.kind === "map" && operation.target ? [operation.target] : [];
}

export interface Graph<Outputs> {
  /** In program order. */
  readonly nodes: readonly Tensor[];
  readonly outputs: Outputs;
}

/** The same program with copies for the views that a change of their variable would overtake. */
export function keepViews<Outputs extends Readonly<Record<string, Tensor>>>(graph: Graph<Outputs>): Graph<Outputs> {
  const { nodes, outputs } = graph;
  const changes = nodes.flatMap((node) => targetsOf(node).map((target) => ({ id: node.id, target })));
  const changed = (variable: Tensor, from: number, to: number) =>
    changes.some(({ id, target }) => id > from && id < to && overlap(target, variable));
  const lastRead = new Map<Tensor, number>();
  const read = (t: Tensor, id: number): void => {
    const view = viewOfVariable(t);
    if (view) lastRead.set(view, Math.max(id, lastRead.get(view) ?? 0));
  };
  for (const node of nodes) if (node.operation.kind !== "view") for (const t of node.inputs) read(t, node.id);
  for (const t of Object.values(outputs)) read(t, Infinity);
  const overtaken = new Set([...lastRead].flatMap(([view, last]) => (changed(view.inputs[0]!, view.id, last) ? [view] : [])));
  if (overtaken.size === 0) return graph;

  const now = new Map<Tensor, Tensor>();
  const copies = new Map<Tensor, Tensor>();
  const result: Tensor[] = [];
  for (const node of nodes) {
    const [variable] = node.inputs;
    if (overtaken.has(node)) {
      let copy = copies.get(variable!);
      // Views between the same two changes share a copy.
      if (!copy || changed(variable!, copy.id, node.id)) {
        copy = copyOf(variable!, node.id);
        copies.set(variable!, copy);
        result.push(copy);
      }
      now.set(node, replaced(node, { inputs: [copy] }));
    } else if (node.inputs.some((t) => now.has(t))) {
      now.set(node, replaced(node, { inputs: node.inputs.map((t) => now.get(t) ?? t) }));
    }
    result.push(now.get(node) ?? node);
  }
  const shown = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, now.get(t) ?? t]));
  return { nodes: result, outputs: shown as unknown as Outputs };
}

/** The variable's value at a place in the program. */
function copyOf(variable: Tensor, id: number): Tensor {
  const copy = new Tensor("copy", variable.shape, { kind: "map", expression: (a) => a! }, [variable], { order: variable.order });
  return replaced(copy, { id });
}
