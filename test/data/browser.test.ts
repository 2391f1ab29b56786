import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../../src/data");

/** Every module that a file imports, itself or through others; names of packages as they stand. */
async function importsOf(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (!seen.has(file)) {
    seen.add(file);
    const text = await readFile(file, "utf8");
    for (const [, name] of text.matchAll(/^(?:import|export)\s(?!type\s)[^;]*?from "([^"]+)";/gm)) {
      if (name.startsWith(".")) {
        await importsOf(join(dirname(file), name.replace(/\.js$/, ".ts")), seen);
      } else {
        seen.add(name);
      }
    }
  }
  return seen;
}

describe("what a browser can run", () => {
  it.each(["petals", "packed", "sampler", "batch", "alphabet", "resize", "dataset"])(
    "%s imports neither Node nor a package",
    async (name) => {
      const imports = await importsOf(join(root, `${name}.ts`));
      expect([...imports].filter((one) => !one.startsWith("/"))).toEqual([]);
    },
  );

  it("is told apart: open imports both", async () => {
    const imports = await importsOf(join(root, "open.ts"));
    expect([...imports]).toEqual(expect.arrayContaining(["node:crypto", "sharp"]));
  });
});
