/**
 * Times work on a device: some executions in one submission, no read-back, milliseconds of one execution; and the adapter's own limits.
 *
 * On a CPU adapter the wait is asleep: while a WebGPU promise is pending, Dawn's Node binding polls on the main thread, which takes a core
 * from the kernels being timed.
 */
import type { Kernel, Lowering } from "../kernels/kernel.js";
import { waitAsleep } from "../src/gpu/dawn.js";
import { type Device, hasConstants } from "../src/gpu/device.js";
import { ConstantBuffer, Staging } from "../src/gpu/memory.js";
import type { Store } from "../src/tensor/variables.js";

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Waits until all that was submitted is done. */
export async function drained(device: Device): Promise<void> {
  const done = device.gpu.queue.onSubmittedWorkDone();
  await (device.traits.software ? waitAsleep(done) : done);
  device.check();
}

/** Milliseconds of work after which a GPU runs at its full clock. */
const WAKING = 400;

/** Something that can be executed as often as wished, and how long it takes. */
export class Stopwatch {
  /** Milliseconds of one execution, as last seen. */
  #guess = 0;

  private constructor(
    readonly device: Device,
    readonly submit: (times: number) => void,
    readonly duration: number,
  ) {}

  /**
   * Warms up: the first execution compiles, the next say what to expect.
   * @param submit Submits that many executions.
   * @param duration Milliseconds that one measurement should take.
   */
  static async create(device: Device, submit: (times: number) => void, duration = 120): Promise<Stopwatch> {
    const watch = new Stopwatch(device, submit, duration);
    await watch.#execute(1);
    watch.#guess = await watch.#execute(1);
    if (watch.#guess < duration) watch.#guess = Math.min(watch.#guess, await watch.#execute(1));
    if (!device.traits.software) await watch.#wake();
    return watch;
  }

  /** Milliseconds of one execution, as last measured. */
  get expected(): number {
    return this.#guess;
  }

  /** Milliseconds of one execution. */
  async measure(): Promise<number> {
    return (this.#guess = await this.#execute(Math.max(1, Math.min(1000, Math.round(this.duration / this.#guess)))));
  }

  /** An idle GPU runs at a fraction of its clock (an H200: 345 of 1980 MHz) until it has been busy for a while. */
  async #wake(): Promise<void> {
    const end = performance.now() + WAKING;
    do await this.measure();
    while (performance.now() < end);
  }

  async #execute(times: number): Promise<number> {
    const start = performance.now();
    this.submit(times);
    await drained(this.device);
    return (performance.now() - start) / times;
  }
}

/** A lowering with buffers of its own, filled once, ready to be timed. */
export class Timer {
  private constructor(
    readonly watch: Stopwatch,
    readonly output: GPUBuffer,
    readonly destroy: () => void,
  ) {}

  /** @param inputs Elements of each input. @param output Elements of the output. @param duration As of Stopwatch. */
  static async create(device: Device, lowering: Lowering, inputs: readonly number[], output: number, duration?: number): Promise<Timer> {
    const { gpu } = device;
    const pipelines = await Promise.all(lowering.launches.map(({ kernel, slots }) => device.pipeline(kernel, slots.length)));
    const constants = new ConstantBuffer(
      device,
      lowering.launches.map(({ kernel }) => kernel),
    );
    const buffers = {
      input: inputs.map((size) => filled(gpu, size)),
      output: [filled(gpu, output)],
      scratch: lowering.scratch.map((size) => filled(gpu, size)),
    };
    const groups = lowering.launches.map(({ kernel, slots }, i) => {
      const entries: GPUBindGroupEntry[] = slots.map((slot, binding) => ({
        binding,
        resource: { buffer: buffers[slot.role][slot.index]! },
      }));
      if (hasConstants(kernel)) entries.push({ binding: slots.length, resource: constants.range(kernel) });
      return gpu.createBindGroup({ layout: pipelines[i]!.getBindGroupLayout(0), entries });
    });
    const submit = (times: number) => {
      const encoder = gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (let n = 0; n < times; n++) {
        for (const [i, { kernel }] of lowering.launches.entries()) {
          pass.setPipeline(pipelines[i]!);
          pass.setBindGroup(0, groups[i]!);
          pass.dispatchWorkgroups(...kernel.workgroups);
        }
      }
      pass.end();
      gpu.queue.submit([encoder.finish()]);
    };
    const destroy = () => {
      for (const buffer of Object.values(buffers).flat()) buffer.destroy();
      constants.destroy();
    };
    return new Timer(await Stopwatch.create(device, submit, duration), buffers.output[0]!, destroy);
  }

  /** Milliseconds of one execution. */
  measure(): Promise<number> {
    return this.watch.measure();
  }

  /** The first `elements` of the output; outside of what is timed. */
  async read(elements: number): Promise<Float32Array> {
    const { device } = this.watch;
    const staging = new Staging(device, elements * 4);
    const encoder = device.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(this.output, 0, staging.buffer, 0, elements * 4);
    device.gpu.queue.submit([encoder.finish()]);
    const bytes = await staging.take();
    staging.destroy();
    return new Float32Array(bytes);
  }
}

/** A kernel of one output (and inputs) as a lowering. */
const alone = (kernel: Kernel, inputs: number): Lowering => ({
  launches: [
    {
      kernel,
      slots: [...Array.from({ length: inputs }, (_, index) => ({ role: "input" as const, index })), { role: "output" as const, index: 0 }],
    },
  ],
  scratch: [],
});

/** What no kernel can pass on this adapter: multiply-adds on registers alone, all lanes busy, and a copy from memory to memory. */
export class Limits {
  private constructor(
    readonly arithmetic: Timer,
    readonly copy: Timer,
    readonly empty: Timer,
    readonly flops: number,
    readonly bytes: number,
  ) {}

  static async create(device: Device): Promise<Limits> {
    const { software } = device.traits;
    const sums = Array.from({ length: 24 }, (_, i) => `s${i}`);
    const [groups, rounds, unrolled] = software ? [64, 500, 8] : [4096, 2500, 8];
    // A body so long that counting does not show, and a bound that no compiler knows, lest one unrolls or foresees it all: a number of the
    // buffer, cut to a half at most, is added as 0.
    const multiplyAdd = `@group(0) @binding(0) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let x = 0.5 + f32(lane) * 1e-9;
  let rounds = ${rounds} + i32(clamp(c[group.x * 64u + lane], -0.5, 0.5));
  ${sums.map((s, i) => `var ${s} = ${i}.0;`).join(" ")}
  for (var i = 0; i < rounds; i++) {
    ${Array.from({ length: unrolled }, () => sums.map((s) => `${s} = fma(${s}, x, x);`).join(" ")).join("\n    ")}
  }
  c[group.x * 64u + lane] = ${sums.join(" + ")};
}
`;
    // Larger than caches, 64 MiB each way; sixteen values an invocation, lest starting workgroups be what is measured.
    const copyGroups = 4096;
    const copy = `@group(0) @binding(0) var<storage, read_write> a: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> c: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  for (var i = 0u; i < 16u; i++) {
    let at = (group.x * 16u + i) * 64u + lane;
    c[at] = a[at];
  }
}
`;
    const elements = copyGroups * 16 * 64 * 4;
    const empty = `@group(0) @binding(0) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(1)
fn main() { c[0] = 0.0; }
`;
    return new Limits(
      await Timer.create(device, alone({ name: "peak", code: multiplyAdd, workgroups: [groups, 1, 1] }, 0), [], groups * 64, 30),
      await Timer.create(device, alone({ name: "copy", code: copy, workgroups: [copyGroups, 1, 1] }, 1), [elements], elements, 30),
      await Timer.create(device, alone({ name: "empty", code: empty, workgroups: [1, 1, 1] }, 0), [], 4, 30),
      2 * sums.length * unrolled * rounds * groups * 64,
      2 * elements * 4,
    );
  }

  /** GFLOP/s. */
  async gflops(): Promise<number> {
    return this.flops / (await this.arithmetic.measure()) / 1e6;
  }

  /** Gigabytes a second, read and written. */
  async gbps(): Promise<number> {
    return this.bytes / (await this.copy.measure()) / 1e6;
  }

  destroy(): void {
    for (const timer of [this.arithmetic, this.copy, this.empty]) timer.destroy();
  }
}

/** The i-th value that every input of a benchmark has, ours and the peers': in -0.5 ... 0.5. */
export const inputValue = (i: number): number => Math.fround(((i * 7919) % 1000) / 1000 - 0.5);

export const inputValues = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => inputValue(i));

function filled(gpu: GPUDevice, elements: number): GPUBuffer {
  const buffer = gpu.createBuffer({
    size: Math.max(16, Math.ceil(elements / 4) * 16),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    mappedAtCreation: true,
  });
  // Made elsewhere and copied: memory that a GPU reads may be a hundred times slower to read from here.
  new Float32Array(buffer.getMappedRange()).set(inputValues(buffer.size / 4));
  buffer.unmap();
  return buffer;
}

/** Frees the device's memory behind variables; programs over them must be gone. */
export function freeStores(stores: readonly Store[]): void {
  for (const store of stores) store.destroy();
}
