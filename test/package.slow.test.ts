/** The package as a user gets it: packed, put into a fresh project, type-checked, run in Node, and bundled for a page. */
import { spawnSync } from "node:child_process";
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { build, type Rollup } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(".");
const project = mkdtempSync(join(tmpdir(), "petalgrad-package-"));
const installed = join(project, "node_modules", "petalgrad");
afterAll(() => rmSync(project, { recursive: true, force: true }));

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

/** What `npm install petalgrad-0.1.0.tgz` does, without a registry: unpacks it, and its dependencies beside it. */
async function install(tarball: string): Promise<void> {
  const unpack = extract();
  unpack.on("entry", (header, stream, next) => {
    const parts: Buffer[] = [];
    stream.on("data", (part) => parts.push(part as Buffer));
    stream.on("end", () => {
      const path = join(installed, header.name.replace(/^package\//, ""));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, Buffer.concat(parts), { mode: header.mode ?? 0o644 });
      next();
    });
  });
  await pipeline(createReadStream(tarball), createGunzip(), unpack);
  for (const name of [...Object.keys(dependencies), "@types/node"]) {
    const link = join(project, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link, "dir");
  }
}

const MAIN = `import { compile, conv2d, grad, input, openDevice, sum, tensor, UserError } from "petalgrad";

const device = await openDevice();
const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
const w = tensor([1, 0, 0, 2], [1, 1, 2, 2]);
const y = conv2d(x, w);
const [slope] = grad(sum(y), [w]);
const values: Float32Array = await y.read();
const gradient: Float32Array = await slope.read();
const names: string[] = [typeof compile, typeof input, new UserError("x").name, typeof device.description];
console.log(JSON.stringify({ values: [...values], gradient: [...gradient], names }));
// @ts-expect-error: a shape is a list of numbers
export const wrong = () => tensor([1], ["1"]);
export const limit: number = device.gpu.limits.maxStorageBufferBindingSize;
export const vendor: string = device.info.vendor;
// @ts-expect-error: and it is not any
export const limitless: string = device.gpu.limits.maxBufferSize;
`;

function run(words: readonly string[], cwd: string) {
  return spawnSync(process.execPath, words, { cwd, encoding: "utf8", timeout: 280_000 });
}

beforeAll(async () => {
  const npm = process.env.npm_execpath;
  const words = ["pack", "--json", "--loglevel=error", "--pack-destination", project];
  const packed = npm ? run([npm, ...words], root) : spawnSync(["npm", ...words].join(" "), { cwd: root, encoding: "utf8", shell: true });
  expect(packed.status, packed.stderr).toBe(0);
  await install(
    join(
      project,
      readdirSync(project).find((name) => name.endsWith(".tgz"))!,
    ),
  );
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "fresh", type: "module" }));
  writeFileSync(join(project, "main.ts"), MAIN);
});

it("holds the built library, its licence and its readme, and no source, test or data", () => {
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  expect(files).toEqual(
    expect.arrayContaining(["LICENSE", "package.json", "dist/src/index.js", "dist/src/index.d.ts", "dist/src/cli/main.js"]),
  );
  expect(files.filter((name) => /^(src|test|kernels|scripts|bench|runs|data)\b|(?<!\.d)\.ts$/.test(name))).toEqual([]);
});

describe("types", () => {
  it.each([
    ["Node, without the DOM", { lib: ["ES2023"], types: ["node"], module: "NodeNext" }],
    ["a page, with the DOM's own WebGPU", { lib: ["ES2023", "DOM"], types: [], module: "ESNext", moduleResolution: "Bundler" }],
  ])("resolve in a strict project for %s, declarations checked too", (_, options) => {
    const compilerOptions = { target: "ES2023", strict: true, skipLibCheck: false, rootDir: ".", outDir: "out", ...options };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["main.ts"] }));
    const { status, stdout } = run([tsc, "-p", "."], project);
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});

it("computes in Node", () => {
  const { status, stdout, stderr } = run(["out/main.js"], project);
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    values: [11, 14, 20, 23],
    gradient: [12, 16, 24, 28],
    names: ["function", "function", "UserError", "string"],
  });
});

it("its command line runs", () => {
  const { status, stdout } = run([join(installed, "dist/src/cli/main.js"), "train", "--help"], project);
  expect(status).toBe(0);
  expect(stdout).toContain("petalgrad train: ");
  // Who installed the package has no clone whose scripts could run.
  expect(stdout).toContain("\n  npx petalgrad train [options]\n");
  expect(stdout).toContain("\n  npx petalgrad train --dataset flowers --preset small\n");
  expect(stdout).not.toContain("npm run");
  expect(run([join(installed, "dist/src/cli/main.js"), "sample", "--text", "red"], project).stderr).toBe(
    "petalgrad: there is no run under runs/ yet: train one (npx petalgrad train), or name one with --run DIR\n",
  );
});

it("is bundled for a page, nothing of Node in it", async () => {
  writeFileSync(join(project, "index.html"), '<!doctype html><script type="module" src="/page.js"></script>');
  writeFileSync(join(project, "page.js"), MAIN.replace(/: (Float32Array|string\[\])/g, "").replace(/\/\/ @ts[^]*$/, ""));
  const warnings: string[] = [];
  const result = await build({
    root: project,
    configFile: false,
    logLevel: "silent",
    build: { write: false, minify: false, target: "esnext", rollupOptions: { onwarn: (warning) => void warnings.push(warning.message) } },
  });
  expect(warnings).toEqual([]);
  const chunks = (result as Rollup.RollupOutput).output.filter((file) => file.type === "chunk");
  const code = chunks.map((chunk) => chunk.code).join("\n");
  expect(code.includes("@compute")).toBe(true);
  expect(code.match(/["']node:[^"']*|__vite-browser-external|dawn\.node|createRequire/g)).toBeNull();
  expect(
    chunks
      .flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
      .filter((name) => !chunks.some((chunk) => chunk.fileName === name)),
  ).toEqual([]);
});
