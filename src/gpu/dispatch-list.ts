/**
 * A fixed list of dispatches over buffers that never move: what a program (src/tensor/program.ts) runs. A run encodes the list into one
 * command buffer and submits; nothing is allocated, bound or compiled then.
 */
import type { Kernel } from "../../kernels/kernel.js";
import { DestroyedError, LimitError } from "../errors.js";
import { type Device, hasConstants, mebibytes } from "./device.js";
import { ConstantBuffer, Memory, Staging } from "./memory.js";

/** A part of the arena, or of a buffer of its own. */
export interface Range {
  readonly memory: Memory | "arena";
  readonly offset: number;
  /** Where a kernel binds it, in whole vectors of four elements: it may take its length from the binding's. */
  readonly bytes: number;
  /** The tensor there, for errors. */
  readonly label: string;
}

export interface Dispatch {
  readonly kernel: Kernel;
  readonly ranges: readonly Range[];
}

export interface DispatchPlan {
  readonly dispatches: readonly Dispatch[];
  readonly arenaBytes: number;
  /** What is copied out after a run, in order. */
  readonly outputs: readonly Range[];
}

/** A dispatch's name and its GPU time. */
export interface Timing {
  readonly name: string;
  readonly milliseconds: number;
}

/** How far the kernels of a list are compiled. */
export interface CompileProgress {
  readonly compiled: number;
  /** Kernels with a text of their own. */
  readonly total: number;
}

/** How a compilation is followed, and given up. */
export interface CompileWatch {
  /** Ends the compilation: it fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called when a kernel is compiled. */
  readonly onProgress?: (progress: CompileProgress) => void;
}

/** Enough to keep every thread of a driver busy; what was not asked for yet when a compilation is given up costs nothing. */
const COMPILED_AT_ONCE = 64;

interface Prepared {
  readonly kernel: Kernel;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

/** The pipelines of all kernels, by their texts. */
async function compileKernels(
  device: Device,
  dispatches: readonly Dispatch[],
  { signal, onProgress }: CompileWatch,
): Promise<Map<string, GPUComputePipeline>> {
  const waiting = [...new Map(dispatches.map((d) => [d.kernel.code, d])).values()];
  const total = waiting.length;
  const pipelines = new Map<string, GPUComputePipeline>();
  let ended = false;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next && !ended; next = waiting.shift()) {
      const { kernel, ranges } = next;
      const pipeline = await device.pipeline(kernel, ranges.length);
      if (ended) return;
      pipelines.set(kernel.code, pipeline);
      onProgress?.({ compiled: pipelines.size, total });
    }
  };
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal!.reason as Error);
    signal?.addEventListener("abort", abort);
  });
  try {
    await Promise.race([aborted, Promise.all(Array.from({ length: COMPILED_AT_ONCE }, work))]);
    signal?.throwIfAborted();
  } finally {
    ended = true;
    signal?.removeEventListener("abort", abort);
  }
  return pipelines;
}

export class DispatchList {
  readonly #idle: Staging[] = [];
  readonly #busy = new Set<Staging>();
  #destroyed = false;
  /** Memory that others may destroy. */
  readonly #shared: ReadonlySet<Memory>;

  private constructor(
    readonly device: Device,
    readonly plan: DispatchPlan,
    readonly arena: Memory,
    readonly constants: ConstantBuffer,
    readonly dispatches: readonly Prepared[],
  ) {
    const ranges = [...plan.dispatches.flatMap((d) => d.ranges), ...plan.outputs];
    this.#shared = new Set(ranges.flatMap(({ memory }) => (memory === "arena" ? [] : [memory])));
  }

  /**
   * Allocates, compiles (in parallel) and binds.
   * @throws LimitError naming the tensor that the adapter cannot hold; KernelError; the signal's reason.
   */
  static async create(device: Device, plan: DispatchPlan, watch: CompileWatch = {}): Promise<DispatchList> {
    const { maxStorageBufferBindingSize: most } = device.gpu.limits;
    for (const { ranges } of plan.dispatches) {
      const large = ranges.find((r) => r.bytes > most);
      if (large)
        throw new LimitError(
          `${large.label} needs ${mebibytes(large.bytes, most)} in one binding, this adapter allows ${mebibytes(most, large.bytes)}`,
        );
    }
    const pipelines = await compileKernels(device, plan.dispatches, watch);
    const arena = new Memory(device, "arena", plan.arenaBytes);
    let constants: ConstantBuffer;
    try {
      constants = new ConstantBuffer(
        device,
        plan.dispatches.map(({ kernel }) => kernel),
      );
    } catch (error) {
      arena.destroy();
      throw error;
    }
    const dispatches = plan.dispatches.map(({ kernel, ranges }): Prepared => {
      const entries: GPUBindGroupEntry[] = ranges.map(({ memory, offset, bytes }, binding) => ({
        binding,
        resource: { buffer: (memory === "arena" ? arena : memory).buffer, offset, size: bytes },
      }));
      if (hasConstants(kernel)) entries.push({ binding: ranges.length, resource: constants.range(kernel) });
      const layout = device.bindGroupLayout(ranges.length, hasConstants(kernel));
      const group = device.gpu.createBindGroup({ label: kernel.name, layout, entries });
      return { kernel, pipeline: pipelines.get(kernel.code)!, group };
    });
    return new DispatchList(device, plan, arena, constants, dispatches);
  }

  /**
   * Raises what stands against running now.
   * @throws DestroyedError when the program or a store of its variables was destroyed; DeviceLostError.
   */
  check(): void {
    if (this.#destroyed) throw new DestroyedError("run: the program was destroyed");
    this.device.check();
    for (const memory of this.#shared)
      if (memory.destroyed) throw new DestroyedError(`run: the variables of ${memory.label} were destroyed`);
  }

  /**
   * Encodes and submits one run, or a part of one. The results of runs not awaited come in order.
   * @param read Whether the outputs are copied out.
   */
  run(read: boolean, from = 0, to = this.dispatches.length): Promise<ArrayBuffer[]> {
    this.check();
    const encoder = this.device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let last: GPUComputePipeline | undefined;
    for (let i = from; i < to; i++) {
      const { kernel, pipeline, group } = this.dispatches[i]!;
      if (pipeline !== last) pass.setPipeline((last = pipeline));
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...kernel.workgroups);
    }
    pass.end();
    const staging = read && this.plan.outputs.length > 0 ? this.#copyOut(encoder) : undefined;
    this.device.gpu.queue.submit([encoder.finish()]);
    return staging ? this.#take(staging) : Promise.resolve([]);
  }

  #copyOut(encoder: GPUCommandEncoder): Staging {
    const total = this.plan.outputs.reduce((n, o) => n + o.bytes, 0);
    const staging = this.#idle.pop() ?? new Staging(this.device, total);
    this.#busy.add(staging);
    let at = 0;
    for (const { memory, offset, bytes } of this.plan.outputs) {
      encoder.copyBufferToBuffer((memory === "arena" ? this.arena : memory).buffer, offset, staging.buffer, at, bytes);
      at += bytes;
    }
    return staging;
  }

  async #take(staging: Staging): Promise<ArrayBuffer[]> {
    let all: ArrayBuffer;
    try {
      all = await staging.take();
    } catch (error) {
      if (this.#destroyed && !this.device.lost)
        throw new DestroyedError("run: the program was destroyed before its results were read", { cause: error });
      throw error;
    }
    this.#busy.delete(staging);
    if (!this.#destroyed) this.#idle.push(staging);
    let at = 0;
    return this.plan.outputs.map(({ bytes }) => all.slice(at, (at += bytes)));
  }

  /** Runs once with a timestamp around every dispatch (slower than a run). Empty where the adapter has no timestamps. */
  async profile(): Promise<Timing[]> {
    this.check();
    if (!this.device.gpu.features.has("timestamp-query")) return [];
    const { gpu } = this.device;
    const [CHUNK, QUERY_RESOLVE, COPY_SRC] = [1024, 0x200, 0x4];
    const timings: Timing[] = [];
    for (let start = 0; start < this.dispatches.length; start += CHUNK) {
      this.check();
      const part = this.dispatches.slice(start, start + CHUNK);
      const queries = gpu.createQuerySet({ type: "timestamp", count: 2 * part.length });
      const resolved = this.device.createBuffer("timestamps", 16 * part.length, QUERY_RESOLVE | COPY_SRC);
      const staging = new Staging(this.device, 16 * part.length);
      const encoder = gpu.createCommandEncoder();
      part.forEach(({ kernel, pipeline, group }, i) => {
        const timestampWrites = { querySet: queries, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...kernel.workgroups);
        pass.end();
      });
      encoder.resolveQuerySet(queries, 0, 2 * part.length, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging.buffer, 0, 16 * part.length);
      gpu.queue.submit([encoder.finish()]);
      try {
        const times = new BigUint64Array(await staging.take());
        part.forEach(({ kernel }, i) => timings.push({ name: kernel.name, milliseconds: Number(times[2 * i + 1]! - times[2 * i]!) / 1e6 }));
      } finally {
        staging.destroy();
        this.device.destroyBuffer(resolved);
        queries.destroy();
      }
    }
    return timings;
  }

  /** Frees the arena and the read-back buffers; a run under way fails with a DestroyedError. */
  destroy(): void {
    this.#destroyed = true;
    this.arena.destroy();
    this.constants.destroy();
    for (const staging of [...this.#idle, ...this.#busy]) staging.destroy();
  }
}
