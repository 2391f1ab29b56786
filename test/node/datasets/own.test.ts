/** Captioned images in the layouts that people have: each is recognised, read whole, and what is left out of it is named. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeEach, expect, it } from "vitest";
import type { Dataset } from "../../../src/data/dataset.js";
import { LAYOUT_NAMES } from "../../../src/data/layout-names.js";
import { isHeldOutByName } from "../../../src/data/split.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import type { OpenOptions } from "../../../src/node/datasets/options.js";

const base = mkdtempSync(join(tmpdir(), "petalgrad-own-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
let folder = "";
beforeEach(() => (folder = join(base, `set${count++}`)));

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** A picture of one level of grey. */
function picture(level: number, width = 8, height = 8): Buffer {
  const png = new PNG({ width, height });
  for (let at = 0; at < png.data.length; at++) png.data[at] = at % 4 === 3 ? 255 : level;
  return PNG.sync.write(png);
}

const open = (options: OpenOptions = {}, source = folder) => openDataset(source, { size: 8, cacheDir: join(base, "cache"), ...options });

/** Captions by an image's level of grey: that captions stand with their own pixels. */
const found = (dataset: Dataset): Record<number, readonly string[]> =>
  Object.fromEntries(Array.from({ length: dataset.images }, (_, i) => [dataset.pixels(i)[0]!, dataset.captionsOf(i)]));
const levels = (dataset: Dataset, split: "train" | "test") => dataset.imagesOfSplit(split).map((i) => dataset.pixels(i)[0]);
const skipped = ({ report }: Dataset) => report.skipped.map(({ file, reason }) => `${file}: ${reason}`);

it("a .txt beside each image: nested folders, several captions, other languages, odd names, what lacks", async () => {
  put("a rose.png", picture(10, 30, 20));
  put("a rose.txt", "a red rose\r\n\r\n  une rose rouge \n");
  put("deep/er/Tulpe ü.png", picture(20));
  put("deep/er/Tulpe ü.txt".normalize("NFD"), "eine gelbe Tulpe\n赤い花");
  put("deep/a rose.png", picture(30));
  put("deep/a rose.txt", "another rose");
  put("alone.png", picture(40));
  put("no picture.txt", "a lily");
  put("empty.png", picture(50));
  put("empty.txt", " \n\n");
  put("broken.png", picture(60).subarray(0, 40));
  put("broken.txt", "a daisy");
  const dataset = await open();
  expect(found(dataset)).toEqual({
    10: ["a red rose", "une rose rouge"],
    20: ["eine gelbe Tulpe", "赤い花"],
    30: ["another rose"],
  });
  expect(dataset.classless).toBe(true);
  expect([...dataset.classes].sort()).toEqual(["a rose", "deep/a rose", "deep/er/Tulpe ü"]);
  expect(dataset.report.notes[0]).toMatch(
    /^layout beside, by a rose\.txt; not reed \(no text_c10\), coco \(.*\), imagefolder \(.*\), flickr/,
  );
  expect(skipped(dataset)).toEqual([
    "alone.png: no captions",
    expect.stringMatching(/^broken\.png: cannot be decoded/),
    "empty.png: no captions",
    "no picture.txt: no image beside it",
  ]);
});

it("imagefolder: metadata.jsonl with one caption or a list, lines that are none, images that lack", async () => {
  for (let i = 0; i < 4; i++) put(`images/${i}.png`, picture(10 * i));
  put(
    "images/metadata.jsonl",
    [
      '{"file_name": "0.png", "text": "zero"}',
      '{"file_name": "./1.png", "text": ["one", "eins", ""]}',
      "not json",
      '{"text": "whose?"}',
      '{"file_name": "2.png", "text": []}',
      '{"file_name": "../../secret.png", "text": "outside"}',
      '{"file_name": "gone.png", "text": "gone"}',
      '{"file_name": "0.png", "text": "null"}',
    ].join("\n"),
  );
  const dataset = await open();
  expect(found(dataset)).toEqual({ 0: ["zero", "null"], 10: ["one", "eins"] });
  expect(dataset.report.notes[0]).toContain("layout imagefolder, by images/metadata.jsonl");
  expect(skipped(dataset)).toEqual([
    "../secret.png: no image for these captions",
    "images/2.png: no captions",
    "images/3.png: no captions",
    "images/gone.png: no image for these captions",
    "images/metadata.jsonl:3: no JSON object",
    "images/metadata.jsonl:4: no file_name in it",
  ]);
});

it("imagefolder: metadata.csv with commas, quotes and line ends in cells, its own split, the column asked for", async () => {
  for (const [i, part] of ["train", "train", "validation", "test"].entries()) put(`${part}/${i}.png`, picture(10 * i));
  put("train/metadata.csv", '\ufefffile_name,caption,alt\n0.png,"red, and ""big""",x\n1.png,"two\nlines",y\n');
  put("validation/metadata.csv", "file_name,caption,alt\n2.png,blue,z\n");
  put("test/metadata.csv", "file_name,caption,alt\n3.png,green,w\n");
  const dataset = await open();
  expect(found(dataset)).toEqual({ 0: ['red, and "big"'], 10: ["two lines"], 20: ["blue"], 30: ["green"] });
  expect(levels(dataset, "train")).toEqual([0, 10]);
  expect(levels(dataset, "test").sort()).toEqual([20, 30]);
  expect(found(await open({ captions: "alt" }))[0]).toEqual(["x"]);
  await expect(open({ captions: "none" })).rejects.toThrow(
    /has no column "none": there are file_name, caption, alt; say with --captions COLUMN/,
  );
  expect(levels(await open({ heldOut: 0 }), "test")).toEqual([]);
});

it.each([
  ["captions.txt", 'image,caption\n0.png,"one, with comma"\n0.png,the "second"\n1.png,two\n', ["one, with comma", 'the "second"']],
  [
    "results.csv",
    "image_name| comment_number| comment\n0.png| 0| one | bar\n0.png| 1| second, here\n1.png| 0| two\n",
    ["one , bar", "second, here"],
  ],
  ["results_20130124.token", '0.png#0\tone "quoted\n0.png#1\tsecond\n1.png#0\ttwo\n', ['one "quoted', "second"]],
  ["Flickr8k.token.txt", "0.png#0\tone\n1.png#0\ttwo\n2.png#0\tgone\n", ["one"]],
])("Flickr's %s", async (name, text, captions) => {
  put("Images/0.png", picture(0));
  put("Images/1.png", picture(10));
  put("Flickr8k.lemma.token.txt", "0.png#0\tlemma\n");
  put(name, text);
  const dataset = await open();
  expect(found(dataset)).toEqual({ 0: captions, 10: ["two"] });
  expect(dataset.report.notes[0]).toContain(`layout flickr, by ${name}`);
  expect(skipped(dataset)).toEqual(name === "Flickr8k.token.txt" ? ["2.png: no image for these captions"] : []);
});

it("COCO: captions by id, its own split, the newer of two years", async () => {
  const annotations = (first: number, year: string) =>
    JSON.stringify({
      info: {},
      images: [
        { id: 10 + first, file_name: `${year}${first}.png` },
        { id: 11 + first, file_name: `${year}${first + 1}.png` },
      ],
      annotations: [
        { id: 1, image_id: 11 + first, caption: `second of ${first}\n` },
        { id: 2, image_id: 10 + first, caption: `first of ${first}` },
        { id: 3, image_id: 11 + first, caption: "another" },
      ],
    });
  for (const i of [0, 1]) put(`train2017/${i}.png`, picture(10 * i));
  for (const i of [2, 3]) put(`val2017/${i}.png`, picture(10 * i));
  put("annotations/captions_train2017.json", annotations(0, ""));
  put("annotations/captions_val2017.json", annotations(2, ""));
  put("annotations/captions_train2014.json", annotations(0, "COCO_"));
  put("annotations/instances_val2017.json", "{}");
  const dataset = await open();
  expect(found(dataset)).toEqual({ 0: ["first of 0"], 10: ["second of 0", "another"], 20: ["first of 2"], 30: ["second of 2", "another"] });
  expect([levels(dataset, "train"), levels(dataset, "test")]).toEqual([
    [0, 10],
    [20, 30],
  ]);
  put("annotations/captions_val2017.json", '{"images": [{"id": 1}]}');
  await expect(open()).rejects.toThrow(/captions_val2017\.json is not as COCO's/);
  put("annotations/captions_val2017.json", "{");
  await expect(open()).rejects.toThrow(/captions_val2017\.json is no JSON/);
});

it("one folder a class: captions by the template, whole classes held out", async () => {
  for (let c = 0; c < 5; c++) for (let i = 0; i < 2; i++) put(`images/00${c}.Great_${"abcde"[c]}-bird/${i}.png`, picture(20 * c + i));
  const dataset = await open();
  expect(dataset.classless).toBe(false);
  expect(dataset.classes[1]).toBe("001.Great_b-bird");
  expect(found(dataset)[21]).toEqual(["a photo of a great b bird"]);
  expect(dataset.split).toEqual({ train: [0, 1, 2, 3], test: [4] });
  expect(found(await open({ captionTemplate: "{class}, {class}" }))[21]).toEqual(["great b bird, great b bird"]);
  await expect(open({ captionTemplate: "a bird" })).rejects.toThrow(/^--caption-template "a bird" lacks \{class\}/);
  await expect(open({ heldOut: 0.5 })).rejects.toThrow(/has classes, and whole classes are held out: leave --held-out 0\.5 out/);
});

it("a layout is asked for; one that does not fit, and a folder that fits none, get the smallest examples", async () => {
  put("a/0.png", picture(0));
  put("a/0.txt", "zero");
  put("b/1.png", picture(10));
  const dataset = await open();
  expect(dataset.report.notes[0]).toMatch(/^layout beside, .*; --layout folders would fit too$/);
  const asked = await open({ layout: "folders" });
  expect(found(asked)).toEqual({ 0: ["a photo of a a"], 10: ["a photo of a b"] });
  for (const [given, flag] of [
    [{ captions: "title" }, "captions"],
    [{ captionTemplate: "a {class}" }, "caption-template"],
  ] as const)
    await expect(open(given)).rejects.toThrow(
      new RegExp(`^--${flag} has no meaning for set\\d+, which is of layout beside: leave it out$`),
    );
  await expect(open({ layout: "coco" })).rejects.toThrow(
    /is not of layout coco: no captions_train20xx\.json\. The smallest example:\n {2}train2017/,
  );
  rmSync(folder, { recursive: true });
  put("only.png", picture(0));
  const none = open();
  await expect(none).rejects.toThrow(
    /is in no layout that is known\. It holds one picture, and no captions of it: put a \.txt beside each\. The/,
  );
  for (const name of LAYOUT_NAMES) await expect(none).rejects.toThrow(`--layout ${name}\n`);
  await expect(openDataset("petals", { heldOut: 0.2 })).rejects.toThrow(/leave --held-out out/);
  // What a newcomer tries.
  put("train/0.png", picture(0));
  put("test/1.png", picture(10));
  rmSync(join(folder, "only.png"));
  await expect(open()).rejects.toThrow(/It holds 2 pictures, and no captions of them/);
  expect((await open({ layout: "folders" })).classes).toEqual(["test", "train"]);
  put("only.png", picture(0));
  const file = (name: string) => openDataset(join(folder, name));
  await expect(file("only.png")).rejects.toThrow(/only\.png is one picture: give the folder/);
  put("all.7z", "7z");
  await expect(file("all.7z")).rejects.toThrow(/all\.7z is an archive of a kind that is not read: unpack it/);
  put("captions.csv", "image,caption");
  await expect(file("captions.csv")).rejects.toThrow(/captions\.csv is a file of captioned images neither by/);
  rmSync(folder, { recursive: true });
  put(".hidden", "");
  await expect(open()).rejects.toThrow(/ holds no files \(hidden ones are passed over\)$/);
});

it("a share of the images is held out by their names, whatever others there are", async () => {
  const names = Array.from({ length: 30 }, (_, i) => `photo ${i}`);
  for (const [i, name] of names.entries()) {
    put(`${name}.png`, picture(i));
    put(`${name}.txt`, `number ${i}`);
  }
  const held = (dataset: Dataset) => dataset.imagesOfSplit("test").map((image) => dataset.imageName(image));
  const before = held(await open());
  expect(before.sort()).toEqual(names.filter((name) => isHeldOutByName(name, 0.1)).sort());
  expect(before.length).toBeGreaterThan(0);
  put("a new one.png", picture(99));
  put("a new one.txt", "new");
  expect(held(await open()).filter((name) => name !== "a new one")).toEqual(before);
  expect(held(await open({ heldOut: 0.5 })).length).toBeGreaterThan(8);
});

it("an archive of any of them, without unpacking", async () => {
  put("set/0.png", picture(0));
  put("set/1.png", picture(10));
  put("set/metadata.jsonl", '{"file_name": "0.png", "text": "zero"}\n{"file_name": "1.png", "text": "one"}\n');
  const archive = join(base, "packed.tar.gz");
  execFileSync("tar", ["-czf", archive, "-C", folder, "set"]);
  const dataset = await open({}, archive);
  expect(dataset.name).toBe("packed");
  expect(found(dataset)).toEqual({ 0: ["zero"], 10: ["one"] });
});
