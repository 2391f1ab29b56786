/**
 * Times lowerings on a device: buffers filled once, some executions in one submission, no read-back, milliseconds of one execution.
 *
 * Waiting is done asleep for most of the expected time. While a WebGPU promise is pending, Dawn's Node binding polls on the main thread,
 * which on a CPU adapter takes a core from the kernels being timed.
 */
import type { Kernel, Lowering } from "../kernels/kernel.js";
import { type Device, hasConstants } from "../src/gpu/device.js";
import { ConstantBuffer } from "../src/gpu/memory.js";

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** A lowering with its buffers, ready to be timed as often as wished. */
export class Timer {
  readonly #device: Device;
  readonly #run: (pass: GPUComputePassEncoder) => void;
  readonly #destroy: () => void;
  /** Milliseconds of one execution, as last seen. */
  #guess = 0;

  /** Milliseconds that one measurement should take. */
  readonly #duration: number;

  private constructor(device: Device, run: (pass: GPUComputePassEncoder) => void, destroy: () => void, duration: number) {
    this.#device = device;
    this.#run = run;
    this.#destroy = destroy;
    this.#duration = duration;
  }

  static async create(device: Device, lowering: Lowering, inputs: readonly number[], output: number, duration = 120): Promise<Timer> {
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
    const run = (pass: GPUComputePassEncoder) => {
      for (const [i, { kernel }] of lowering.launches.entries()) {
        pass.setPipeline(pipelines[i]!);
        pass.setBindGroup(0, groups[i]!);
        pass.dispatchWorkgroups(...kernel.workgroups);
      }
    };
    const destroy = () => {
      for (const buffer of Object.values(buffers).flat()) buffer.destroy();
      constants.destroy();
    };
    const timer = new Timer(device, run, destroy, duration);
    // The first execution compiles; the next two say what to expect.
    await timer.#execute(1);
    timer.#guess = Math.min((await timer.#execute(1)).ms, (await timer.#execute(1)).ms);
    return timer;
  }

  /** Milliseconds of one execution. */
  async measure(): Promise<number> {
    for (;;) {
      const { ms, overslept } = await this.#execute(Math.max(1, Math.min(1000, Math.round(this.#duration / this.#guess))));
      if (!overslept) return (this.#guess = ms);
      this.#guess /= 2;
    }
  }

  async #execute(times: number): Promise<{ ms: number; overslept: boolean }> {
    const { gpu } = this.#device;
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < times; i++) this.#run(pass);
    pass.end();
    const commands = encoder.finish();
    const start = performance.now();
    gpu.queue.submit([commands]);
    const asleep = this.#guess * times * 0.8;
    if (asleep > 2) await new Promise((resolve) => setTimeout(resolve, asleep));
    const awake = performance.now();
    await gpu.queue.onSubmittedWorkDone();
    this.#device.check();
    const end = performance.now();
    return { ms: (end - start) / times, overslept: asleep > 2 && end - awake < 0.02 * asleep };
  }

  destroy(): void {
    this.#destroy();
  }
}

/** The rate of multiply-adds on registers alone, all lanes busy: what no kernel can pass. */
export class Peak {
  private constructor(
    readonly timer: Timer,
    readonly flops: number,
  ) {}

  static async create(device: Device): Promise<Peak> {
    const sums = Array.from({ length: 24 }, (_, i) => `s${i}`);
    const [groups, rounds] = device.traits.software ? [64, 4000] : [4096, 20000];
    const code = `@group(0) @binding(0) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let x = 0.5 + f32(lane) * 1e-9;
  ${sums.map((s, i) => `var ${s} = ${i}.0;`).join(" ")}
  for (var i = 0; i < ${rounds}; i++) {
    ${sums.map((s) => `${s} = fma(${s}, x, x);`).join(" ")}
  }
  c[group.x * 64u + lane] = ${sums.join(" + ")};
}
`;
    const kernel: Kernel = { name: "peak", code, workgroups: [groups, 1, 1] };
    const lowering: Lowering = { launches: [{ kernel, slots: [{ role: "output", index: 0 }] }], scratch: [] };
    return new Peak(await Timer.create(device, lowering, [], groups * 64, 30), 2 * sums.length * rounds * groups * 64);
  }

  /** GFLOP/s. */
  async measure(): Promise<number> {
    return this.flops / (await this.timer.measure()) / 1e6;
  }
}

function filled(gpu: GPUDevice, elements: number): GPUBuffer {
  const buffer = gpu.createBuffer({
    size: Math.max(16, Math.ceil(elements / 4) * 16),
    usage: GPUBufferUsage.STORAGE,
    mappedAtCreation: true,
  });
  const values = new Float32Array(buffer.getMappedRange());
  for (let i = 0; i < values.length; i++) values[i] = ((i * 7919) % 1000) / 1000 - 0.5;
  buffer.unmap();
  return buffer;
}
