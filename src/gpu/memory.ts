/** Buffers that outlive a run: variables' stores, inputs and constants. */
import type { Kernel } from "../../kernels/kernel.js";
import { waitAsleep } from "./dawn.js";
import { type Device, hasConstants } from "./device.js";

const { STORAGE, UNIFORM, COPY_SRC, COPY_DST, MAP_READ } = { STORAGE: 0x80, UNIFORM: 0x40, COPY_SRC: 0x4, COPY_DST: 0x8, MAP_READ: 0x1 };

export class Memory {
  readonly buffer: GPUBuffer;
  #destroyed = false;

  constructor(
    readonly device: Device,
    readonly label: string,
    bytes: number,
  ) {
    this.buffer = device.createBuffer(label, bytes, STORAGE | COPY_SRC | COPY_DST);
  }

  /** True once its buffer is freed: work with it would be refused, but only after it was submitted. */
  get destroyed(): boolean {
    return this.#destroyed;
  }

  write(values: Float32Array | Uint32Array): void {
    this.device.gpu.queue.writeBuffer(this.buffer, 0, values as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>);
  }

  /** All of it, once the work submitted so far is done. */
  async read(): Promise<Float32Array<ArrayBuffer>> {
    const staging = new Staging(this.device, this.buffer.size);
    const encoder = this.device.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(this.buffer, 0, staging.buffer, 0, this.buffer.size);
    this.device.gpu.queue.submit([encoder.finish()]);
    try {
      return new Float32Array(await staging.take());
    } finally {
      staging.destroy();
    }
  }

  destroy(): void {
    this.#destroyed = true;
    this.device.destroyBuffer(this.buffer);
  }
}

/** The constants of a program's kernels in one uniform buffer; equal ones share a place. */
export class ConstantBuffer {
  readonly #buffer: GPUBuffer;
  readonly #offsets = new Map<string, number>();

  constructor(
    readonly device: Device,
    kernels: readonly Kernel[],
  ) {
    const step = device.gpu.limits.minUniformBufferOffsetAlignment;
    const lists = [...new Map(kernels.filter(hasConstants).map((k) => [String(k.constants), k.constants!])).values()];
    const padded = (values: readonly number[]) => Math.ceil((values.length * 4) / step) * step;
    const words = new Uint32Array(Math.max(4, lists.reduce((n, values) => n + padded(values), 0) / 4));
    let offset = 0;
    for (const values of lists) {
      words.set(values, offset / 4);
      this.#offsets.set(String(values), offset);
      offset += padded(values);
    }
    this.#buffer = device.createBuffer("constants", words.byteLength, UNIFORM | COPY_DST);
    device.gpu.queue.writeBuffer(this.#buffer, 0, words);
  }

  /** What to bind for a kernel. */
  range({ constants }: Kernel): GPUBufferBinding {
    const values = constants ?? [];
    return { buffer: this.#buffer, offset: this.#offsets.get(String(values))!, size: Math.ceil(values.length / 4) * 16 };
  }

  destroy(): void {
    this.device.destroyBuffer(this.#buffer);
  }
}

/** A buffer through which results come back to JavaScript. */
export class Staging {
  readonly buffer: GPUBuffer;

  constructor(
    readonly device: Device,
    bytes: number,
  ) {
    this.buffer = device.createBuffer("read-back", bytes, MAP_READ | COPY_DST);
  }

  /** A copy of its bytes, once the submitted work that fills it is done. */
  take(): Promise<ArrayBuffer> {
    return this.lend((bytes) => Promise.resolve(bytes.slice(0)));
  }

  /** Its bytes as they lie, once the submitted work that fills it is done, for as long as `work` takes; it may change them. */
  async lend<Result>(work: (bytes: ArrayBuffer) => Promise<Result>): Promise<Result> {
    let bytes: ArrayBuffer;
    try {
      const mapped = this.buffer.mapAsync(1);
      await (this.device.traits.software ? waitAsleep(mapped) : mapped);
      bytes = this.buffer.getMappedRange();
    } catch (error) {
      // A lost device rejects the mapping before `lost` resolves; what the user needs to hear is the loss.
      if (!this.device.lost) await Promise.race([this.device.gpu.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      this.device.check();
      throw error;
    }
    try {
      return await work(bytes);
    } finally {
      this.buffer.unmap();
      this.device.check();
    }
  }

  destroy(): void {
    this.device.destroyBuffer(this.buffer);
  }
}
