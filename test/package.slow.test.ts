/**
 * The package as a user gets it: packed, put into a fresh project, type-checked by every TypeScript from 5.7 on, run in Node, and bundled
 * for a page. The programs of examples/ that promise to be short are run from there, too.
 */
import { spawnSync } from "node:child_process";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { build, createLogger, type Rollup } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyModels } from "./train/gan/tiny-model.js";

const root = resolve(".");
const project = mkdtempSync(join(tmpdir(), "petalgrad-package-"));
const installed = join(project, "node_modules", "petalgrad");
afterAll(() => rmSync(project, { recursive: true, force: true }));

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
/** Oldest and newest that the declarations are for, and ours. */
const COMPILERS = ["typescript-5.7", "typescript", "typescript-7"];
const compiler = (name: string) => join(root, "node_modules", name, "bin", "tsc");

/** What `npm install petalgrad-1.0.0.tgz` does, without a registry: unpacks it, and its dependencies beside it. */
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

function run(words: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, words, { cwd, env, encoding: "utf8", timeout: 280_000 });
}

const example = (name: string) => readFileSync(join(root, "examples", name), "utf8");

/** Lines of a program, without comments and blank ones. */
const linesOf = (code: string) =>
  code
    .replace(/\/\*[^]*?\*\//g, "")
    .split("\n")
    .filter((line) => line.trim() !== "").length;

let tarball: string;

beforeAll(async () => {
  const npm = process.env.npm_execpath;
  const words = ["pack", "--json", "--loglevel=error", "--pack-destination", project];
  const packed = npm ? run([npm, ...words], root) : spawnSync(["npm", ...words].join(" "), { cwd: root, encoding: "utf8", shell: true });
  expect(packed.status, packed.stderr).toBe(0);
  tarball = join(project, readdirSync(project).find((name) => name.endsWith(".tgz")) ?? "none");
  await install(tarball);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "fresh", type: "module" }));
  writeFileSync(join(project, "main.ts"), MAIN);
  writeFileSync(join(project, "console.d.ts"), "declare const console: { log(...values: unknown[]): void };\n");
  for (const name of ["draw.ts", "train-petals.ts"]) writeFileSync(join(project, name), example(name));
  writeFileSync(join(project, "model.safetensors"), (await tinyModels()).gan);
});

it("holds the built library, its licence and its readme, and no source, test or data", () => {
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  expect(files).toEqual(
    expect.arrayContaining([
      ...["LICENSE", "package.json", "dist/src/index.js", "dist/src/index.d.ts", "dist/src/cli/main.js"],
      "dist/studio/index.html",
    ]),
  );
  const strange = /^(src|test|kernels|scripts|bench|runs|data)\b|(?<!\.d)\.ts$|\.(png|svg|json|gif|safetensors)$/;
  expect(files.filter((name) => strange.test(name)).sort()).toEqual([
    "dist/studio/petal.svg",
    "package.json",
    "scripts",
    "scripts/prepare.mjs",
  ]);
  // Pictures are the bulk of a clone.
  expect(statSync(tarball).size).toBeLessThan(1.2e6);
});

it("installs nothing that only a clone needs, and names no script that it lacks where npm runs one by itself", () => {
  expect(dependencies).not.toHaveProperty("tsx");
  const { scripts } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { scripts: Record<string, string> };
  const lifecycle = ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];
  const named = lifecycle.flatMap((name) => scripts[name]?.match(/\S+\.m?js/g) ?? []);
  expect(named).toEqual(["scripts/prepare.mjs"]);
  expect(named.filter((name) => !existsSync(join(installed, name)))).toEqual([]);
  const asked = run(["scripts/prepare.mjs", "--help"], installed, { ...process.env, npm_command: "run-script" });
  expect(asked.stdout).toContain("petalgrad prepare: ");
  expect(run(["scripts/prepare.mjs"], installed, { ...process.env, npm_command: "install" })).toMatchObject({ status: 0, stdout: "" });
});

describe.each(COMPILERS)("types, by %s", (name) => {
  const page = { types: [], module: "ESNext", moduleResolution: "Bundler" };
  it.each([
    ["for a page, with the DOM", { ...page, lib: ["ES2023", "DOM"] }, ["main.ts", "train-petals.ts"]],
    ["with neither the DOM nor Node", { ...page, lib: ["ES2023"] }, ["main.ts", "console.d.ts"]],
    ["for Node, without the DOM", { lib: ["ES2023"], types: ["node"], module: "NodeNext" }, ["main.ts", "draw.ts", "train-petals.ts"]],
  ])("resolve in a strict project %s, declarations checked too", (_, options, include) => {
    const compilerOptions = { target: "ES2023", strict: true, skipLibCheck: false, rootDir: ".", outDir: "out", ...options };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
    const { status, stdout } = run([compiler(name), "-p", "."], project);
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

it("draws a PNG from a model file in ten lines", () => {
  expect(linesOf(example("draw.ts"))).toBeLessThanOrEqual(10);
  const { status, stderr } = run(["out/draw.js"], project);
  expect(status, stderr).toBe(0);
  // Four images of 16 pixels between gaps of 2.
  const png = readFileSync(join(project, "drawn.png"));
  expect([png.subarray(1, 4).toString(), png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual(["PNG", 74, 20]);
});

it("trains on petals in fifteen lines, with the core alone", () => {
  expect(linesOf(example("train-petals.ts"))).toBeLessThanOrEqual(15);
  expect(example("train-petals.ts").match(/from "[^"]*"/g)).toEqual(['from "petalgrad"']);
  const { status, stdout, stderr } = run(["out/train-petals.js"], project);
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(/^drawn: 4 images/m);
});

it("its command line runs", () => {
  const { status, stdout } = run([join(installed, "dist/src/cli/main.js"), "train", "--help"], project);
  expect(status).toBe(0);
  expect(stdout).toContain("petalgrad train: ");
  // Who installed the package has no clone whose scripts could run.
  expect(stdout).toContain("\n  npx petalgrad train [options]\n");
  expect(stdout).toContain("\n  npx petalgrad train --dataset flowers --recipe photographs\n");
  expect(stdout).not.toContain("npm run");
  expect(run([join(installed, "dist/src/cli/main.js"), "sample", "--text", "red"], project).stderr).toBe(
    "petalgrad: there is no run under runs/ yet: train one (npx petalgrad train), or name one with --run DIR\n",
  );
});

describe("bundled by vite as it is", () => {
  /** @returns the chunks, and what vite and its bundler warned of */
  async function bundle(entry: string, code: string, minify = false) {
    writeFileSync(join(project, "index.html"), `<!doctype html><script type="module" src="/${entry}"></script>`);
    writeFileSync(join(project, entry), code);
    const warnings: string[] = [];
    const customLogger = { ...createLogger("silent"), warn: (text: string) => void warnings.push(text) };
    customLogger.warnOnce = customLogger.warn;
    const result = await build({
      root: project,
      configFile: false,
      customLogger,
      build: {
        ...{ write: false, minify, target: "esnext", modulePreload: false, chunkSizeWarningLimit: 1000 },
        rollupOptions: { onwarn: (warning) => void warnings.push(warning.message) },
      },
    });
    const chunks = (result as Rollup.RollupOutput).output.filter((file) => file.type === "chunk");
    const imported = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
    const foreign = imported.filter((name) => !chunks.some((chunk) => chunk.fileName === name));
    return { code: chunks.map((chunk) => chunk.code).join("\n"), warnings, foreign };
  }

  const OF_NODE = /["']node:[^"']*|__vite-browser-external|dawn\.node|createRequire|\bBuffer\.|pngjs|libvips/g;

  it("all of the core's face runs in a page, nothing of Node in it", async () => {
    const page = 'import * as petalgrad from "petalgrad";\nconsole.log(Object.entries(petalgrad));\n';
    const { code, warnings, foreign } = await bundle("all.js", page);
    expect(warnings).toEqual([]);
    expect(foreign).toEqual([]);
    expect(code).toContain("@compute");
    expect(code).toContain("trainGan");
    expect(code.match(OF_NODE)).toBeNull();
  });

  it("the program that trains does, too", async () => {
    const { code, warnings, foreign } = await bundle("train.js", readFileSync(join(project, "out/train-petals.js"), "utf8"));
    expect({ warnings, foreign }).toEqual({ warnings: [], foreign: [] });
    expect(code.match(OF_NODE)).toBeNull();
  });

  it("what is not used is left out, and what is left works", async () => {
    const small = 'import { add, tensor } from "petalgrad";\nconsole.log((await add(tensor([1, 2]), 1).read()).join(" "));\n';
    const { code, warnings } = await bundle("small.js", small);
    expect(warnings).toEqual([]);
    expect(code).not.toMatch(/Vocabulary|trainGan|safetensors/);
    writeFileSync(join(project, "bundled.mjs"), code);
    const { status, stdout, stderr } = run(["bundled.mjs"], project);
    expect(status, stderr).toBe(0);
    expect(stdout).toBe("2 3\n");
  });
});
