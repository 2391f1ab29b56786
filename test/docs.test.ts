/** The papers around the house: a README of a readable size, links that lead somewhere, paths that exist, an example that compiles. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name.replaceAll("\\", "/")}`);

const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", ...filesOf("docs").filter((path) => path.endsWith(".md"))]
  // Written by `npm run docs`.
  .filter((path) => !path.startsWith("docs/reference/api/"));

const text = (page: string): string => readFileSync(page, "utf8");
/** Without what is set as code, in which brackets are no links. */
const prose = (page: string): string =>
  text(page)
    .replace(/^```[^]*?^```/gm, "")
    .replace(/^ {4}.*$/gm, "")
    .replace(/`[^`\n]*`/g, "``");

/** The anchors of a page's headings, as GitHub makes them. */
const anchors = (page: string): string[] =>
  [
    ...text(page)
      .replace(/^```[^]*?^```/gm, "")
      .matchAll(/^#+ (.*)$/gm),
  ].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );

/** What is wrong with a page's relative links. */
function deadLinks(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link!)) return [];
    const [path, anchor] = link!.split("#") as [string, string?];
    const target = path === "" ? page : relative(".", resolve(dirname(page), path));
    if (!existsSync(target)) return [`${page}: ${link}`];
    const missing = anchor !== undefined && (statSync(target).isDirectory() || !anchors(target).includes(anchor));
    return missing ? [`${page}: ${link} (no such heading)`] : [];
  });
}

const code = ["src", "kernels", "test", "bench", "scripts", "examples"].flatMap(filesOf);

/** Whether there is such a file or folder; `*` stands for part of a name. */
function exists(path: string): boolean {
  if (!path.includes("*")) return existsSync(path);
  const pattern = new RegExp(`^${path.replace(/[.+]/g, "\\$&").replaceAll("*", "[^/]*")}$`);
  return code.some((file) => pattern.test(file));
}

/** Paths of the repository that a page names and that are not there. */
function deadPaths(page: string): string[] {
  const named = [...text(page).matchAll(/(?<![\w./-])(?:src|kernels|test|bench|scripts|examples)\/[\w./*-]*/g)].map(([path]) =>
    path.replace(/[.,]+$/, ""),
  );
  return [...new Set(named)].filter((path) => !exists(path)).map((path) => `${page}: ${path}`);
}

describe("README", () => {
  it("is at most 110 lines of at most 140 characters", () => {
    const lines = text("README.md").trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(110);
    expect(lines.filter((line) => [...line].length > 140)).toEqual([]);
  });

  it("has an example of at most ten lines that type-checks against the package's faces", () => {
    const examples = [...text("README.md").matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code]) => code!);
    expect(examples).toHaveLength(1);
    expect(examples[0]!.trim().split("\n").length).toBeLessThanOrEqual(10);
    const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile("tsconfig.json", ts.sys.readFile).config, ts.sys, ".");
    const file = resolve("readme-example.ts");
    const host = ts.createCompilerHost(options);
    const { fileExists, getSourceFile, readFile } = host;
    host.fileExists = (name) => name === file || fileExists(name);
    host.readFile = (name) => (name === file ? examples[0] : readFile(name));
    host.getSourceFile = (name, target, ...rest) =>
      name === file ? ts.createSourceFile(name, examples[0]!, target) : getSourceFile(name, target, ...rest);
    const program = ts.createProgram([file], options, host);
    const source = program.getSourceFile(file);
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  });
});

describe("documents", () => {
  it.each(pages)("%s: links lead somewhere", (page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  // The notebook is dated, and may name what was there on its day.
  it.each(pages.filter((page) => !page.startsWith("docs/notebook/")))("%s: the code's files that are named exist", (page) => {
    expect(deadPaths(page)).toEqual([]);
  });

  it("are all reached from the index, or from a page that is", () => {
    const reached = new Set(["docs/README.md"]);
    for (const page of reached)
      for (const [, link] of prose(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
        const target = relative(".", join(dirname(page), link!)).replaceAll("\\", "/");
        if (target.endsWith(".md") && existsSync(target)) reached.add(target);
      }
    expect(pages.filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
  });

  it("say of each dependency what it is for", () => {
    const { dependencies, optionalDependencies, devDependencies } = JSON.parse(text("package.json")) as Record<
      string,
      Record<string, string>
    >;
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }).filter(
      (name) => !name.startsWith("@types/"),
    );
    expect(names.filter((name) => !text("docs/architecture.md").includes(`\`${name}\``))).toEqual([]);
  });

  it("of the notebook bear the date of their day", () => {
    for (const page of filesOf("docs/notebook")) expect(page).toMatch(/\/2\d{3}-\d\d-\d\d-[\w-]+\.md$/);
  });
});

describe("what stands around the code", () => {
  const json = <T>(file: string): T => JSON.parse(text(file)) as T;
  const { version, engines } = json<{ version: string; engines: { node: string } }>("package.json");

  it("says one version", () => {
    expect(/^## (\S+)/m.exec(text("CHANGELOG.md"))?.[1]).toBe(version);
    expect(/^version: (.*)$/m.exec(text("CITATION.cff"))?.[1]).toBe(version);
  });

  it("asks for one Node: developers, the workflow and users", () => {
    const major = text(".nvmrc").trim();
    expect(engines.node).toMatch(new RegExp(`^>=${major}\\.`));
    const workflow = text(".github/workflows/ci.yml");
    expect(workflow).toContain(`container: node:${major}-`);
    expect(workflow).toMatch(/- run: bash \.ci\/run$/m);
  });

  it("writes lines of one width: for editors and for prettier", () => {
    const { printWidth, tabWidth = 2 } = json<{ printWidth: number; tabWidth?: number }>(".prettierrc.json");
    const settings = text(".editorconfig");
    expect(settings).toContain(`max_line_length = ${printWidth}\n`);
    expect(settings).toContain(`indent_size = ${tabWidth}\n`);
  });

  it("makes pages of both faces", () => {
    const { exports } = json<{ exports: Record<string, string | { types: string }> }>("package.json");
    const faces = Object.values(exports).flatMap((to) =>
      typeof to === "string" ? [] : [to.types.replace(/^\.\/dist\//, "").replace(".d.ts", ".ts")],
    );
    expect(json<{ entryPoints: string[] }>("typedoc.json").entryPoints).toEqual(faces);
  });

  it("tells how an operation, a kernel variant, an option, a metric and a data set are added", () => {
    const told = [...text("CONTRIBUTING.md").matchAll(/^## Add an? (.*)$/gm)].map(([, what]) => what);
    expect(told).toEqual(["operation", "kernel variant", "option", "metric", "data set"]);
  });
});
