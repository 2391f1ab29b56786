/** Paths among a training's options: absolute in config.json, and found again where a data set's folder has moved. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { resolveOptions, resumeOptions } from "../../../src/train/gan/resolve-options.js";
import { withAbsolutePaths } from "../../../src/node/files/paths.js";
import { openData, requireData } from "../../../src/node/datasets/run-data.js";
import { resolveTextOptions, resumeTextOptions } from "../../../src/train/text/resolve-options.js";
import { tinyFolder } from "../datasets/tiny-folder.js";

let home: string;
const before = { folder: process.cwd(), cache: process.env.PETALGRAD_CACHE };
const cpu = { software: true };
const hooks = { onEvent: () => undefined, signal: new AbortController().signal };

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "petalgrad-paths-"));
  process.env.PETALGRAD_CACHE = join(home, "cache");
  tinyFolder(join(home, "birds of mine"));
  writeFileSync(join(home, "captions.tar"), "");
});
afterEach(() => process.chdir(before.folder));
afterAll(() => {
  if (before.cache === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = before.cache;
  rmSync(home, { recursive: true, force: true });
});

describe("withAbsolutePaths", () => {
  it("makes paths absolute, and leaves what is none as it is", () => {
    process.chdir(home);
    const here = process.cwd();
    const paths = { dataset: "birds of mine", dataDir: "../x", captions: "captions.tar", embeddings: "e.npy", imageFeatures: "f.npy" };
    expect(withAbsolutePaths({ ...paths, textEncoder: "t.safetensors", steps: 3 })).toEqual({
      ...{ dataset: join(here, "birds of mine"), dataDir: join(here, "..", "x"), captions: join(here, "captions.tar") },
      ...{ embeddings: join(here, "e.npy"), imageFeatures: join(here, "f.npy"), textEncoder: join(here, "t.safetensors"), steps: 3 },
    });
    expect(withAbsolutePaths({ textEncoder: "fine-tune:t.safetensors" }).textEncoder).toBe(`fine-tune:${join(here, "t.safetensors")}`);
    mkdirSync("flowers");
    mkdirSync("fa");
    const kept = [
      { dataset: "flowers", captions: "fa", textEncoder: "end-to-end" },
      { dataset: "tulips", captions: "inside/the/data", textEncoder: "fine-tune" },
      { dataset: undefined, dataDir: null, captions: null, textEncoder: null, embeddings: "" },
    ];
    for (const options of kept) expect(withAbsolutePaths(options)).toEqual(options);
  });
});

describe("a training that goes on", () => {
  it("takes another folder as the place where its data set lies now, under its old name", () => {
    const saved = resolveOptions({ preset: "tiny", dataset: "/old/birds" }, cpu);
    expect(resumeOptions(saved, { dataset: "/new/place" })).toEqual({ ...saved, dataDir: "/new/place" });
    expect(resumeOptions(saved, { dataDir: "/new/place" })).toEqual({ ...saved, dataDir: "/new/place" });
    const text = resolveTextOptions({ dataset: "/old/birds" }, cpu);
    expect(resumeTextOptions(text, { dataset: "/new/place" })).toEqual({ ...text, dataDir: "/new/place" });
    // A data set with a name is another data set.
    for (const dataset of ["petals", "flowers"])
      expect(() => resumeOptions(saved, { dataset })).toThrow(`--dataset ${dataset}: the run was begun with /old/birds`);
    expect(() => resumeOptions({ ...saved, dataset: "petals" }, { dataset: "/new/place" })).toThrow("the run was begun with petals");
  });

  it("may be given the paths again that an older version kept as they were typed", () => {
    process.chdir(home);
    const saved = resolveOptions({ preset: "tiny", textEncoder: "t.safetensors" }, cpu);
    expect(resumeOptions(saved, withAbsolutePaths({ textEncoder: "t.safetensors" }), withAbsolutePaths).textEncoder).toBe(
      join(process.cwd(), "t.safetensors"),
    );
    expect(() => resumeOptions(saved, withAbsolutePaths({ textEncoder: "u.safetensors" }), withAbsolutePaths)).toThrow(
      "the run was begun with t.safetensors",
    );
  });

  it("reads the same data from the new place", async () => {
    const old = join(home, "birds of mine");
    const moved = join(home, "elsewhere");
    const options = { dataset: old, imageSize: 16, dataDir: null, captions: null };
    const first = await openData(options, hooks);
    renameSync(old, moved);
    try {
      await expect(requireData(options, true)).rejects.toThrow(
        `no data set "${old}": give petals, flowers, birds, coco, coco2017, or a folder that exists; where the folder has moved, say so with --data-dir DIR`,
      );
      const there = { ...options, dataDir: moved };
      await requireData(there, true);
      const again = await openData(there, hooks);
      expect(again.name).toBe("birds of mine");
      expect([again.images, again.classes, again.caption(3)]).toEqual([first.images, first.classes, first.caption(3)]);
      expect(again.pixels(5)).toEqual(first.pixels(5));
      // For something new it is a mistake.
      await expect(requireData({ ...options, dataset: moved, dataDir: old }, false)).rejects.toThrow(`leave --data-dir ${old} out`);
    } finally {
      renameSync(moved, old);
    }
  });

  it("is told before any work what is missing", async () => {
    const options = { imageSize: 16, dataDir: null, captions: null };
    await expect(requireData({ ...options, dataset: "tulips" }, false)).rejects.toThrow(/^no data set "tulips": give petals/);
    await expect(requireData({ ...options, dataset: "birds", dataDir: join(home, "nothing") }, false)).rejects.toThrow(
      "birds: no images and no captions in",
    );
    await expect(requireData({ ...options, dataset: "petals", dataDir: join(home, "nothing") }, false)).rejects.toThrow(
      "leave --data-dir out",
    );
    // What can be fetched is not missing.
    await requireData({ ...options, dataset: "flowers", dataDir: join(home, "nothing") }, false);
  });
});
