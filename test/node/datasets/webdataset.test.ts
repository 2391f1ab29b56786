/** WebDataset shards: files of one key, in one tar or a folder of them. */
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { pack } from "tar-stream";
import { gzipSync } from "node:zlib";
import { beforeEach, expect, it } from "vitest";
import { keyOf } from "../../../src/data/layouts/webdataset.js";
import { found, levels, picture, PictureSets, skipped } from "./picture-set.js";

const sets = new PictureSets("webdataset");
beforeEach(() => sets.next());

/** A tar of these files, in their order. */
async function tar(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const archive = pack();
  const pieces: Buffer[] = [];
  const ended = new Promise<void>((resolve) => archive.on("end", () => resolve()));
  archive.on("data", (piece) => pieces.push(piece as Buffer));
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, Buffer.from(content));
  archive.finalize();
  await ended;
  return Buffer.concat(pieces);
}

it.each([
  ["0001.jpg", "0001", "jpg"],
  ["a/b.c/0001.seg.png", "a/b.c/0001", "seg.png"],
  ["a/b/x.cls", "a/b/x", "cls"],
])("%s has the key %s", (path, key, kind) => expect(keyOf(path)).toEqual({ key, kind }));
it.each(["README", "a/.hidden", "a.b/c"])("%s has no key", (path) => expect(keyOf(path)).toBeUndefined());

it("reads a folder of shards: same keys in two of them, captions in .txt, in .json or in both, its own split", async () => {
  sets.put(
    "shards/train-0000.tar",
    await tar({
      "000.png": picture(0),
      "000.txt": "zero\n零\n",
      "000.cls": "3",
      "001.png": picture(10),
      "001.json": '{"caption": "one", "width": 8}',
      "001.seg.png": picture(99),
      "deep/er.x/000.png": picture(20),
      "deep/er.x/000.json": '{"caption": ["two", "deux"]}',
      "both.png": picture(30),
      "both.txt": "three",
      "both.json": '{"caption": "three", "key": "both"}',
    }),
  );
  sets.put("shards/train-0001.tgz", gzipSync(await tar({ "000.png": picture(40), "000.txt": "four" })));
  sets.put("shards/val-0000.tar", await tar({ "000.jpg": picture(50), "000.json": '["five", "cinq"]' }));
  sets.put("shards/_stats.json", "{}");
  const dataset = await sets.open();
  expect(found(dataset)).toEqual({
    ...{ 0: ["zero", "零"], 10: ["one"], 20: ["two", "deux"] },
    ...{ 30: ["three"], 40: ["four"], 50: ["five", "cinq"] },
  });
  expect([levels(dataset, "train"), levels(dataset, "test")]).toEqual([[0, 10, 20, 30, 40], [50]]);
  expect(dataset.classes).toContain("shards/train-0000.tar/deep/er.x/000");
  expect(dataset.report.notes[0]).toMatch(/^layout webdataset, by shards\/train-0000\.tar\/000\.txt; not reed \(no text_c10\), coco/);
  expect(skipped(dataset)).toEqual(["shards/train-0000.tar/001.seg.png: no captions"]);
});

it("names what is left out: no image, no captions, an empty list, no JSON, a second image of a key, a damaged image", async () => {
  const file = join(sets.folder, "one.tar");
  writeFileSync(
    file,
    await tar({
      "ok.png": picture(0),
      "ok.json": '{"text": "fine"}',
      "empty.png": picture(10),
      "empty.json": '{"text": []}',
      "none.png": picture(20),
      "null.png": picture(30),
      "null.json": '{"text": null}',
      "bad.png": picture(40),
      "bad.json": "{",
      "alone.json": '{"text": "no image"}',
      "two.jpg": picture(50),
      "two.png": picture(60),
      "two.txt": "which?",
      "broken.png": picture(70).subarray(0, 40),
      "broken.txt": "broken",
    }),
  );
  const dataset = await sets.open({}, file);
  expect(dataset.name).toBe("one");
  expect(found(dataset)).toEqual({ 0: ["fine"], 50: ["which?"] });
  expect(skipped(dataset)).toEqual([
    "alone.json: no image of its key",
    "bad.json: no JSON",
    "bad.png: no captions",
    expect.stringMatching(/^broken\.png: cannot be decoded/),
    "empty.png: no captions",
    "none.png: no captions",
    "null.png: no captions",
    "two.png: a second image of its key",
  ]);
});

it("takes the key of the JSON that is asked for, and says which there are where none is captions", async () => {
  const file = join(sets.folder, "one.tar");
  const json = (i: number) => JSON.stringify({ alt: `alt ${i}`, width: 8 });
  writeFileSync(file, await tar({ "0.png": picture(0), "0.json": json(0), "1.png": picture(10), "1.json": json(1), "1.txt": "other" }));
  expect(found(await sets.open({ captions: "alt" }, file))).toEqual({ 0: ["alt 0"], 10: ["alt 1"] });
  expect(found(await sets.open({}, file))).toEqual({ 10: ["other"] });
  writeFileSync(file, await tar({ "0.png": picture(0), "0.json": json(0) }));
  await expect(sets.open({}, file)).rejects.toThrow(/^0\.json has no column text or caption: there are alt, width; say with --captions/);
});

it("reads unpacked shards where the layout is asked for", async () => {
  sets.put("a/0.png", picture(0));
  sets.put("a/0.json", '{"caption": "zero"}');
  sets.put("b/1.png", picture(10));
  sets.put("b/1.json", '{"caption": "one"}');
  expect((await sets.open()).report.notes[0]).toMatch(/^layout folders/);
  expect(found(await sets.open({ layout: "webdataset" }))).toEqual({ 0: ["zero"], 10: ["one"] });
});
