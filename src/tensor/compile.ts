/**
 * From a graph to a program: order the nodes, fuse what can be fused, lower each to launches, give every intermediate a place in one
 * arena, and prepare the dispatch list that `run` replays.
 */
import { zeroGaps } from "../../kernels/copy.js";
import { input as inputSlot, output as outputSlot, scratch as scratchSlot } from "../../kernels/kernel.js";
import { type Allocation, planArena } from "../gpu/arena.js";
import type { Device } from "../gpu/device.js";
import { Memory } from "../gpu/memory.js";
import { type CompileWatch, DispatchList, type Range } from "../gpu/dispatch-list.js";
import { describe, requireOptions } from "../arguments.js";
import type { KernelChooser, Tunable } from "../gpu/tunable.js";
import { UserError } from "../errors.js";
import { base, fuse } from "./fuse.js";
import { copyKernel, copyWords, lower, type Step } from "./lower.js";
import { Program, type ProgramInput } from "./program.js";
import { recompute } from "./recompute.js";
import { record } from "./record.js";
import { keepViews, targetsOf } from "./snapshots.js";
import { requireStorage, stepInHalves, type Storage, tensorsInHalves } from "./storage.js";
import { Tensor } from "./tensor.js";
import { overlap, storeOf } from "./variables.js";

/** What `compile` trades: memory against time, memory against digits. */
export interface CompileOptions extends CompileWatch {
  /** Compute activations again where they are needed late, instead of keeping them: less memory, more time, the same bits. */
  readonly recompute?: boolean;
  /** How large tensors between kernels are stored (storage.ts); all arithmetic and all variables are f32. Default "f32". */
  readonly storage?: Storage;
}

/**
 * Compiles a function of tensors: the tensors it returns are the outputs, the `input`s they depend on the inputs, and every change of
 * variables it records (`assign`, optimizer steps) happens at each run, in the order it was written.
 * @throws KernelError when a kernel does not compile; LimitError naming the tensor the adapter cannot hold; UserError for storage in f16
 *   where the adapter has no `shader-f16`; the reason of `signal` where it is aborted, after which nothing is left allocated.
 */
export async function compile<Outputs extends Record<string, Tensor>>(
  device: Device,
  build: () => Outputs,
  options: CompileOptions = {},
): Promise<Program<Outputs>> {
  requireOptions("compile", options, ["recompute", "storage", "signal", "onProgress"]);
  const { recompute: forgetful = false, storage = "f32", signal, onProgress } = options;
  const watch = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  signal?.throwIfAborted();
  requireStorage(device, storage);
  if (device.lost) throw device.lost;
  const { result, effects, inputs: named } = record(build);
  requireOutputs(result);
  const { nodes, outputs } = keepViews({ nodes: reachable([...Object.values(result), ...effects]), outputs: result });
  const shown = Object.values(outputs);
  const fusion = fuse({ nodes, outputs: new Set(shown), mostBindings: device.gpu.limits.maxStorageBuffersPerShaderStage });
  const packs = placePacked(nodes, new Set(shown.map(base)));
  const byRule = nodes.flatMap((node) => [...lower(node, fusion, device.traits, resultsOf(node, nodes)), ...packs.steps(node)]);
  const kept = new Set([...shown.map(base), ...packs.home.keys()]);
  const halvesOf = (steps: readonly Step[]) => (storage === "f16" ? tensorsInHalves(steps, kept) : new Set<Tensor>());
  const chosen = device.tuner ? await tuned(byRule, device.tuner, halvesOf(byRule)) : byRule;
  signal?.throwIfAborted();
  const complete = forgetful ? recompute(chosen, kept) : chosen;
  const halves = halvesOf(complete);
  const steps = complete.map((step) => stepInHalves(apart(step), halves));
  const elementBytes = (t: Tensor) => (halves.has(t) ? 2 : 4);
  const { allocations, scratch, place } = allocate(steps, { outputs: new Set(shown.map(base)), home: packs.home, elementBytes });
  const arena = planArena(allocations, Math.max(256, device.gpu.limits.minStorageBufferOffsetAlignment));
  const owned: Memory[] = [];
  try {
    const { memories, inputs } = prepareLeaves(device, nodes, owned);
    const range = (t: Tensor): Range => {
      const held = memories.get(t);
      const label = t.toString();
      const bytes = Math.ceil(t.size / 4) * 4 * elementBytes(t);
      if (held) return { ...held, bytes, label };
      const { allocation, offset } = place(t);
      return { memory: "arena", offset: allocation.offset + offset, bytes, label };
    };
    const pauses: { name: string; at: number }[] = [];
    let launched = 0;
    for (const { node, lowering } of steps) {
      if (node.operation.kind === "effect" && node.operation.pause !== undefined) pauses.push({ name: node.operation.pause, at: launched });
      launched += lowering.launches.length;
    }
    const dispatches = steps.flatMap((step, i) =>
      step.lowering.launches.map(({ kernel, slots }) => ({
        kernel,
        ranges: slots.map(({ role, index }): Range => {
          if (role !== "scratch") return range((role === "input" ? step.inputs : step.outputs)[index]!);
          const { offset, bytes, label } = scratch[i]![index]!;
          return { memory: "arena", offset, bytes, label };
        }),
      })),
    );
    const results = shown.map((t) => ({ ...range(base(t)), bytes: t.size * 4 }));
    const list = await DispatchList.create(device, { dispatches, arenaBytes: arena.bytes, outputs: results }, watch);
    const memory = { arena: arena.bytes, lowerBound: arena.lowerBound };
    return new Program(list, { read: inputs, unread: named }, outputs, owned, memory, pauses);
  } catch (error) {
    for (const memory of owned) memory.destroy();
    throw error;
  }
}

/** @throws UserError where the function given to `compile` returned something else than tensors by name: in JavaScript it may. */
function requireOutputs(result: unknown): asserts result is Record<string, Tensor> {
  const wanted = "compile: the function given must return its outputs by name, { y: tensor }";
  if (result instanceof Promise) {
    // It has been refused: how it ends is nobody's business.
    result.catch(() => undefined);
    throw new UserError(`${wanted}; it is async, and what it does after its first await would not be recorded`);
  }
  if (result instanceof Tensor) throw new UserError(`${wanted}; it returned the tensor ${result.toString()} without a name`);
  if (typeof result !== "object" || result === null) throw new UserError(`${wanted}; it returned ${describe(result)}`);
  for (const [name, output] of Object.entries(result)) {
    if (!(output instanceof Tensor)) throw new UserError(`compile: the output "${name}" is no tensor, but ${describe(output)}`);
  }
}

/** The steps with the kernels that the tuner prefers. */
async function tuned(steps: readonly Step[], tuner: KernelChooser, halves: ReadonlySet<Tensor>): Promise<readonly Step[]> {
  const sizes = (tensors: readonly Tensor[]) => tensors.map((t) => t.size);
  const raced = steps.map((step) => stepInHalves(step, halves));
  const tunables = raced.flatMap(({ lowering: { tuning }, lower, inputs, outputs }): Tunable[] =>
    tuning && lower ? [{ tuning, lower, inputs: sizes(inputs), outputs: sizes(outputs) }] : [],
  );
  const choices = await tuner.choose(tunables);
  return steps.map((step, i) => {
    const { tuning } = raced[i]!.lowering;
    const choice = tuning && choices.get(tuning.problem);
    return step.lower && choice !== undefined ? { ...step, lowering: step.lower(choice) } : step;
  });
}

/** All nodes that the roots depend on, in program order. */
function reachable(roots: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>();
  const stack = [...roots];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** The tensors that a kernel makes beside `node`; one that nobody asked for gets a place all the same. */
function resultsOf(node: Tensor, nodes: readonly Tensor[]): Tensor[] {
  if (node.operation.kind !== "kernel") return [];
  return Array.from({ length: (node.operation.results ?? 1) - 1 }, (_, i) => {
    const wanted = nodes.find(({ operation, inputs }) => operation.kind === "result" && operation.index === i + 1 && inputs[0] === node);
    return wanted ?? new Tensor(`${node.name} (unused)`, node.shape, { kind: "result", index: i + 1 }, [node]);
  });
}

/** Where a tensor lives inside a pack, and the steps that copy what cannot be computed in place and fill what lies between. */
interface Packs {
  readonly home: ReadonlyMap<Tensor, { pack: Tensor; offset: number }>;
  readonly steps: (node: Tensor) => Step[];
}

/** Places what is packed right inside the pack, where the program computes it and nothing else has placed it. */
function placePacked(nodes: readonly Tensor[], outputs: ReadonlySet<Tensor>): Packs {
  const home = new Map<Tensor, { pack: Tensor; offset: number }>();
  const added = new Map<Tensor, Step[]>();
  for (const pack of nodes) {
    if (pack.operation.kind !== "pack") continue;
    const { offsets } = pack.operation;
    pack.inputs.forEach((t, i) => {
      const owner = base(t);
      const offset = offsets[i]! * 4;
      const computed = ["kernel", "result", "reduce", "map"].includes(owner.operation.kind);
      if (computed && !home.has(owner) && !outputs.has(owner)) {
        home.set(owner, { pack, offset });
        return;
      }
      const part = new Tensor("pack", t.shape, { kind: "view" }, [], { order: t.order });
      home.set(part, { pack, offset });
      added.set(pack, [...(added.get(pack) ?? []), copyStep(pack, t, part)]);
    });
    // What lies between the tensors is read together with them, and must not hold what was there before.
    const ends = pack.inputs.map((t, i) => offsets[i]! + t.size);
    const gaps = ends.map((start, i) => ({ start, end: offsets[i + 1] ?? pack.size })).filter(({ start, end }) => start < end);
    if (gaps.length === 0) continue;
    const lowering = { launches: [{ kernel: zeroGaps(gaps), slots: [outputSlot(0)] }], scratch: [] };
    added.set(pack, [...(added.get(pack) ?? []), { node: pack, lowering, inputs: [], outputs: [pack] }]);
  }
  return { home, steps: (node) => added.get(node) ?? [] };
}

/** A step that copies `from`, in its own memory order, to `to`. */
function copyStep(node: Tensor, from: Tensor, to: Tensor): Step {
  const lowering = { launches: [{ kernel: copyKernel(from.size), slots: [inputSlot(0), outputSlot(0)] }], scratch: [] };
  return { node, lowering, inputs: [base(from)], outputs: [to] };
}

/** WebGPU refuses the same memory at two writable bindings: an operand that occurs twice, whole or in part, is read from a copy the second time. */
function apart(step: Step): Step {
  const { inputs, lowering } = step;
  const again = inputs.flatMap((t, i) => (inputs.slice(0, i).some((earlier) => overlap(earlier, t)) ? [i] : []));
  if (again.length === 0) return step;
  const spare = (index: number) => scratchSlot(lowering.scratch.length + again.indexOf(index));
  const copies = again.map((i) => ({
    kernel: inputs[i]!.dtype === "u32" ? copyWords(inputs[i]!.size) : copyKernel(inputs[i]!.size),
    slots: [inputSlot(i), spare(i)],
  }));
  const moved = lowering.launches.map(({ kernel, slots }) => ({
    kernel,
    slots: slots.map((slot) => (slot.role === "input" && again.includes(slot.index) ? spare(slot.index) : slot)),
  }));
  return { ...step, lowering: { launches: [...copies, ...moved], scratch: [...lowering.scratch, ...again.map((i) => inputs[i]!.size)] } };
}

interface Leaves {
  readonly memories: ReadonlyMap<Tensor, { memory: Memory; offset: number }>;
  readonly inputs: ReadonlyMap<string, ProgramInput>;
}

/**
 * Memory for inputs, constants and variables; a store's is made by the first program that uses it.
 * @param owned Gets the memory that goes with the program.
 */
function prepareLeaves(device: Device, nodes: readonly Tensor[], owned: Memory[]): Leaves {
  const memories = new Map<Tensor, { memory: Memory; offset: number }>();
  const inputs = new Map<string, ProgramInput>();
  for (const leaf of new Set([...nodes, ...nodes.flatMap(targetsOf)])) {
    if (leaf.operation.kind !== "leaf") continue;
    const { source } = leaf.operation;
    if (source.from === "fill") continue;
    if (source.from === "store") {
      memories.set(leaf, { memory: storeMemory(device, leaf), offset: source.offset * 4 });
      continue;
    }
    const memory = new Memory(device, leaf.name, leaf.size * 4);
    owned.push(memory);
    memories.set(leaf, { memory, offset: 0 });
    if (source.from === "data") memory.write(source.values);
    else if (inputs.has(source.name)) throw new UserError(`compile: two inputs are named "${source.name}"`);
    else inputs.set(source.name, { tensor: leaf, memory });
  }
  return { memories, inputs };
}

function storeMemory(device: Device, leaf: Tensor): Memory {
  const { store } = storeOf(leaf)!;
  store.requireAlive();
  if (!store.memory) {
    const memory = new Memory(device, store.name, store.length * 4);
    memory.write(store.initial);
    store.memory = memory;
  }
  if (!(store.memory instanceof Memory) || store.memory.device !== device)
    throw new UserError(`${store.name}: its variables live on another device`);
  return store.memory;
}

interface Places {
  readonly outputs: ReadonlySet<Tensor>;
  readonly home: Packs["home"];
  readonly elementBytes: (t: Tensor) => number;
}

/** Gives every computed tensor and every scratch buffer its times of use. */
function allocate(steps: readonly Step[], { outputs, home, elementBytes }: Places) {
  const allocations: Allocation[] = [];
  const own = new Map<Tensor, Allocation>();
  const place = (t: Tensor): { allocation: Allocation; offset: number } => {
    const packed = home.get(t);
    return { allocation: own.get(packed?.pack ?? t)!, offset: packed?.offset ?? 0 };
  };
  const touch = (t: Tensor, step: number): void => {
    const owner = home.get(t)?.pack ?? t;
    if (owner.operation.kind === "leaf" && owner.operation.source.from !== "fill") return;
    let allocation = own.get(owner);
    if (!allocation) {
      allocation = {
        label: owner.toString(),
        bytes: Math.ceil((owner.size * elementBytes(owner)) / 16) * 16,
        first: step,
        last: step,
        offset: 0,
      };
      own.set(owner, allocation);
      allocations.push(allocation);
    }
    allocation.last = outputs.has(owner) ? Infinity : step;
  };
  const scratch = steps.map(({ inputs, outputs: written, lowering, node }, step) => {
    for (const t of [...inputs, ...written]) touch(t, step);
    return lowering.scratch.map((elements): Allocation => {
      const allocation = {
        label: `scratch of ${node.toString()}`,
        bytes: Math.ceil(elements / 4) * 16,
        first: step,
        last: step,
        offset: 0,
      };
      allocations.push(allocation);
      return allocation;
    });
  });
  return { allocations, scratch, place };
}
