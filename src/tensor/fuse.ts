/**
 * Fusion: which elementwise nodes are computed inside their readers' kernels. Such a node needs no memory and no dispatch.
 *
 * A map is inlined into every reader when all its readers are maps or reductions that run over its very shape, and either there is only
 * one, or computing it again costs no more memory traffic than reading it would (cheap arithmetic on at most one full-size tensor).
 */
import { sameShape } from "./shape.js";
import { constantValue, type Tensor } from "./tensor.js";
import { storeOf, type Store } from "./variables.js";

/** Buffers a fused kernel may read; with the result this stays within WebGPU's guaranteed eight. */
const MOST_LOADS = 7;
const MOST_OPERATIONS = 48;

/** The tensor whose memory t shows: views have none of their own. */
export function base(t: Tensor): Tensor {
  let b = t;
  while (b.operation.kind === "view") b = b.inputs[0]!;
  return b;
}

export interface Graph {
  /** All nodes, in program order. */
  readonly nodes: readonly Tensor[];
  readonly outputs: ReadonlySet<Tensor>;
}

/** The ids of the effects that change each store. */
export function mutations(nodes: readonly Tensor[]): Map<Store, number[]> {
  const result = new Map<Store, number[]>();
  for (const node of nodes) {
    const { operation } = node;
    const targets =
      operation.kind === "effect" ? operation.targets : operation.kind === "map" && operation.target ? [operation.target] : [];
    for (const target of targets) {
      const { store } = storeOf(target)!;
      result.set(store, [...(result.get(store) ?? []), node.id]);
    }
  }
  return result;
}

/** The nodes that are computed inside their readers. */
export function fuse({ nodes, outputs }: Graph): Set<Tensor> {
  const readers = new Map<Tensor, Tensor[]>();
  for (const node of nodes) for (const i of new Set(node.inputs)) readers.set(i, [...(readers.get(i) ?? []), node]);
  const changed = mutations(nodes);
  const shown = new Set([...outputs].map(base));

  const inlined = new Set<Tensor>();
  /** What a kernel that computes the node reads, and how many operations it does. */
  const contents = new Map<Tensor, { loads: Set<Tensor>; operations: number }>();

  /** True when a variable read by `node` changes before `reader` runs: then it must be read in time. */
  const stale = (loads: ReadonlySet<Tensor>, node: Tensor, reader: Tensor) =>
    [...loads].some((load) => {
      const store = storeOf(load)?.store;
      return store && changed.get(store)?.some((id) => id > node.id && id < reader.id);
    });

  for (const node of nodes) {
    const { operation } = node;
    const readAsNumber = ({ operation: { kind } }: Tensor) => kind === "map" || kind === "reduce";
    if (constantValue(node) !== undefined && !shown.has(node) && readers.get(node)?.every(readAsNumber)) inlined.add(node);
    if (operation.kind !== "map" && operation.kind !== "reduce") continue;
    const loads = new Set<Tensor>();
    let operations = 1;
    for (const i of node.inputs) {
      if (constantValue(i) !== undefined) continue;
      const inner = contents.get(i);
      const union = inner && inlined.has(i) ? new Set([...loads, ...inner.loads]) : undefined;
      if (inner && union && union.size <= MOST_LOADS - (node.inputs.length - 1) && operations + inner.operations <= MOST_OPERATIONS) {
        for (const load of inner.loads) loads.add(load);
        operations += inner.operations;
      } else {
        inlined.delete(i);
        loads.add(base(i));
      }
    }
    contents.set(node, { loads, operations });
    if (operation.kind !== "map" || operation.target || shown.has(node)) continue;
    const own = readers.get(node) ?? [];
    const overSameShape = own.every(
      ({ operation: { kind }, shape, inputs }) =>
        kind === "reduce" || (kind === "map" && sameShape(shape, node.shape) && inputs.length > 0),
    );
    if (own.length === 0 || !overSameShape || own.some((reader) => stale(loads, node, reader))) continue;
    const large = [...loads].filter((load) => load.size === node.size).length;
    if (own.length === 1 || (operation.cheap && large <= 1 && operations <= 4)) inlined.add(node);
  }
  return inlined;
}
