/** Compiles src/ and kernels/ to dist/: JavaScript and type declarations, nothing bundled. */
import { spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const require = createRequire(import.meta.url);

// A file that has left the source must leave the package too.
rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
chmodSync(join(dist, "src", "cli", "main.js"), 0o755);

/**
 * Our declarations name WebGPU's interfaces, which a user's project may or may not know: TypeScript's DOM library has them since 6.0, and
 * the package @webgpu/types clashes with that library. An interface of our own merges with whatever is there and stands in where nothing
 * is. It has the members that users read of a device, as all of those have them: its limits, and what its adapter is called. AbortSignal,
 * which the DOM's and Node's types have, is stood in for likewise where there are neither.
 */
const declared = readFileSync(join(root, "node_modules", "@webgpu", "types", "dist", "index.d.ts"), "utf8");
/** @param {string} name */
const bodyOf = (name) => new RegExp(`^(?:declare )?interface ${name}\\b[^{]*\\{([^]*?)^\\}`, "m").exec(declared)?.[1];
/**
 * The members that every version of the standard has: each a line, none of them optional.
 * @param {string} name
 * @param {string} type
 */
const membersOf = (name, type) =>
  [...(bodyOf(name) ?? "").matchAll(new RegExp(`^ *readonly [a-z]\\w*: ${type};$`, "gm"))].map(([line]) => line.trim());
/** @type {Record<string, readonly string[]>} */
const members = {
  GPUDevice: ["readonly limits: GPUSupportedLimits;"],
  GPUSupportedLimits: membersOf("GPUSupportedLimits", "number"),
  GPUAdapterInfo: membersOf("GPUAdapterInfo", "string"),
};
const names = new Set([...Object.keys(members), "AbortSignal"]);
for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  if (!file.endsWith(".d.ts")) continue;
  for (const [name] of readFileSync(join(dist, file), "utf8").matchAll(/\bGPU(?:[A-Z]\w*)?\b/g)) {
    if (new RegExp(`^(?:declare )?type ${name}\\b`, "m").test(declared)) {
      console.error(
        `dist/${file}: ${name} is no interface, so users without WebGPU's types could not compile; keep it out of exported declarations`,
      );
      process.exit(1);
    }
    if (bodyOf(name) !== undefined) names.add(name);
  }
}
const interfaces = [...names].sort().map((name) => `  interface ${name} {${(members[name] ?? []).map((line) => ` ${line}`).join("")} }`);
for (const face of ["src/index.d.ts", "src/node/index.d.ts"].map((name) => join(dist, name)).filter(existsSync))
  appendFileSync(face, `declare global {\n${interfaces.join("\n")}\n}\n`);
