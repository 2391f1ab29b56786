/** Archives of any layout, and archives inside a folder, read without unpacking them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Zippable, zipSync } from "fflate";
import { beforeEach, describe, expect, it } from "vitest";
import { LAYOUT_NAMES } from "../../../src/data/layout-names.js";
import { exportDataset } from "../../../src/node/datasets/export/export-dataset.js";
import { tinyDataset } from "../../data/tiny-dataset.js";
import { found, levels, picture, PictureSets, skipped } from "./picture-set.js";

const sets = new PictureSets("packed-sets");
beforeEach(() => sets.next());

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const zip = (files: Zippable): Uint8Array => zipSync(files, { level: 6 });

describe.each(LAYOUT_NAMES.filter((name) => name !== "parquet" && name !== "webdataset"))("layout %s", (layout) => {
  it.each(layout === "imagefolder" || layout === "reed" ? ["tar", "tgz", "zip"] : ["zip"])(
    "in a .%s is what it is unpacked",
    async (ending) => {
      const dataset = tinyDataset({ classes: 10, imagesPerClass: 2, size: 8 });
      const folder = join(sets.folder, "set");
      await exportDataset(dataset, folder, layout);
      const unpacked = await sets.open({}, folder);
      const archive = join(sets.folder, `packed.${ending}`);
      if (ending === "zip") writeFileSync(archive, zip({ set: filesIn(folder) }));
      else execFileSync("tar", [ending === "tgz" ? "-czf" : "-cf", archive, "-C", sets.folder, "set"]);
      const packed = await sets.open({}, archive);
      expect(packed.name).toBe("packed");
      expect(found(packed)).toEqual(found(unpacked));
      // A hash of the names, of which the archive's folder is a part, holds out others.
      if (layout !== "flickr") expect(levels(packed, "test")).toEqual(levels(unpacked, "test"));
      expect(packed.classless).toBe(unpacked.classless);
      expect(skipped(packed)).toEqual([]);
      // The same archive in a folder.
      mkdirSync(join(sets.folder, "around"));
      renameSync(archive, join(sets.folder, `around/packed.${ending}`));
      const around = await sets.open({}, join(sets.folder, "around"));
      expect(found(around)).toEqual(found(unpacked));
    },
  );
});

/** A folder's files as the packer wants them. */
function filesIn(folder: string): Zippable {
  const list = execFileSync("find", [".", "-type", "f"], { cwd: folder, encoding: "utf8" }).trim().split("\n");
  const entries = list.map((path) => [path.slice(2), new Uint8Array(execFileSync("cat", [path], { cwd: folder }))] as const);
  return Object.fromEntries(entries);
}

it("images.zip beside captions.txt", async () => {
  sets.put("captions.txt", "image,caption\n0.png,zero\n1.png,one\n2.png,gone\n");
  sets.put("images.zip", zip({ "Images/0.png": picture(0), "Images/1.png": picture(10), "__MACOSX/Images/._0.png": text("x") }));
  const dataset = await sets.open();
  expect(found(dataset)).toEqual({ 0: ["zero"], 10: ["one"] });
  expect(skipped(dataset)).toEqual(["2.png: no image for these captions"]);
  expect(dataset.report.notes[0]).toContain("layout flickr, by captions.txt");
});

it("COCO as it is fetched: train2017.zip and val2017.zip beside the annotations' zip", async () => {
  const list = (id: number) =>
    JSON.stringify({ images: [{ id, file_name: `${id}.png` }], annotations: [{ image_id: id, caption: `number ${id}` }] });
  sets.put("train2017.zip", zip({ "train2017/1.png": picture(10) }));
  sets.put("val2017.zip", zip({ "val2017/2.png": picture(20) }));
  sets.put(
    "annotations_trainval2017.zip",
    zip({
      "annotations/captions_train2017.json": text(list(1)),
      "annotations/captions_val2017.json": text(list(2)),
      "annotations/instances_val2017.json": text("{"),
    }),
  );
  const dataset = await sets.open();
  expect(found(dataset)).toEqual({ 10: ["number 1"], 20: ["number 2"] });
  expect([levels(dataset, "train"), levels(dataset, "test")]).toEqual([[10], [20]]);
  expect(skipped(dataset)).toEqual([]);
});

it("archives that hold files of the same name stand in folders of their own", async () => {
  for (const [i, name] of ["a", "b"].entries()) sets.put(`${name}.zip`, zip({ "0.png": picture(10 * i), "0.txt": text(`in ${name}`) }));
  expect(found(await sets.open())).toEqual({ 0: ["in a"], 10: ["in b"] });
});

it("an archive that was unpacked and left beside its files is not read twice", async () => {
  sets.put("captions.txt", "image,caption\n0.png,zero\n1.png,one\n");
  for (const i of [0, 1]) sets.put(`deep/Images/${i}.png`, picture(10 * i));
  const images = { "Images/0.png": picture(0), "Images/1.png": picture(10) };
  sets.put("anywhere.zip", zip(images));
  const dataset = await sets.open();
  expect(found(dataset)).toEqual({ 0: ["zero"], 10: ["one"] });
  expect(skipped(dataset)).toEqual(["anywhere.zip: what it holds lies unpacked in the folder"]);
  // In a folder of the archive's name; and files of the same names that are others.
  sets.next();
  for (const i of [0, 1]) sets.put(`flat/${i}.png`, picture(10 * i));
  for (const i of [0, 1]) sets.put(`flat/${i}.txt`, `number ${i}`);
  sets.put("flat.zip", zip({ "0.png": picture(0), "1.png": picture(10), "0.txt": text("number 0"), "1.txt": text("number 1") }));
  sets.put("other.zip", zip({ "0.png": picture(200), "0.txt": text("another") }));
  const two = await sets.open();
  expect(found(two)).toEqual({ 0: ["number 0"], 10: ["number 1"], 200: ["another"] });
  expect(skipped(two)).toEqual(["flat.zip: what it holds lies unpacked in the folder"]);
});

it("an archive that is damaged, or of a kind that is not read, spoils no folder; alone it is an error", async () => {
  sets.put("0.png", picture(0));
  sets.put("0.txt", "zero");
  sets.put("junk.zip", "no archive");
  sets.put("old.rar", "Rar!");
  const dataset = await sets.open();
  expect(found(dataset)).toEqual({ 0: ["zero"] });
  expect(skipped(dataset)).toEqual([expect.stringMatching(/^junk\.zip: \S+junk\.zip is (?:not an archive|a damaged archive)/)]);
  rmSync(join(sets.folder, "0.png"));
  rmSync(join(sets.folder, "0.txt"));
  rmSync(join(sets.folder, "junk.zip"));
  await expect(sets.open()).rejects.toThrow(
    /is in no layout that is known\. It holds old\.rar, which is not looked into: unpack it\. The smallest/,
  );
});

it("an archive inside an archive is named", async () => {
  sets.put("outer.zip", zip({ "inner.zip": zip({ "0.png": picture(0) }) }));
  await expect(sets.open({}, join(sets.folder, "outer.zip"))).rejects.toThrow(/It holds inner\.zip, which is not looked into: unpack it/);
});

it("captions in two languages inside an archive: the one that is asked for", async () => {
  const files = { "jpg/x.png": picture(0), "jpg/y.png": picture(10) };
  const fa = { "text_c10_fa/a/x.txt": text("گل"), "text_c10_fa/a/y.txt": text("گل دو") };
  sets.put("set.zip", zip({ ...files, ...fa, "text_c10/a/x.txt": text("flower"), "text_c10/a/y.txt": text("two") }));
  const file = join(sets.folder, "set.zip");
  expect(found(await sets.open({}, file))).toEqual({ 0: ["flower"], 10: ["two"] });
  expect(found(await sets.open({ captions: "fa" }, file))).toEqual({ 0: ["گل"], 10: ["گل دو"] });
  await expect(sets.open({ captions: "de" }, file)).rejects.toThrow(/no captions "de" in \S+set\.zip: there are en, fa$/);
  await expect(sets.open({ heldOut: 0.5 }, file)).rejects.toThrow("set has classes and captions: leave --held-out out");
});

it("a file of captions that unpacks to more than any does is refused inside a folder too", async () => {
  sets.put("0.png", picture(0));
  sets.put("set.zip", zipSync({ "captions.txt": new Uint8Array(2 ** 27 + 1) }, { level: 1 }));
  await expect(sets.open()).rejects.toThrow(/captions\.txt: 129 MiB large: at most 128 MiB are read; captions of at most 128 MiB are read/);
});
