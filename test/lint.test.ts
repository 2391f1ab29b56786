/** The lint rules bite: each of them is fed a snippet that breaks it, in place of a file of ours. */
import { existsSync, readdirSync } from "node:fs";
import { relative } from "node:path";
import { ESLint } from "eslint";
import { describe, expect, it } from "vitest";

const eslint = new ESLint({ overrideConfig: { linterOptions: { reportUnusedDisableDirectives: "off" } } });

/** The rules that `code` breaks when it stands in the existing file `file`. */
async function broken(file: string, code: string): Promise<string[]> {
  const results = await eslint.lintText(code, { filePath: file });
  return results.flatMap((result) => result.messages.map((message) => message.ruleId ?? message.message));
}

/** From the lowest layer to the highest; a layer may import those to its left, but for the pairs named below. */
const LAYERS = ["kernels", "src/gpu", "src/tensor", "src/autograd", "src/models", "src/data", "src/train", "src/evaluate", "src/cli"];
const SIBLINGS = [["src/models", "src/data"]];

function fileOf(layer: string): string | undefined {
  const names = existsSync(layer) ? readdirSync(layer).sort() : [];
  const name = names.find((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  return name && `${layer}/${name}`;
}

const present = LAYERS.flatMap((layer) => {
  const file = fileOf(layer);
  return file ? [{ layer, file }] : [];
});

/** An import of `to` for its effects only, as it is written in `from`. */
function importing(from: string, to: string): string {
  const path = relative(from.replace(/[^/]*$/, ""), to).replace(/\.ts$/, ".js");
  return `import "${path.startsWith(".") ? path : `./${path}`}";\n`;
}

describe("dependencies point one way", () => {
  const pairs = present.flatMap((from, i) =>
    present.flatMap((to, j) => (i === j ? [] : [{ from: from.file, to: to.file, allowed: i > j && !isSiblings(from.layer, to.layer) }])),
  );

  function isSiblings(a: string, b: string): boolean {
    return SIBLINGS.some((pair) => pair.includes(a) && pair.includes(b));
  }

  it("sees the layers", () => {
    expect(present.length).toBeGreaterThanOrEqual(6);
  });

  it.each(pairs.filter((pair) => !pair.allowed))("$from may not import $to", async ({ from, to }) => {
    expect(await broken(from, importing(from, to))).toContain("import-x/no-restricted-paths");
  });

  it("may import downwards, and what all share", async () => {
    for (const { from, to } of pairs.filter((pair) => pair.allowed)) {
      expect(await broken(from, importing(from, to)), `${from} -> ${to}`).not.toContain("import-x/no-restricted-paths");
    }
    expect(await broken("src/gpu/device.ts", importing("src/gpu/device.ts", "src/errors.ts"))).toEqual([]);
  });

  it("nothing of the product imports tests or tools, and kernels import nothing of src", async () => {
    expect(await broken("src/train/options.ts", importing("src/train/options.ts", "test/lint.test.ts"))).toContain(
      "import-x/no-restricted-paths",
    );
    expect(await broken("kernels/kernel.ts", importing("kernels/kernel.ts", "src/errors.ts"))).toContain("import-x/no-restricted-paths");
  });
});

it("no circle of imports", async () => {
  expect(
    await broken("src/errors.ts", 'import { nearest } from "./option-spec.js";\nexport class UserError extends Error { x = nearest; }'),
  ).toContain("import-x/no-cycle");
});

describe("the engine knows neither Node nor the DOM", () => {
  const portable = present
    .filter(({ layer }) => ["kernels", "src/tensor", "src/autograd", "src/models"].includes(layer))
    .map(({ file }) => file);

  it.each([...portable, "src/gpu/device.ts"])("%s", async (file) => {
    for (const name of ["node:fs", "fs/promises", "path", "webgpu"]) {
      expect(await broken(file, `import "${name}";`), name).toContain("no-restricted-imports");
    }
    for (const name of ["process", "Buffer", "document", "window"]) {
      expect(await broken(file, `export const it = typeof ${name};`), name).toContain("no-restricted-globals");
    }
  });

  it("but src/gpu/dawn.ts opens Dawn, and src/train writes files", async () => {
    expect(await broken("src/gpu/dawn.ts", 'import "webgpu";')).toEqual([]);
    expect(await broken("src/train/options.ts", 'import "node:fs";')).toEqual([]);
  });
});

describe("promises and types", () => {
  const file = "src/train/options.ts";

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
