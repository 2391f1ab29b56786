/** Runs a lowering on the default adapter: buffers in, arrays out. Kernels are tested by this alone, below the engine. */
import type { Lowering } from "../../kernels/kernel.js";
import { type Device, hasConstants, openDevice } from "../../src/gpu/device.js";
import { ConstantBuffer } from "../../src/gpu/memory.js";
import type { Halves } from "../../kernels/halves.js";
import { fromHalf, toHalf } from "../half.js";

let opened: Promise<Device> | undefined;

/** One device for all tests of a file. */
export const device = (): Promise<Device> => (opened ??= openDevice());

/** Fills what a kernel should write or may not read; a NaN that shows up in a result was not written, or was read. */
const POISON = 0x7fc0dead;

const NO_HALVES: Halves = { input: [], output: [] };

/**
 * Outputs of `lowering`, whose buffers hold `outputSizes` elements. Outputs, scratch and the inputs' padding are NaN beforehand.
 * @param halves Which inputs and outputs the kernels of the lowering store in f16.
 */
export async function run(
  lowering: Lowering,
  inputs: readonly Float32Array[],
  outputSizes: readonly number[],
  halves = NO_HALVES,
): Promise<Float32Array[]> {
  const { gpu, pipelines } = await prepare(lowering);
  const constants = new ConstantBuffer(
    await device(),
    lowering.launches.map(({ kernel }) => kernel),
  );
  const buffers = {
    input: inputs.map((data, i) => filled(gpu, data.length, data, halves.input[i])),
    output: outputSizes.map((size, i) => filled(gpu, size, undefined, halves.output[i])),
    scratch: lowering.scratch.map((size) => filled(gpu, size)),
  };
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  lowering.launches.forEach(({ kernel, slots }, i) => {
    const pipeline = pipelines[i]!;
    const entries: GPUBindGroupEntry[] = slots.map((slot, binding) => ({ binding, resource: { buffer: buffers[slot.role][slot.index]! } }));
    if (hasConstants(kernel)) entries.push({ binding: slots.length, resource: constants.range(kernel) });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...kernel.workgroups);
  });
  pass.end();
  const readable = buffers.output.map((buffer) => {
    const copy = gpu.createBuffer({ size: buffer.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    return copy;
  });
  gpu.queue.submit([encoder.finish()]);
  const results: Float32Array[] = [];
  for (const [i, copy] of readable.entries()) {
    await copy.mapAsync(GPUMapMode.READ);
    const bytes = copy.getMappedRange().slice(0, outputSizes[i]! * (halves.output[i] ? 2 : 4));
    results.push(halves.output[i] ? Float32Array.from(new Uint16Array(bytes), fromHalf) : new Float32Array(bytes));
    copy.destroy();
  }
  (await device()).check();
  for (const buffer of Object.values(buffers).flat()) buffer.destroy();
  constants.destroy();
  return results;
}

async function prepare(lowering: Lowering): Promise<{ gpu: GPUDevice; pipelines: GPUComputePipeline[] }> {
  const opened = await device();
  const pipelines = await Promise.all(lowering.launches.map(({ kernel, slots }) => opened.pipeline(kernel, slots.length)));
  return { gpu: opened.gpu, pipelines };
}

/** POISON as a half. */
const POISON_HALF = 0x7e0d;

function filled(gpu: GPUDevice, elements: number, data?: Float32Array, half = false): GPUBuffer {
  const size = half ? Math.max(8, Math.ceil(elements / 4) * 8) : Math.max(16, Math.ceil(elements / 4) * 16);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = gpu.createBuffer({ size, usage, mappedAtCreation: true });
  const range = buffer.getMappedRange();
  if (half) new Uint16Array(range).fill(POISON_HALF).set(Uint16Array.from(data ?? [], toHalf));
  else {
    new Uint32Array(range).fill(POISON);
    if (data) new Float32Array(range).set(data);
  }
  buffer.unmap();
  return buffer;
}
