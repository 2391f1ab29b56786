/** The package's two faces: every name on them is documented, and no name means two things that could be mixed up by chance. */
import { resolve } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const faces = { petalgrad: resolve("src/index.ts"), "petalgrad/node": resolve("src/node/index.ts") };
const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path)) as { config: object };
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ".");
const program = ts.createProgram(Object.values(faces), options);
const checker = program.getTypeChecker();

function exportsOf(file: string): Map<string, ts.Symbol> {
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!);
  return new Map(exported.map((alias) => [alias.name, alias.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(alias) : alias]));
}

describe.each(Object.entries(faces))("%s", (_, file) => {
  it("says of every name what it is", () => {
    const silent = [...exportsOf(file)].filter(([, symbol]) => ts.displayPartsToString(symbol.getDocumentationComment(checker)) === "");
    const tagged = silent.filter(([, symbol]) => symbol.getJsDocTags(checker).length === 0);
    expect(tagged.map(([name]) => name)).toEqual([]);
  });

  it("says in its first lines what it is for", () => {
    expect(program.getSourceFile(file)!.text.startsWith("/**\n * petalgrad")).toBe(true);
  });
});

it("gives a name to two things only where the second does the first with files", () => {
  const [core, node] = Object.values(faces).map(exportsOf) as [Map<string, ts.Symbol>, Map<string, ts.Symbol>];
  expect([...node.keys()].filter((name) => core.has(name)).sort()).toEqual(["interpolate", "restyle", "sample", "trainStyle", "trainText"]);
});
