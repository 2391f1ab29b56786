/** What of the data a page can run: no file of it reaches Node, and each loads without the others. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../../src");

/** Every module that a file imports, itself or through others; names of packages as they stand. */
async function importsOf(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (!seen.has(file)) {
    seen.add(file);
    const text = await readFile(file, "utf8");
    for (const [, name = ""] of text.matchAll(/^(?:import|export)\s(?!type\s)[^;]*?from "([^"]+)";/gm)) {
      if (name.startsWith(".")) {
        await importsOf(join(dirname(file), name.replace(/\.js$/, ".ts")), seen);
      } else {
        seen.add(name);
      }
    }
  }
  return seen;
}

/** What a file needs beyond petalgrad's own. */
const needs = async (file: string) => [...(await importsOf(join(root, file)))].filter((name) => !name.startsWith("/")).sort();

describe("what a browser can run", () => {
  it.each(["petals", "packed", "sampler", "batch", "alphabet", "resize", "dataset", "photo"])(
    "%s imports neither Node nor a package",
    async (name) => expect(await needs(`data/${name}.ts`)).toEqual([]),
  );

  it.each([
    ...["data/split.ts", "data/embeddings/array-file.ts", "data/embeddings/stackgan-pickle.ts", "data/embeddings/icml-file.ts"],
    ...["train/text/encoder-file.ts", "train/text/image-features.ts", "train/text/import/import-encoder.ts", "train/gan/model-file.ts"],
    "train/style/file.ts",
  ])("%s imports no Node, and small packages alone", async (file) => {
    const small = /^(?:fflate|wgsl-preprocessor\/wgsl-preprocessor\.js|@noble\/hashes\/\w+\.js)$/;
    expect((await needs(file)).filter((name) => !small.test(name))).toEqual([]);
  });

  it("is told apart: opening a data set imports both", async () => {
    expect(await needs("node/datasets/open.ts")).toEqual(expect.arrayContaining(["node:crypto", "sharp"]));
  });
});
