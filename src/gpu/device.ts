/** A WebGPU device as petalgrad uses it: limits raised to the adapter's, errors that surface, a pipeline cache, buffers with names. */
import type { AdapterTraits, Kernel } from "../../kernels/kernel.js";
import { requireOptions } from "../arguments.js";
import { commandLine } from "../command-line.js";
import { DeviceLostError, KernelError, LimitError, UserError } from "../errors.js";
import { openGpu } from "./dawn.js";
import type { KernelChooser } from "./tunable.js";

/** How a device is opened. */
export interface DeviceOptions {
  /** Dawn toggles such as "enable-dawn-features=disable_robustness"; ignored by browsers, which have none. */
  readonly toggles?: readonly string[];
  /** Ask the browser for a fallback (software) adapter. */
  readonly forceFallbackAdapter?: boolean;
}

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** What to say where there is no adapter. */
export const NO_ADAPTER = `no GPU adapter found: install a Vulkan driver (\`${commandLine("doctor")}\` says how), or use a browser with WebGPU`;

/** State of the module, since `tensor.read()` is called without a device; programs are compiled for the device they are given. */
let current: Device | undefined;

/**
 * Opens the default adapter and a device on it. The last device opened is the one `tensor.read()` uses.
 * @throws UserError where WebGPU or an adapter is missing.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  requireOptions("openDevice", options, ["toggles", "forceFallbackAdapter"]);
  const gpu = await openGpu(options.toggles);
  if (!gpu) throw new UserError(NO_ADAPTER);
  const adapter = await gpu.requestAdapter({
    powerPreference: "high-performance",
    ...(options.forceFallbackAdapter ? { forceFallbackAdapter: true } : {}),
  });
  if (!adapter) throw new UserError(NO_ADAPTER);
  const requiredLimits: Record<string, number> = {};
  for (const limit of LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const wanted = ["subgroups", "shader-f16", "timestamp-query"] as GPUFeatureName[];
  const requiredFeatures = wanted.filter((feature) => adapter.features.has(feature));
  const device = new Device(await adapter.requestDevice({ requiredLimits, requiredFeatures }), adapter.info);
  current = device;
  return device;
}

/** The last device opened, opening one if there is none. */
export async function currentDevice(): Promise<Device> {
  return current && !current.lost ? current : openDevice();
}

/** A GPU device with its pipelines, its buffers and what is known of its adapter. `openDevice` makes one. */
export class Device {
  readonly traits: AdapterTraits;
  /** Chooses the kernels of programs compiled from now on; without one, a rule does. */
  tuner: KernelChooser | undefined;
  /** Set once the device is gone. */
  lost: DeviceLostError | undefined;
  /** Bytes of GPU buffers created through this device and not yet destroyed. */
  allocatedBytes = 0;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #layouts = new Map<number, GPUBindGroupLayout>();
  #error: Error | undefined;
  /** Buffers counted in `allocatedBytes`. Weak: one that is forgotten without being destroyed may be collected. */
  #counted = new WeakSet<GPUBuffer>();
  readonly #onError = (event: Event): void => {
    this.#error ??= new Error(`WebGPU: ${(event as GPUUncapturedErrorEvent).error.message}`);
  };

  constructor(
    readonly gpu: GPUDevice,
    readonly info: GPUAdapterInfo,
  ) {
    const limits = gpu.limits;
    const fallback = (info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
    const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info as { subgroupMinSize?: number; subgroupMaxSize?: number };
    this.traits = {
      software: fallback || /llvmpipe|lavapipe|swiftshader|software/i.test(`${info.architecture} ${info.description} ${info.device}`),
      subgroupSize: gpu.features.has("subgroups" as GPUFeatureName) && least === most ? least : 0,
      maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
      workgroupMemory: limits.maxComputeWorkgroupStorageSize,
    };
    void gpu.lost.then((info) => {
      this.#release(new DeviceLostError(`the GPU device was lost (${info.reason}): ${info.message || "no reason given"}`));
    });
    gpu.addEventListener("uncapturederror", this.#onError);
  }

  /** One line: vendor, architecture and driver of the adapter. */
  get description(): string {
    return [this.info.vendor, this.info.architecture, this.info.description || this.info.device].filter(Boolean).join(" ");
  }

  /** Raises what went wrong since the last call: a lost device, or an error WebGPU reported after the call that caused it. */
  check(): void {
    if (this.lost) throw this.lost;
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
  }

  /**
   * A zeroed buffer of at least `bytes` bytes (rounded up to 16).
   * @throws LimitError when the adapter cannot hold or bind that much; WebGPU itself would only report it later.
   */
  createBuffer(label: string, bytes: number, usage: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const { maxBufferSize } = this.gpu.limits;
    if (size > maxBufferSize)
      throw new LimitError(
        `${label} needs ${mebibytes(size, maxBufferSize)}, this adapter's buffers end at ${mebibytes(maxBufferSize, size)}`,
      );
    this.check();
    const buffer = this.gpu.createBuffer({ label, size, usage });
    this.allocatedBytes += size;
    this.#counted.add(buffer);
    return buffer;
  }

  /** Frees a buffer; a second time, or after the device's own end, it does nothing. */
  destroyBuffer(buffer: GPUBuffer): void {
    if (!this.#counted.delete(buffer)) return;
    this.allocatedBytes -= buffer.size;
    buffer.destroy();
  }

  /** The layout of `count` storage buffers in group 0, and the kernel's constants after them; shared by all such kernels. */
  bindGroupLayout(count: number, constants: boolean): GPUBindGroupLayout {
    const key = constants ? -count : count;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries = Array.from({ length: count + (constants ? 1 : 0) }, (_, binding) => {
        const type = binding < count ? ("storage" as const) : ("uniform" as const);
        return { binding, visibility: 4, buffer: { type } };
      });
      layout = this.gpu.createBindGroupLayout({ label: `${count} storage buffers`, entries });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  /**
   * The pipeline of a kernel, compiled once per WGSL text; callers that ask at the same time share one compilation.
   * @throws KernelError with the compiler's messages and the numbered source.
   */
  pipeline(kernel: Kernel, bindings: number): Promise<GPUComputePipeline> {
    if (this.lost) return Promise.reject(this.lost);
    let pipeline = this.#pipelines.get(kernel.code);
    if (!pipeline) {
      pipeline = this.#compile(kernel, bindings);
      this.#pipelines.set(kernel.code, pipeline);
    }
    return pipeline;
  }

  async #compile(kernel: Kernel, bindings: number): Promise<GPUComputePipeline> {
    const { maxStorageBuffersPerShaderStage: most, maxComputeWorkgroupsPerDimension: groups } = this.gpu.limits;
    if (bindings > most) throw new LimitError(`kernel ${kernel.name} binds ${bindings} buffers, this adapter allows ${most}`);
    if (kernel.workgroups.some((n) => n > groups))
      throw new LimitError(`kernel ${kernel.name} launches ${kernel.workgroups.join("x")} workgroups`);
    this.gpu.pushErrorScope("validation");
    const module = this.gpu.createShaderModule({ label: kernel.name, code: kernel.code });
    const scope = this.gpu.popErrorScope();
    const layout = this.gpu.createPipelineLayout({ bindGroupLayouts: [this.bindGroupLayout(bindings, hasConstants(kernel))] });
    try {
      const pipeline = await this.gpu.createComputePipelineAsync({ label: kernel.name, layout, compute: { module, entryPoint: "main" } });
      await scope;
      return pipeline;
    } catch (cause) {
      await scope.catch(() => null);
      if (this.lost) throw this.lost;
      const messages = (await module.getCompilationInfo()).messages.map((m) => `  ${m.lineNum}:${m.linePos} ${m.type}: ${m.message}`);
      const source = kernel.code.split("\n").map((line, i) => `${String(i + 1).padStart(4)} | ${line}`);
      const reason = messages.length > 0 ? messages.join("\n") : String(cause);
      throw new KernelError(`kernel ${kernel.name} does not compile:\n${reason}\n${source.join("\n")}`, { cause });
    }
  }

  /** Frees the device; everything on it is gone, and whoever still waits for something of it gets a DeviceLostError. */
  destroy(): void {
    this.#release(new DeviceLostError("the GPU device was lost (destroyed): it was destroyed on purpose"));
    this.gpu.destroy();
  }

  /** The device's end: forgets what was on it. The listener would keep this object, and through it the device with its threads, for ever. */
  #release(reason: DeviceLostError): void {
    if (this.lost) return;
    this.lost = reason;
    this.gpu.removeEventListener("uncapturederror", this.#onError);
    this.#counted = new WeakSet();
    this.allocatedBytes = 0;
    this.#pipelines.clear();
    this.#layouts.clear();
    if (current === this) current = undefined;
  }
}

export const hasConstants = (kernel: Kernel): boolean => (kernel.constants?.length ?? 0) > 0;

/**
 * A size for people: "12.5 MiB".
 * @param other One that it is told apart from: where both would read alike, bytes are given.
 */
export function mebibytes(bytes: number, other = bytes): string {
  const text = (size: number) => `${(size / 2 ** 20).toFixed(size < 2 ** 24 ? 1 : 0)} MiB`;
  return other !== bytes && text(other) === text(bytes) ? `${bytes} bytes` : text(bytes);
}
