/** The lint rules bite: each of them is fed a snippet that breaks it, in place of a file of ours. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ESLint } from "eslint";
import { describe, expect, it } from "vitest";

const eslint = new ESLint({ overrideConfig: { linterOptions: { reportUnusedDisableDirectives: "off" } } });

/** The rules that `code` breaks when it stands in the existing file `file`. */
async function broken(file: string, code: string): Promise<string[]> {
  const results = await eslint.lintText(code, { filePath: file });
  return results.flatMap((result) => result.messages.map((message) => message.ruleId ?? message.message));
}

/** From the ground up; each may import those before it. Those before `src/node` are the core. */
const ROOMS = [
  ...["kernels", "src/random", "src/formats", "src/pictures", "src/gpu", "src/tensor", "src/autograd", "src/models", "src/data"],
  ...["src/train/run", "src/train/text", "src/train/gan", "src/train/style", "src/drawing", "src/metrics", "src/evaluate"],
  ...["src/node", "src/cli"],
];

/** Some file of a room, or of a room in it. */
function fileOf(room: string): string {
  const names = readdirSync(room, { recursive: true, encoding: "utf8" }).sort();
  const name = names.find((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  if (name === undefined) throw new Error(`${room} has no file`);
  return `${room}/${name.replaceAll("\\", "/")}`;
}

const rooms = ROOMS.map((room) => ({ room, file: fileOf(room) }));
const core = rooms.slice(0, ROOMS.indexOf("src/node"));

/** What "import-x" says of lines that import these files from `from`, one import a line: the lines it refuses. */
async function refused(from: string, targets: readonly string[], rule: string, word = "import"): Promise<string[]> {
  const lines = targets.map((to, i) => {
    const path = relative(from.replace(/[^/]*$/, ""), to).replace(/\.ts$/, ".js");
    const written = path.startsWith(".") ? path : `./${path}`;
    return word === "import" ? `import "${written}";` : `export ${word} * as n${i} from "${written}";`;
  });
  const results = await eslint.lintText(`${lines.join("\n")}\n`, { filePath: from });
  const at = new Set(results.flatMap(({ messages }) => messages.filter(({ ruleId }) => ruleId === rule).map(({ line }) => line)));
  return targets.filter((_, i) => at.has(i + 1));
}

const PATHS = "import-x/no-restricted-paths";

describe("dependencies point one way", () => {
  const files = rooms.map(({ file }) => file);

  it.each(rooms)("$room imports the rooms before it, and none after it, types neither", async ({ room, file }) => {
    const own = files.indexOf(file);
    const above = files.slice(own + 1);
    const below = room === "kernels" ? [] : files.slice(0, own);
    expect(await refused(file, [...below, ...above], PATHS)).toEqual(above);
    expect(await refused(file, [...below, ...above], PATHS, "type")).toEqual(above);
  });

  it("every room may import what all share, but kernels, which know nothing of src", async () => {
    const shared = ["src/errors.ts", "src/arguments.ts", "src/option-spec.ts", "src/command-line.ts"];
    for (const { room, file } of rooms) expect(await refused(file, shared, PATHS), room).toEqual(room === "kernels" ? shared : []);
    for (const file of shared) expect(await refused(file, files, PATHS), file).toEqual(files);
  });

  it("the studio stands on the core alone, and nothing stands on it", async () => {
    const page = "studio/workers/studio.worker.ts";
    const refusedFiles = [fileOf("src/node"), fileOf("src/cli"), "src/index.ts", "test/lint.test.ts"];
    expect(await refused(page, [...core.map(({ file }) => file), ...refusedFiles], PATHS)).toEqual(refusedFiles);
    for (const { room, file } of rooms) expect(await refused(file, [page], PATHS), room).toEqual([page]);
  });

  it("nothing of the product imports tests or tools, or a face of the package", async () => {
    const strange = ["test/lint.test.ts", "bench/main.ts", "scripts/build.mjs", "src/index.ts", "src/node/index.ts"].filter(existsSync);
    for (const { room, file } of rooms) {
      const others = strange.filter((name) => name !== file);
      expect(await refused(file, others, PATHS), room).toEqual(others);
    }
    // The core's face may not show what is Node's.
    expect(await refused("src/index.ts", [fileOf("src/node"), fileOf("src/cli"), fileOf("src/tensor")], PATHS)).toEqual([
      fileOf("src/node"),
      fileOf("src/cli"),
    ]);
  });
});

/** The files of a circle of imports, types included: the rule `no-cycle` passes over `import type`. */
function circle(texts: ReadonlyMap<string, string>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const [, name = ""] of (texts.get(file) ?? "").matchAll(/(?:from |import |import\()"(\.[^"]+)"/g)) {
      const found = visit(join(dirname(file), name).replaceAll("\\", "/").replace(/\.js$/, ".ts"), [...path, file]);
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  return [...texts.keys()].map((file) => visit(file, [])).find((found) => found !== undefined);
}

describe("no circle of imports", () => {
  it("of values, says the rule", async () => {
    const code = 'import { nearest } from "./option-spec.js";\nexport class UserError extends Error { x = nearest; }';
    expect(await broken("src/errors.ts", code)).toContain("import-x/no-cycle");
  });

  it("of values or types, in the whole product", () => {
    const planted = { "src/a.ts": 'export { b } from "./x/b.js";', "src/x/b.ts": 'import type { A } from "../a.js";', "src/c.ts": "" };
    expect(circle(new Map(Object.entries(planted)))).toEqual(["src/a.ts", "src/x/b.ts", "src/a.ts"]);
    const files = ["kernels", "src"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name) => (name.endsWith(".ts") ? [`${folder}/${name}`] : [])),
    );
    expect(circle(new Map(files.map((file) => [file.replaceAll("\\", "/"), readFileSync(file, "utf8")])))).toBeUndefined();
  });
});

describe("the core knows neither Node nor the DOM", () => {
  it.each(core)("$room", async ({ file }) => {
    const modules = ["node:fs", "fs/promises", "path", "sharp", "pngjs", "tar-stream", "koffi", "webgpu"];
    const globals = ["process", "Buffer", "setImmediate", "document", "window", "navigator"];
    // One file of all of them, a line each: to look at a file takes half a second.
    const lines = [...modules.map((name) => `import "${name}";`), ...globals.map((name, i) => `export const it${i} = typeof ${name};`)];
    const results = await eslint.lintText(`${lines.join("\n")}\n`, { filePath: file });
    const refusedBy = (rule: string) =>
      lines.filter((_, i) => results.some(({ messages }) => messages.some((one) => one.ruleId === rule && one.line === i + 1)));
    expect(refusedBy("no-restricted-imports")).toEqual(lines.slice(0, modules.length));
    expect(refusedBy("no-restricted-globals")).toEqual(lines.slice(modules.length));
  });

  it("but src/gpu/dawn.ts opens Dawn, and src/node and src/cli are Node's", async () => {
    expect(await broken("src/gpu/dawn.ts", 'import "webgpu";')).toEqual([]);
    for (const room of ["src/node", "src/cli"]) expect(await broken(fileOf(room), 'import "node:fs";')).toEqual([]);
  });
});

describe("promises and types", () => {
  const file = "src/train/gan/options.ts";

  it.each([
    ["a promise nobody waits for", "export function f() { Promise.resolve(1); }", "@typescript-eslint/no-floating-promises"],
    [
      "a promise handed where a plain function is due",
      "export const f = () => [1].forEach(async () => { await Promise.resolve(); });",
      "@typescript-eslint/no-misused-promises",
    ],
    ["await of a plain value", "export async function f() { await 1; }", "@typescript-eslint/await-thenable"],
    ["any", "export const f = (x: any) => x;", "@typescript-eslint/no-explicit-any"],
    ["an unused variable", "const x = 1;", "@typescript-eslint/no-unused-vars"],
    ["console in the library", "console.log(1);", "no-console"],
  ])("%s", async (_, code, rule) => {
    expect(await broken(file, code)).toEqual([rule]);
  });

  it("and sound code passes", async () => {
    expect(await broken(file, "export async function f(): Promise<number> { return await Promise.resolve(1); }")).toEqual([]);
  });
});
