/** From one node, with the nodes fused into it, to the launches that compute it. */
import { copyRegions } from "../../kernels/copy.js";
import type { Epilogue } from "../../kernels/gemm-problem.js";
import {
  type AdapterTraits,
  input as inputSlot,
  type Kernel,
  type Lowering,
  output as outputSlot,
  scratch as scratchSlot,
} from "../../kernels/kernel.js";
import type { Load, LoopAxis } from "../../kernels/loops.js";
import { type Body, map as mapKernel } from "../../kernels/map.js";
import { type Bodies, reduce as reduceKernel, type ReduceProblem, type ReduceVariant } from "../../kernels/reduce.js";
import { base, type Fusion, loadsOf } from "./fuse.js";
import { broadcastStrides, loopNest, type Shape, size, strides } from "./shape.js";
import { constantValue, type Tensor } from "./tensor.js";
import { overlap } from "./variables.js";

/** A node's work: launches over the memory of tensors (given by their `base`). */
export interface Step {
  readonly node: Tensor;
  readonly lowering: Lowering;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Present with `lowering.tuning`: the same work by one of its candidates. */
  readonly lower?: (candidate: string) => Lowering;
}

/**
 * The launches of a node that has memory of its own; none for leaves and views.
 * @param results The tensors beside `node` that its kernel makes, in order.
 */
export function lower(node: Tensor, fusion: Fusion, traits: AdapterTraits, results: readonly Tensor[]): Step[] {
  const { inlined, groups, finishes } = fusion;
  const { operation } = node;
  if (inlined.has(node)) return [];
  const finished = finishes.get(node);
  if (finished) return [lowerFinished(finished, node, inlined, traits)];
  if ([...finishes.values()].includes(node)) return [];
  const group = groups.get(node) ?? [node];
  // A group of reductions runs where the last of them stands.
  if (group.at(-1) !== node) return [];
  switch (operation.kind) {
    case "view":
      return [];
    case "leaf":
      return operation.source.from === "fill" ? [lowerMap(node, inlined)] : [];
    case "map":
      return [lowerMap(node, inlined)];
    case "reduce":
      return [lowerReduce(group, inlined, traits)];
    case "pack":
    case "result":
      return [];
    case "kernel":
      return [
        {
          ...{ node, lowering: operation.lower(traits), inputs: node.inputs.map(base), outputs: [node, ...results] },
          lower: (candidate) => operation.lower(traits, candidate),
        },
      ];
    case "effect":
      return [{ node, lowering: operation.lower(traits), inputs: node.inputs.map(base), outputs: operation.targets.map(base) }];
  }
}

/** Fused expressions: the tensors they load (each once per way of walking it) and their WGSL. */
interface Fused {
  readonly loads: readonly Tensor[];
  readonly bodies: Bodies;
}

/** WGSL number, always with a point or exponent so that it is a float. */
function literal(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** The expressions of `inputs` over all that is not fused: `make` builds the last expressions from the inputs' names. */
function fuseInto(
  inputs: readonly Tensor[],
  inlined: ReadonlySet<Tensor>,
  make: (args: readonly string[]) => readonly string[] = (args) => args,
): Fused {
  const loads = loadsOf(inputs, inlined);
  const bodies: Bodies = (args) => {
    const statements: string[] = [];
    const names = new Map<Tensor, string>();
    const value = (t: Tensor): string => {
      const constant = constantValue(t);
      if (constant !== undefined) return `T(${literal(constant)})`;
      const known = names.get(t);
      if (known) return known;
      if (!inlined.has(t)) return args[loads.indexOf(t)]!;
      if (t.operation.kind !== "map") throw new Error(`${t.toString()} cannot be fused`);
      const expression = t.operation.expression(...argumentsOf(t.inputs));
      const name = `v${statements.length}`;
      statements.push(`  let ${name} = ${expression};`);
      names.set(t, name);
      return name;
    };
    // Of constants alone WGSL refuses what is not finite, such as log(0), as an error of the text; of a variable it does not.
    const argumentsOf = (given: readonly Tensor[]): string[] => {
      const args = given.map(value);
      if (given.some((t) => constantValue(t) === undefined)) return args;
      return args.map((arg) => {
        const name = `k${statements.length}`;
        statements.push(`  var ${name} = ${arg};`);
        return name;
      });
    };
    const values = make(argumentsOf(inputs));
    return { statements: statements.join("\n"), values };
  };
  return { loads, bodies };
}

/** Bindings for loads: one for each piece of memory, however many ways it is walked. */
function bind(loads: readonly Tensor[]): { owners: Tensor[]; bindings: number[] } {
  const owners: Tensor[] = [];
  const bindings = loads.map((load) => {
    const owner = base(load);
    const at = owners.indexOf(owner);
    return at >= 0 ? at : owners.push(owner) - 1;
  });
  return { owners, bindings };
}

const walk = (loads: readonly Tensor[], shape: Shape) => loads.map((t) => broadcastStrides(t.shape, t.order, shape));

const nameOf = (node: Tensor, inlined: ReadonlySet<Tensor>): string => {
  const names: string[] = [];
  const visit = (t: Tensor): void => {
    for (const i of t.inputs) if (inlined.has(i)) visit(i);
    names.push(t.name);
  };
  visit(node);
  return names.slice(-6).join(" ");
};

function lowerMap(node: Tensor, inlined: ReadonlySet<Tensor>): Step {
  const constant = constantValue(node);
  const expression = node.operation.kind === "map" ? node.operation.expression : () => `T(${literal(constant!)})`;
  const target = node.operation.kind === "map" ? node.operation.target : undefined;
  const { loads, bodies } = fuseInto(node.inputs, inlined, (args) => [expression(...args)]);
  const { owners, bindings } = bind(loads);
  const output = target ?? node;
  const steps = [strides(output.shape, output.order), ...walk(loads, node.shape)];
  const axes = loopNest(node.shape, output.order, steps);
  // A variable that is updated from itself is one binding, each element read before it is written. Where the expression reads other
  // elements of what it overwrites (a transpose of itself), the result is made aside and copied.
  const inPlace = (load: Tensor, i: number) =>
    base(load) === target && node.shape.every((n, d) => n === 1 || steps[i + 1]![d] === steps[0]![d]);
  const aside = target !== undefined && loads.some((load, i) => overlap(base(load), target) && !inPlace(load, i));
  const self = target && !aside ? owners.indexOf(target) : -1;
  const result = self >= 0 ? self : owners.length;
  const slots = owners.map((_, i) => (i === self ? outputSlot(0) : inputSlot(i)));
  if (self < 0) slots.push(aside ? scratchSlot(0) : outputSlot(0));
  const kernel = mapKernel({
    name: nameOf(node, inlined),
    axes,
    loads: loads.map((_, i): Load => ({ binding: bindings[i]!, operand: i + 1 })),
    bindings: slots.length,
    result,
    body: (args) => {
      const { statements, values } = bodies(args);
      return { statements, value: values[0]! };
    },
  });
  const launches = [{ kernel, slots }];
  if (aside) launches.push({ kernel: copyKernel(node.size), slots: [scratchSlot(0), outputSlot(0)] });
  return { node, lowering: { launches, scratch: aside ? [node.size] : [] }, inputs: owners, outputs: [output] };
}

/** A kernel that ends with a map of its result and of vectors along its columns. */
function lowerFinished(kernel: Tensor, node: Tensor, inlined: ReadonlySet<Tensor>, traits: AdapterTraits): Step {
  const { operation } = kernel;
  if (operation.kind !== "kernel" || node.operation.kind !== "map") throw new Error(`${node.toString()} cannot end ${kernel.toString()}`);
  const { expression } = node.operation;
  const { loads, bodies } = fuseInto(node.inputs, inlined, (args) => [expression(...args)]);
  const vectors = loads.filter((load) => base(load) !== kernel);
  const epilogue: Epilogue = {
    vectors: vectors.length,
    body: ([element, ...values]) => {
      const { statements, values: results } = bodies(loads.map((load) => values[vectors.indexOf(load)] ?? element!));
      return { statements, value: results[0]! };
    },
  };
  return {
    node,
    lowering: operation.lower(traits, undefined, epilogue),
    lower: (candidate) => operation.lower(traits, candidate, epilogue),
    inputs: [...kernel.inputs, ...vectors].map(base),
    outputs: [node],
  };
}

/** Copies `size` elements as they lie. Bindings: 0 source, 1 result. */
export function copyKernel(size: number): Kernel {
  const body: Body = ([x]) => ({ statements: "", value: x! });
  const axes = [{ count: size, steps: [1, 1] }];
  return mapKernel({ name: "copy", axes, loads: [{ binding: 0, operand: 1 }], bindings: 2, result: 1, body });
}

/** The same of whole numbers: a float's arithmetic might flush small ones to zero. */
export const copyWords = (size: number): Kernel => copyRegions("copy", [{ shape: [size], from: [1], to: [1] }], [0]).launches[0]!.kernel;

/** Reductions over the same loops, in one kernel. */
function lowerReduce(nodes: readonly Tensor[], inlined: ReadonlySet<Tensor>, traits: AdapterTraits): Step {
  const reductions = nodes.map(({ operation }) => {
    if (operation.kind !== "reduce") throw new Error("a group of reductions holds something else");
    return operation;
  });
  const node = nodes.at(-1)!;
  const { combine, dimensions } = reductions[0]!;
  const { shape } = node.inputs[0]!;
  const { loads, bodies } = fuseInto(
    nodes.map(({ inputs }) => inputs[0]!),
    inlined,
  );
  const { owners, bindings } = bind(loads);
  const steps = walk(loads, shape);
  const keptOrder = node.order.filter((d) => !dimensions.includes(d));
  const reducedOrder = node.order.filter((d) => dimensions.includes(d));
  const fastest = node.order.filter((d) => shape[d] !== 1).at(-1)!;
  const problem: ReduceProblem = {
    name: nodes.map((n) => nameOf(n, inlined)).join(", "),
    combine,
    scales: reductions.map(({ scale }) => scale),
    kept: loopNest(shape, keptOrder, steps),
    reduced: loopNest(shape, reducedOrder, steps),
    rows: dimensions.includes(fastest),
    loads: loads.map((_, i): Load => ({ binding: bindings[i]!, operand: i })),
    bindings: owners.length,
    bodies,
  };
  const step = { node, inputs: owners, outputs: nodes, lowering: reduceKernel(problem, traits) };
  // Barriers are never worth it on a software adapter: nothing to choose there.
  if (traits.software) return step;
  const tuning = { problem: describeReduction(problem), work: 16 * size(shape) * loads.length, candidates: ["tree", "staged"] };
  return {
    ...{ ...step, lowering: { ...step.lowering, tuning } },
    lower: (variant) => reduceKernel(problem, traits, variant as ReduceVariant),
  };
}

/** All that decides a reduction's work: its loops and its fused expressions. */
function describeReduction({ name, combine, kept, reduced, loads, bodies }: ReduceProblem): string {
  const loops = (axes: readonly LoopAxis[]) => axes.map(({ count, steps }) => `${count}:${steps.join("/")}`).join(" ") || "1";
  const { statements, values } = bodies(loads.map(({ binding }, i) => `x${i}of${binding}`));
  return `${combine} ${name}, ${loops(kept)} from ${loops(reduced)}: ${statements.replace(/\s+/g, " ")} ${values.join(", ")}`;
}
