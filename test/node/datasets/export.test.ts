/** A data set exported into each layout and read back: every image with its own pixels, captions and part of the split, bit for bit. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/data/dataset.js";
import { LAYOUT_NAMES, type LayoutName } from "../../../src/data/layout-names.js";
import { PackedDataset } from "../../../src/data/packed.js";
import { exportDataset } from "../../../src/node/datasets/export/export-dataset.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import { tinyPrepared } from "../../data/tiny-dataset.js";

const base = mkdtempSync(join(tmpdir(), "petalgrad-export-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let petals: Dataset;
beforeAll(async () => (petals = await openDataset("petals", { size: 16, imagesPerClass: 1, cacheDir: join(base, "cache") })));

/** What a layout is known to lose; nothing else may be. */
const LOSES: Readonly<Record<LayoutName, readonly string[]>> = {
  reed: [],
  coco: ["classes"],
  parquet: ["classes"],
  webdataset: ["classes"],
  imagefolder: ["classes"],
  flickr: ["classes", "split"],
  beside: ["classes"],
  folders: ["captions", "split"],
};

const part = (dataset: Dataset, image: number) =>
  dataset.split.train.includes(dataset.classOf(image)) ? "train" : dataset.split.test.includes(dataset.classOf(image)) ? "test" : "none";

/** All that there is of each image, but for what is lost, by its name. */
const contents = (dataset: Dataset, lost: readonly string[]) =>
  Array.from({ length: dataset.images }, (_, i) => ({
    name: dataset.imageName(i),
    pixels: Buffer.from(dataset.pixels(i)).toString("base64"),
    ...(!lost.includes("captions") && { captions: dataset.captionsOf(i) }),
    ...(!lost.includes("split") && { part: part(dataset, i) }),
    ...(!lost.includes("classes") && { className: dataset.classes[dataset.classOf(i)] }),
  })).sort((a, b) => (a.name < b.name ? -1 : 1));

const read = (folder: string, size = 16) => openDataset(folder, { size, cacheDir: join(base, "cache") });

describe.each(LAYOUT_NAMES)("petals as %s", (layout) => {
  const folder = join(base, `petals-${layout}`);

  it("is read back as the layout that it was written in, without a difference", async () => {
    const { images, notes } = await exportDataset(petals, folder, layout);
    expect(images).toBe(petals.images);
    const lost = LOSES[layout];
    const said = notes.find((note) => note.startsWith(`layout ${layout} cannot hold: `)) ?? "";
    for (const [what, words] of Object.entries({ classes: "classes", captions: "captions,", split: "which images are held out" }))
      expect([what, said.includes(words)]).toEqual([what, lost.includes(what)]);
    const back = await read(folder);
    expect(back.report.notes[0]).toMatch(layout === "reed" ? /^captions from text_c10$/ : new RegExp(`^layout ${layout}, by `));
    expect(back.report.skipped).toEqual([]);
    // A key ends at the first dot.
    const named = layout === "webdataset" ? { name: (name: string) => name.replaceAll(".", "_") } : { name: (name: string) => name };
    expect(contents(back, lost)).toEqual(contents(petals, lost).map((image) => ({ ...image, name: named.name(image.name) })));
    expect(back.classless).toBe(lost.includes("classes"));
  });

  it("is not written where something is already", async () => {
    await expect(exportDataset(petals, folder, layout)).rejects.toThrow(/petals-\w+ holds \S+ already: export to a new folder$/);
  });
});

it("a layout of classes holds the same order, split and alphabet: the packed bytes", async () => {
  const back = await read(join(base, "petals-reed"));
  const all = (dataset: Dataset) => ({
    ...{ classes: dataset.classes, split: dataset.split, alphabet: dataset.alphabet.toJSON() },
    pixels: Buffer.concat(Array.from({ length: dataset.images }, (_, i) => dataset.pixels(i))).toString("base64"),
    captions: Array.from({ length: dataset.images }, (_, i) => dataset.captionsOf(i)),
  });
  expect(all(back)).toEqual(all(petals));
});

describe("names that no file system takes, and images alike in name", () => {
  const prepared = tinyPrepared({ classes: 3, imagesPerClass: 2, size: 16, captionsOf: (i) => [`say "${i}", x`, "zwei, drei #4"] });
  const odd = (name: (i: number) => string) => {
    const images = prepared.images.map((image, i) => ({ ...image, name: name(i), classIndex: i }));
    const split = { train: [0, 1, 2, 3], test: [4, 5] };
    return new PackedDataset({ ...prepared, images, split, classes: images.map((_, i) => `${i}`), classless: true });
  };

  it.each(LAYOUT_NAMES.filter((name) => !["reed", "folders", "flickr"].includes(name)))("%s", async (layout) => {
    for (const [kind, name] of Object.entries({
      odd: (i: number) => `..a/b\\..${i}#2: ü "x", y?`,
      alike: () => "Rose",
      dots: () => "...",
    })) {
      const folder = join(base, `${kind}-${layout}`);
      const dataset = odd(name);
      await exportDataset(dataset, folder, layout);
      const back = await read(folder);
      expect(back.report.skipped).toEqual([]);
      const bare = (one: Dataset) => contents(one, ["classes"]).map((image) => ({ ...image, name: "" }));
      const sorted = (one: Dataset) => bare(one).sort((a, b) => (a.pixels < b.pixels ? -1 : 1));
      expect(sorted(back)).toEqual(sorted(dataset));
    }
  });

  it("refuses layouts of classes for what has none", async () => {
    await expect(exportDataset(odd(String), join(base, "none"), "reed")).rejects.toThrow(/has no classes, and layout reed is made of them/);
    expect(readdirSync(base)).not.toContain("none");
  });
});
