/**
 * Fusion: which elementwise nodes are computed inside their readers' kernels, and which reductions share one. What is fused needs no
 * memory and no dispatch.
 *
 * 1. A map is inlined into every reader when all its readers are maps or reductions that run over its very shape, and either there is
 *    only one, or computing it again costs no more memory traffic than reading it would (cheap arithmetic on at most one full-size tensor).
 * 2. Reductions over the same dimensions that read a tensor in common are made in one pass over it.
 * 3. Cheap maps of several readers that are left are inlined after all when the readers, taken together, then move fewer elements: they
 *    may read the map's operands anyway. (The derivative of an activation, in the backward pass of batch norm.)
 * 4. A map that is the only reader of a matrix product or convolution, and reads besides it only vectors along its columns (a bias),
 *    becomes the last part of that kernel.
 */
import { broadcastStrides, sameShape, strides } from "./shape.js";
import { targetsOf } from "./snapshots.js";
import { constantValue, type Tensor, type VariableStore } from "./tensor.js";
import { storeOf } from "./variables.js";

const MOST_OPERATIONS = 48;
/** Operations that may be done again in every reader. */
const MOST_REPEATED = 8;

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
  /** Buffers that a kernel may bind on this device. */
  readonly mostBindings: number;
}

export interface Fusion {
  /** Nodes that are computed inside their readers. */
  readonly inlined: ReadonlySet<Tensor>;
  /** Reductions made in one kernel, in program order, by each of its members; a reduction of its own is not in here. */
  readonly groups: ReadonlyMap<Tensor, readonly Tensor[]>;
  /** Maps that the kernel of another node ends with: its result has no memory then. */
  readonly finishes: ReadonlyMap<Tensor, Tensor>;
}

/** The ids of the effects that change each store. */
export function mutations(nodes: readonly Tensor[]): Map<VariableStore, number[]> {
  const result = new Map<VariableStore, number[]>();
  for (const node of nodes) {
    for (const target of targetsOf(node)) {
      const { store } = storeOf(target)!;
      result.set(store, [...(result.get(store) ?? []), node.id]);
    }
  }
  return result;
}

/** What a kernel that computes a node reads, and how many operations it does. */
interface Contents {
  readonly loads: ReadonlySet<Tensor>;
  readonly operations: number;
}

export function fuse(graph: Graph): Fusion {
  const fuser = new Fuser(graph);
  fuser.inlineSingle();
  fuser.joinReductions();
  fuser.inlineShared();
  fuser.finishKernels();
  return { inlined: fuser.inlined, groups: fuser.groups, finishes: fuser.finishes };
}

class Fuser {
  readonly inlined = new Set<Tensor>();
  readonly groups = new Map<Tensor, readonly Tensor[]>();
  readonly finishes = new Map<Tensor, Tensor>();
  readonly #nodes: readonly Tensor[];
  readonly #readers = new Map<Tensor, Tensor[]>();
  readonly #changed: Map<VariableStore, number[]>;
  readonly #shown: ReadonlySet<Tensor>;
  readonly #mostBindings: number;
  #contents = new Map<Tensor, Contents>();

  constructor({ nodes, outputs, mostBindings }: Graph) {
    this.#nodes = nodes;
    this.#mostBindings = mostBindings;
    for (const node of nodes) for (const i of new Set(node.inputs)) this.#readers.set(i, [...this.#readersOf(i), node]);
    this.#changed = mutations(nodes);
    this.#shown = new Set([...outputs].map(base));
  }

  #readersOf(node: Tensor): readonly Tensor[] {
    return this.#readers.get(node) ?? [];
  }

  /** True when a variable among `loads`, read at `node`'s place in the program, changes before `reader` runs: it must be read in time. */
  #stale(loads: ReadonlySet<Tensor>, node: Tensor, reader: Tensor): boolean {
    return [...loads].some((load) => {
      const store = storeOf(load)?.store;
      return store && this.#changed.get(store)?.some((id) => id > node.id && id < reader.id);
    });
  }

  /** True for a map that may live inside its readers: all of them run over its very shape. */
  #mayBeInlined(node: Tensor): boolean {
    const { operation } = node;
    if (operation.kind !== "map" || operation.target || this.#shown.has(node)) return false;
    const readers = this.#readersOf(node);
    return (
      readers.length > 0 &&
      readers.every(
        ({ operation: { kind }, shape, inputs }) =>
          kind === "reduce" || (kind === "map" && sameShape(shape, node.shape) && inputs.length > 0),
      )
    );
  }

  /** Step 1, in program order: what an inlined node reads is known when its readers are looked at. */
  inlineSingle(): void {
    const { inlined } = this;
    for (const node of this.#nodes) {
      const { operation } = node;
      const readAsNumber = ({ operation: { kind } }: Tensor) => kind === "map" || kind === "reduce";
      if (constantValue(node) !== undefined && !this.#shown.has(node) && this.#readers.get(node)?.every(readAsNumber)) inlined.add(node);
      if (operation.kind !== "map" && operation.kind !== "reduce") continue;
      const loads = new Set<Tensor>();
      let operations = 1;
      for (const i of node.inputs) {
        if (constantValue(i) !== undefined) continue;
        const inner = this.#contents.get(i);
        const union = inner && inlined.has(i) ? new Set([...loads, ...inner.loads]) : undefined;
        // One binding is the result's, and every input still to come may need one.
        const fits = union && union.size <= this.#mostBindings - node.inputs.length && operations + inner!.operations <= MOST_OPERATIONS;
        if (inner && fits) {
          for (const load of inner.loads) loads.add(load);
          operations += inner.operations;
        } else {
          inlined.delete(i);
          loads.add(base(i));
        }
      }
      this.#contents.set(node, { loads, operations });
      if (operation.kind !== "map" || !this.#mayBeInlined(node)) continue;
      const readers = this.#readersOf(node);
      if (readers.some((reader) => this.#stale(loads, node, reader))) continue;
      const large = [...loads].filter((load) => load.size === node.size).length;
      if (readers.length === 1 || (operation.cheap && large <= 1 && operations <= 4)) inlined.add(node);
    }
    this.#measure();
  }

  /** What every kernel reads and does, as things are inlined now. */
  #measure(): void {
    this.#contents = new Map();
    for (const node of this.#nodes) {
      if (node.operation.kind !== "map" && node.operation.kind !== "reduce") continue;
      const loads = new Set<Tensor>();
      let operations = 1;
      for (const i of node.inputs) {
        if (constantValue(i) !== undefined) continue;
        const inner = this.inlined.has(i) ? this.#contents.get(i) : undefined;
        for (const load of inner?.loads ?? [base(i)]) loads.add(load);
        operations += inner?.operations ?? 0;
      }
      this.#contents.set(node, { loads, operations });
    }
  }

  /** Step 2. The kernel of a group runs where its last member stands, so nothing may need the others before. */
  joinReductions(): void {
    const open = new Map<string, Tensor[][]>();
    for (const node of this.#nodes) {
      if (node.operation.kind !== "reduce") continue;
      const { combine, dimensions } = node.operation;
      const [x] = node.inputs;
      const key = [combine, dimensions, x!.shape, node.order].join("|");
      const candidates = open.get(key) ?? [];
      const group = candidates.find((members) => this.#joins(members, node, x!.size));
      if (group) group.push(node);
      else candidates.push([node]);
      open.set(key, candidates);
    }
    for (const group of [...open.values()].flat()) if (group.length > 1) for (const member of group) this.groups.set(member, group);
  }

  #joins(members: readonly Tensor[], node: Tensor, size: number): boolean {
    const loads = this.#contents.get(node)!.loads;
    const common = this.#kernel(members);
    const union = new Set([...common.loads, ...loads]);
    return (
      [...loads].some((load) => load.size === size && common.loads.has(load)) &&
      union.size + members.length + 1 <= this.#mostBindings &&
      common.operations + this.#contents.get(node)!.operations <= MOST_OPERATIONS &&
      members.every((m) => this.#users(m).every((user) => user.id > node.id) && !this.#stale(this.#contents.get(m)!.loads, m, node))
    );
  }

  /** Readers of a node's memory, through views. */
  #users(node: Tensor): Tensor[] {
    return this.#readersOf(node).flatMap((reader) => (reader.operation.kind === "view" ? this.#users(reader) : [reader]));
  }

  /** What the kernel of these nodes reads and does. */
  #kernel(members: readonly Tensor[]): Contents {
    const contents = members.map((m) => this.#contents.get(m)!);
    return {
      loads: new Set(contents.flatMap(({ loads }) => [...loads])),
      operations: contents.reduce((n, { operations }) => n + operations, 0),
    };
  }

  /** The kernels in which an inlined node would be computed, each given by all nodes it computes. */
  #kernelsOf(node: Tensor): Set<readonly Tensor[]> {
    const kernels = new Map<Tensor, readonly Tensor[]>();
    const visit = (t: Tensor): void => {
      for (const reader of this.#readersOf(t)) {
        if (this.inlined.has(reader)) visit(reader);
        else {
          const members = this.groups.get(reader) ?? [reader];
          kernels.set(members.at(-1)!, members);
        }
      }
    };
    visit(node);
    return new Set(kernels.values());
  }

  /** Step 3. */
  inlineShared(): void {
    for (const node of this.#nodes) {
      if (node.operation.kind !== "map" || !node.operation.cheap || this.inlined.has(node) || !this.#mayBeInlined(node)) continue;
      const { loads, operations } = this.#contents.get(node)!;
      if (operations > MOST_REPEATED) continue;
      const kernels = [...this.#kernelsOf(node)];
      const moved = (tensors: Iterable<Tensor>) => [...tensors].reduce((n, t) => n + t.size, 0);
      let extra = 0;
      const fits = kernels.every((members) => {
        const { loads: own, operations: done } = this.#kernel(members);
        const added = [...loads].filter((load) => !own.has(load));
        extra += moved(added);
        return (
          own.size - 1 + added.length + members.length <= this.#mostBindings &&
          done + operations * members.length <= MOST_OPERATIONS &&
          !this.#stale(loads, node, members.at(-1)!)
        );
      });
      // Not inlined: the operands read and the result written once, and read by every kernel.
      if (!fits || extra > moved(loads) + node.size * (1 + kernels.length)) continue;
      this.inlined.add(node);
      this.#measure();
    }
  }

  /** Step 4. */
  finishKernels(): void {
    for (const node of this.#nodes) {
      const { operation } = node;
      if (operation.kind !== "map" || operation.target || this.inlined.has(node)) continue;
      const loads = loadsOf(node.inputs, this.inlined);
      const kernels = loads.filter((load) => this.#finishable(base(load), node));
      const [product] = kernels;
      if (!product || kernels.length > 1) continue;
      const own = strides(node.shape, node.order);
      const inPlace = broadcastStrides(product.shape, product.order, node.shape).every((step, d) => node.shape[d] === 1 || step === own[d]);
      const vectors = loads.filter((load) => load !== product);
      const kernel = base(product);
      if (inPlace && 3 + vectors.length <= this.#mostBindings && vectors.every((v) => alongColumns(v, node, kernel)))
        this.finishes.set(node, kernel);
    }
  }

  /** True for a kernel that takes an epilogue, whose result nobody but `reader` needs, and which may run at the reader's place. */
  #finishable(kernel: Tensor, reader: Tensor): boolean {
    const { operation } = kernel;
    if (operation.kind !== "kernel" || operation.columns === undefined || kernel.shape[operation.columns] === 1) return false;
    if (this.#shown.has(kernel) || this.#stale(new Set(kernel.inputs.map(base)), kernel, reader)) return false;
    const needed = (t: Tensor): readonly Tensor[] =>
      this.#readersOf(t).flatMap((r) => (r.operation.kind === "view" || this.inlined.has(r) ? needed(r) : [r]));
    return needed(kernel).every((r) => r === reader);
  }
}

/** The tensors that a fused expression loads, each once for every way of walking it. */
export function loadsOf(inputs: readonly Tensor[], inlined: ReadonlySet<Tensor>): Tensor[] {
  const loads: Tensor[] = [];
  const collect = (t: Tensor): void => {
    if (constantValue(t) !== undefined) return;
    if (inlined.has(t)) t.inputs.forEach(collect);
    else if (!loads.includes(t)) loads.push(t);
  };
  inputs.forEach(collect);
  return loads;
}

/** True when `t` is a vector along the dimension of `node` in which the kernel's columns lie, and the same for everything else. */
function alongColumns(t: Tensor, node: Tensor, kernel: Tensor): boolean {
  if (kernel.operation.kind !== "kernel") return false;
  const columns = kernel.shape[kernel.operation.columns!]!;
  const fastest = node.order.filter((d) => node.shape[d] !== 1).at(-1);
  const steps = broadcastStrides(t.shape, t.order, node.shape);
  return t.size === columns && steps.every((step, d) => node.shape[d] === 1 || step === (d === fastest ? 1 : 0));
}
