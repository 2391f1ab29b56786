/**
 * Times several ways to compute the same on the device: all are warmed up, those far behind are left out, the others run in turns, so
 * that whatever else slows the machine slows them alike. The median counts. By timestamps where the adapter has them; nothing is read
 * back but those.
 */
import type { Lowering, Slot } from "../../kernels/kernel.js";
import { KernelError, LimitError } from "../errors.js";
import { type Device, hasConstants } from "./device.js";
import { ConstantBuffer, Memory, Staging } from "./memory.js";
import type { RaceSizes } from "./tunable.js";

/** Milliseconds of one execution of each entrant; infinite for one that does not compile or fit, or fell far behind. */
export type Race = (entrants: readonly Lowering[], sizes: RaceSizes) => Promise<number[]>;

const ROUNDS = 5;

/** Milliseconds that one measurement should take at least, by as many executions as that needs. */
const MEASUREMENT = { timestamps: 2, wall: 8 };
const MOST_EXECUTIONS = 64;

/** An entrant so many times slower than the best, at its first measurement, runs no further. */
const FAR_BEHIND = 1.5;

interface Entrant {
  readonly index: number;
  readonly encode: Encode;
}

type Encode = (pass: GPUComputePassEncoder) => void;

/** The race on a device. Its buffers are freed; the pipelines stay in the device's cache. */
export function raceOn(device: Device): Race {
  return async (lowerings, sizes) => {
    const track = new Track(device, lowerings, sizes);
    try {
      return await track.race();
    } finally {
      track.destroy();
    }
  };
}

/** Buffers, as large as the largest entrant needs them, and a stopwatch. */
class Track {
  readonly #owned: { destroy(): void }[] = [];
  readonly #buffers: Readonly<Record<Slot["role"], readonly Memory[]>>;
  readonly #clock: Stopwatch;
  readonly #fitting: readonly { readonly lowering: Lowering; readonly index: number }[];

  constructor(
    readonly device: Device,
    readonly lowerings: readonly Lowering[],
    { inputs, outputs }: RaceSizes,
  ) {
    const most = device.gpu.limits.maxStorageBufferBindingSize;
    this.#fitting = lowerings
      .map((lowering, index) => ({ lowering, index }))
      .filter(({ lowering }) => lowering.scratch.every((elements) => elements * 4 <= most));
    const scratch: number[] = [];
    for (const { lowering } of this.#fitting) lowering.scratch.forEach((size, i) => (scratch[i] = Math.max(size, scratch[i] ?? 0)));
    try {
      const memory = (what: string, elements: readonly number[]) =>
        elements.map((n) => this.#own(new Memory(device, `tuning ${what}`, n * 4)));
      this.#buffers = { input: memory("input", inputs), output: memory("output", outputs), scratch: memory("scratch", scratch) };
      this.#clock = this.#own(new Stopwatch(device));
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  async race(): Promise<number[]> {
    const prepared = await Promise.all(this.#fitting.map(({ lowering, index }) => this.#prepare(lowering, index)));
    const entrants = prepared.filter((entrant) => entrant !== undefined);
    // A driver may compile at the first execution.
    for (const { encode } of entrants) await this.#clock.time(encode, 1);
    const first: number[] = [];
    for (const { encode } of entrants) first.push(await this.#clock.time(encode, 1));
    const least = Math.min(...first);
    const running = entrants.filter((_, i) => first[i]! <= FAR_BEHIND * least);
    const executions = Math.min(MOST_EXECUTIONS, Math.max(1, Math.ceil(this.#clock.measurement / Math.max(least, 1e-6))));
    const times = running.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, { encode }] of running.entries()) times[i]!.push(await this.#clock.time(encode, executions));
    const result = this.lowerings.map(() => Infinity);
    running.forEach(({ index }, i) => (result[index] = median(times[i]!)));
    return result;
  }

  /** Undefined where a kernel does not compile: a candidate that a driver refuses must not end what the rule's choice can do. */
  async #prepare({ launches }: Lowering, index: number): Promise<Entrant | undefined> {
    const { device } = this;
    try {
      const pipelines = await Promise.all(launches.map(({ kernel, slots }) => device.pipeline(kernel, slots.length)));
      const kernels = launches.map(({ kernel }) => kernel);
      const constants = this.#own(new ConstantBuffer(device, kernels));
      const groups = launches.map(({ kernel, slots }) => {
        const entries = slots.map(({ role, index: i }, binding): GPUBindGroupEntry => {
          return { binding, resource: { buffer: this.#buffers[role][i]!.buffer } };
        });
        if (hasConstants(kernel)) entries.push({ binding: slots.length, resource: constants.range(kernel) });
        return device.gpu.createBindGroup({ layout: device.bindGroupLayout(slots.length, hasConstants(kernel)), entries });
      });
      const encode: Encode = (pass) =>
        kernels.forEach((kernel, i) => {
          pass.setPipeline(pipelines[i]!);
          pass.setBindGroup(0, groups[i]!);
          pass.dispatchWorkgroups(...kernel.workgroups);
        });
      return { index, encode };
    } catch (error) {
      if (error instanceof KernelError || error instanceof LimitError) return undefined;
      throw error;
    }
  }

  #own<T extends { destroy(): void }>(thing: T): T {
    this.#owned.push(thing);
    return thing;
  }

  destroy(): void {
    for (const thing of this.#owned) thing.destroy();
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Milliseconds of executions in one submission. */
class Stopwatch {
  readonly #timestamps: { readonly queries: GPUQuerySet; readonly resolved: GPUBuffer; readonly staging: Staging } | undefined;

  constructor(readonly device: Device) {
    if (!device.gpu.features.has("timestamp-query")) return;
    const [QUERY_RESOLVE, COPY_SRC] = [0x200, 0x4];
    this.#timestamps = {
      queries: device.gpu.createQuerySet({ type: "timestamp", count: 2 }),
      resolved: device.createBuffer("timestamps", 16, QUERY_RESOLVE | COPY_SRC),
      staging: new Staging(device, 16),
    };
  }

  /** How long a measurement should be, in milliseconds, to be precise. */
  get measurement(): number {
    return this.#timestamps ? MEASUREMENT.timestamps : MEASUREMENT.wall;
  }

  /** Of one of `executions`. */
  async time(encode: Encode, executions: number): Promise<number> {
    const { gpu } = this.device;
    const stamps = this.#timestamps;
    const encoder = gpu.createCommandEncoder();
    const timestampWrites = stamps && { querySet: stamps.queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass(timestampWrites ? { timestampWrites } : {});
    for (let i = 0; i < executions; i++) encode(pass);
    pass.end();
    if (!stamps) {
      const start = performance.now();
      gpu.queue.submit([encoder.finish()]);
      await gpu.queue.onSubmittedWorkDone();
      this.device.check();
      return (performance.now() - start) / executions;
    }
    encoder.resolveQuerySet(stamps.queries, 0, 2, stamps.resolved, 0);
    encoder.copyBufferToBuffer(stamps.resolved, 0, stamps.staging.buffer, 0, 16);
    gpu.queue.submit([encoder.finish()]);
    const [begin, end] = new BigUint64Array(await stamps.staging.take());
    return Number(end! - begin!) / 1e6 / executions;
  }

  destroy(): void {
    if (!this.#timestamps) return;
    const { queries, resolved, staging } = this.#timestamps;
    queries.destroy();
    staging.destroy();
    this.device.destroyBuffer(resolved);
  }
}
