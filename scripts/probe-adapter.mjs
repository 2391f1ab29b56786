/**
 * Is there a GPU adapter? Asked in a child process, since a broken driver can end the process that loads it.
 * Run as a script, it is that child: it prints one line of JSON.
 */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * @typedef {object} Probe
 * @property {string} [adapter] what the adapter calls itself, where there is one
 * @property {"package" | "crash" | "none"} [kind] why there is none: npm's webgpu does not load here, the driver died, or nothing was found
 * @property {string} [reason] what Dawn, the loader or the system said, one or a few lines
 */

/** Lines that Dawn and Mesa print though nothing is wrong. */
const NOISE = /artificially reduced|XDG_RUNTIME_DIR|^\s+at |^\s*$/;

/**
 * @param {number} [timeout] milliseconds
 * @returns {Promise<Probe>}
 */
export function probeAdapter(timeout = 60_000) {
  return new Promise((resolve) => {
    const env = { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { env, stdio: ["ignore", "pipe", "pipe"], timeout });
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

async function answer() {
  let webgpu;
  try {
    webgpu = await import("webgpu");
  } catch (error) {
    return { kind: "package", reason: `npm's webgpu does not load here: ${error instanceof Error ? error.message.split("\n")[0] : error}` };
  }
  const gpu = webgpu.create([]);
  // Dawn aborts when this object is collected.
  Object.assign(globalThis, { gpu });
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return { kind: "none" };
  const { vendor, architecture, description, device } = adapter.info;
  return { adapter: [vendor, architecture, description || device].filter(Boolean).join(" ") };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.stdout.write(JSON.stringify(await answer()));
