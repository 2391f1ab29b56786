/**
 * Is there a GPU adapter, and does it compute? Asked in a child process, since a broken driver can end the process that loads it.
 * Run as a script, this file is that child: it prints one line of JSON. Plain JavaScript, since scripts/setup.mjs uses it before
 * anything is installed.
 */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * @typedef {object} Probe
 * @property {string} [adapter] what the adapter calls itself, where there is one
 * @property {"package" | "crash" | "none"} [kind] why there is none: npm's webgpu does not load here, the driver died, or nothing was found
 * @property {string} [reason] what Dawn, the loader or the system said, one or a few lines
 * @property {Record<string, string | number | boolean>} [info] `GPUAdapterInfo`
 * @property {string[]} [features]
 * @property {Record<string, number>} [limits]
 * @property {string} [fault] asked to compute, the adapter failed in this way
 */

/** Lines that Dawn and Mesa print though nothing is wrong. */
const NOISE = /artificially reduced|XDG_RUNTIME_DIR|^\s+at |^\s*$/;

/**
 * @param {{compute?: boolean, timeout?: number}} [options] `compute`: also run a small shader and check its result; `timeout` in milliseconds
 * @returns {Promise<Probe>}
 */
export function probeAdapter({ compute = false, timeout = 60_000 } = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };
    const words = [fileURLToPath(import.meta.url), ...(compute ? ["--compute"] : [])];
    const child = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "pipe"], timeout });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.on("close", (code, signal) => {
      const said = err.split("\n").filter((line) => !NOISE.test(line));
      try {
        const answer = JSON.parse(out);
        if (answer.kind === "none") answer.reason = said.join("\n") || "Dawn found no Vulkan, Metal or Direct3D 12 device";
        resolve(answer);
      } catch {
        const how = signal ? `by signal ${signal}` : `with exit code ${code}`;
        resolve({ kind: "crash", reason: [`the GPU driver ended the process ${how}`, ...said.slice(-5)].join("\n") });
      }
    });
  });
}

/**
 * @param {boolean} compute
 * @returns {Promise<Probe>}
 */
async function answer(compute) {
  let webgpu;
  try {
    webgpu = await import("webgpu");
  } catch (error) {
    return { kind: "package", reason: `npm's webgpu does not load here: ${error instanceof Error ? error.message.split("\n")[0] : error}` };
  }
  // As src/gpu/dawn.ts opens it.
  const gpu = webgpu.create(["enable-dawn-features=vulkan_enable_f16_on_nvidia"]);
  // Dawn aborts when this object is collected.
  Object.assign(globalThis, { gpu });
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return { kind: "none" };
  const info = members(adapter.info);
  const limits = members(adapter.limits);
  const name = [info.vendor, info.architecture, info.description || info.device].filter(Boolean).join(" ");
  /** @type {Probe} */
  const probe = { adapter: name, info, features: [...adapter.features].sort(), limits: /** @type {Record<string, number>} */ (limits) };
  if (compute) {
    try {
      probe.fault = await faultOf(adapter);
    } catch (error) {
      probe.fault = error instanceof Error ? error.message : String(error);
    }
  }
  return probe;
}

/**
 * The plain values of a WebGPU object, whose getters stand on its prototype.
 * @param {object} object
 */
function members(object) {
  /** @type {Record<string, string | number | boolean>} */
  const values = {};
  for (const key of Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object)))) {
    const value = /** @type {Record<string, unknown>} */ (object)[key];
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") values[key] = value;
  }
  return values;
}

/**
 * Squares some numbers on the adapter.
 * @param {GPUAdapter} adapter
 * @returns {Promise<string | undefined>} what is wrong
 */
async function faultOf(adapter) {
  const device = await adapter.requestDevice();
  const code = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] = f32(id.x) * f32(id.x); }`;
  const compute = { module: device.createShaderModule({ code }), entryPoint: "main" };
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute });
  const STORAGE = 0x80;
  const COPY_SRC = 0x04;
  const COPY_DST = 0x08;
  const MAP_READ = 0x01;
  const size = 1024 * 4;
  const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const copy = device.createBuffer({ size, usage: COPY_DST | MAP_READ });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }));
  pass.dispatchWorkgroups(1024 / 64);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, size);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(MAP_READ);
  const wrong = [...new Float32Array(copy.getMappedRange())].findIndex((value, i) => value !== i * i);
  return wrong >= 0 ? `a small shader computes a wrong result (element ${wrong} of 1024)` : undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.stdout.write(JSON.stringify(await answer(process.argv.includes("--compute"))));
}
