/**
 * What a kernel is, to the code that launches it. Kernels know nothing of WebGPU objects: a family is a function from a problem's
 * shape and the adapter's traits to WGSL text and launch sizes. `src/gpu` compiles and dispatches it.
 */

/** One compute shader, complete: entry point `main`, bindings 0..n-1 of group 0, all `var<storage, read_write>`. */
export interface Kernel {
  /** Label shown in errors, profiles and benches, e.g. "conv2d.forward 16x8 subgroup". */
  readonly name: string;
  /** The whole WGSL module: the pipeline cache's key. */
  readonly code: string;
  /**
   * Numbers the text reads from `constants`, a uniform array at the binding after the last slot: shapes that only bound a loop or place
   * an operand, where compiling them in would gain nothing and cost every shape a pipeline of its own.
   */
  readonly constants?: readonly number[];
  /** Dispatch size; each at most 65535. */
  readonly workgroups: readonly [number, number, number];
}

/** A buffer that a launch binds: the i-th input, output or scratch buffer of the operation that is being lowered. */
export interface Slot {
  readonly role: "input" | "output" | "scratch";
  readonly index: number;
}

/** A kernel and the buffers at its bindings 0, 1, 2 ... No buffer may appear twice. */
export interface Launch {
  readonly kernel: Kernel;
  readonly slots: readonly Slot[];
}

/** How an operation runs: launches in order, and the sizes (in 4-byte elements) of the scratch buffers they share. */
export interface Lowering {
  readonly launches: readonly Launch[];
  readonly scratch: readonly number[];
  /** Present where the rule chose this one of several ways. */
  readonly tuning?: Tuning;
}

/** What a tuner needs to choose better than the rule. */
export interface Tuning {
  /** All that decides the work, in words: the key under which a winner is remembered, e.g. "matmul 1x512x512x512 mk.kn". */
  readonly problem: string;
  /** Multiplications and additions, or memory accesses in place of 16 of them each: the costliest problems are tuned first. */
  readonly work: number;
  /** Names that the family's function takes; the rule's choice first. */
  readonly candidates: readonly string[];
}

/** What a kernel family may choose by. */
export interface AdapterTraits {
  /** True on a CPU adapter (lavapipe, SwiftShader): barriers and workgroup memory are slow there. */
  readonly software: boolean;
  /** Lanes of a subgroup where that is one fixed number and `subgroups` is enabled; 0 otherwise. */
  readonly subgroupSize: number;
  /** `maxComputeInvocationsPerWorkgroup`. */
  readonly maxInvocations: number;
  /** `maxComputeWorkgroupStorageSize` in bytes. */
  readonly workgroupMemory: number;
}

export const input = (index: number): Slot => ({ role: "input", index });
export const output = (index: number): Slot => ({ role: "output", index });
export const scratch = (index: number): Slot => ({ role: "scratch", index });

/** Something that is done to an input before a lowering reads it: a kernel (bindings: 0 the input, 1 the result) and the result's elements. */
export interface Preparation {
  readonly input: number;
  readonly kernel: Kernel;
  readonly size: number;
}

/** The lowering, reading prepared inputs instead of those it is given. */
export function prepared(lowering: Lowering, preparations: readonly Preparation[]): Lowering {
  const own = lowering.scratch.length;
  const place = (index: number) => preparations.findIndex((p) => p.input === index);
  const launches = lowering.launches.map(({ kernel, slots }) => ({
    kernel,
    slots: slots.map((slot) => (slot.role === "input" && place(slot.index) >= 0 ? scratch(own + place(slot.index)) : slot)),
  }));
  const before = preparations.map(({ kernel, input: index }, i) => ({ kernel, slots: [input(index), scratch(own + i)] }));
  return { ...lowering, launches: [...before, ...launches], scratch: [...lowering.scratch, ...preparations.map(({ size }) => size)] };
}
