/** The packed form of a data set: it gives everything back, and refuses what is damaged, cut short or of other sources. */
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PackedDataset, type PreparedData } from "../../src/data/packed.js";
import { decodePacked, encodePacked } from "../../src/data/packed-form.js";
import { readPacked, writePacked, writePackedPieces } from "../../src/node/datasets/packed-file.js";
import { petalsAttributes } from "../../src/data/petals-classes.js";
import { tinyDataset, tinyPrepared } from "./tiny-dataset.js";

const prepared: PreparedData = {
  ...tinyPrepared({ captionsOf: (i) => [`caption ${i}`, "گل زرد", "🌸"] }),
  attributes: Array.from({ length: 15 }, (_, i) => petalsAttributes(0, i, 0)),
};

async function bytesOf(data: PreparedData, key = "key"): Promise<Uint8Array> {
  return new Uint8Array(Buffer.concat(await encodePacked(data, key)));
}

describe("a data set in memory", () => {
  const dataset = new PackedDataset(prepared);

  it("numbers images, classes and captions as its interface says", () => {
    expect([dataset.images, dataset.captions, dataset.classes.length]).toEqual([15, 45, 5]);
    expect(dataset.imagesOfClass(1)).toEqual([3, 4, 5]);
    expect(dataset.imagesOfSplit("test")).toEqual([12, 13, 14]);
    expect(dataset.classOf(5)).toBe(1);
    expect(dataset.captionsOf(4)).toEqual(["caption 4", "گل زرد", "🌸"]);
    expect(dataset.firstCaption(4)).toBe(12);
    expect(dataset.caption(13)).toBe("گل زرد");
    expect(dataset.imageOfCaption(13)).toBe(4);
    expect([...dataset.pixels(4).subarray(0, 6)]).toEqual([4, 0, 0, 4, 1, 0]);
    expect(dataset.attributes!(2)).toEqual(petalsAttributes(0, 2, 0));
    expect(tinyDataset().attributes).toBeUndefined();
  });

  it("refuses numbers that it does not have", () => {
    expect(() => dataset.pixels(15)).toThrow(/images 0 to 14, not 15/);
    expect(() => dataset.captionsOf(-1)).toThrow(/images 0 to 14/);
    expect(() => dataset.caption(45)).toThrow(/captions 0 to 44/);
    expect(() => dataset.imagesOfClass(5)).toThrow(/classes 0 to 4/);
    expect(() => new PackedDataset({ ...prepared, pixels: prepared.pixels.subarray(1) })).toThrow(/bytes of pixels/);
  });
});

describe("the packed form", () => {
  it.each([1000, 2001])("holds the captions of %i images as one JSON text", async (count) => {
    const list = Array.from({ length: count }, (_, i) => ({ name: `i${i}`, classIndex: 0, side: 1, captions: [`caption ${i}`, "گل زرد"] }));
    const whole = { ...prepared, attributes: undefined, classes: ["one"], split: { train: [0], test: [] } };
    const [, , captions] = await encodePacked({ ...whole, images: list, pixels: new Uint8Array(3 * count) }, "key");
    expect(new TextDecoder().decode(captions)).toBe(JSON.stringify(list.map((one) => one.captions)));
  });

  it("gives everything back", async () => {
    const back = await decodePacked(await bytesOf(prepared), "key");
    const before = new PackedDataset(prepared);
    for (const key of ["name", "size", "images", "captions", "classes", "split", "report"] as const) {
      expect(back[key]).toEqual(before[key]);
    }
    expect(back.alphabet.toJSON()).toEqual(before.alphabet.toJSON());
    for (let i = 0; i < back.images; i++) {
      expect(back.pixels(i)).toEqual(before.pixels(i));
      expect(back.captionsOf(i)).toEqual(before.captionsOf(i));
      expect([back.imageName(i), back.classOf(i), back.side(i)]).toEqual([before.imageName(i), before.classOf(i), before.side(i)]);
      expect(back.attributes!(i)).toEqual(before.attributes!(i));
    }
  });

  it("is refused when any byte is another: in the magic, the header, the captions, the attributes, the pixels", async () => {
    const bytes = await bytesOf(prepared);
    const refusals = new Set<string>();
    for (let at = 0; at < bytes.length; at += 13) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0x10;
      const error = await decodePacked(damaged).then(
        () => new Error(`not noticed at ${at}`),
        (reason: Error) => reason,
      );
      expect(error.name, error.message).toBe("DataError");
      refusals.add(error.message);
    }
    expect([...refusals].sort()).toEqual([
      "not a packed data set of this version",
      "the checksum of its attributes differs",
      "the checksum of its captions differs",
      "the checksum of its header differs",
      "the checksum of its pixels differs",
    ]);
  });

  it("is refused when cut short, too long, or made of other sources", async () => {
    const bytes = await bytesOf(prepared);
    await expect(decodePacked(bytes.subarray(0, -1))).rejects.toThrow(/cut short/);
    await expect(decodePacked(bytes.subarray(0, 30))).rejects.toThrow(/not a packed data set/);
    await expect(decodePacked(bytes.subarray(0, 200))).rejects.toThrow(/header/);
    await expect(decodePacked(new Uint8Array([...bytes, 0]))).rejects.toThrow(/too long/);
    await expect(decodePacked(bytes, "another key")).rejects.toThrow(/other sources/);
  });
});

describe("packed files", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "petalgrad-packed-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("are written and read back; none is undefined", async () => {
    const file = join(folder, "new", "a.packed");
    expect(await readPacked(file)).toBeUndefined();
    await writePacked(file, prepared, "key");
    expect(await readdir(join(folder, "new"))).toEqual(["a.packed"]);
    expect((await readPacked(file, "key"))?.pixels(3)).toEqual(new PackedDataset(prepared).pixels(3));
  });

  it("keep the pixels of a large set, which are read by image, also when the file is removed meanwhile", async () => {
    const file = join(folder, "a.packed");
    await writePacked(file, prepared, "key");
    const [held, kept] = [await readPacked(file, "key"), await readPacked(file, "key", 0)];
    const memory = new PackedDataset(prepared);
    await rm(file);
    for (let i = 14; i >= 0; i--) {
      expect(kept!.pixels(i)).toEqual(memory.pixels(i));
      expect(held!.pixels(i)).toEqual(memory.pixels(i));
    }
    expect(() => kept!.pixels(15)).toThrow(/images 0 to 14/);
  });

  it("say in one line when they are cut short while they are read", async () => {
    const file = join(folder, "a.packed");
    await writePacked(file, prepared, "key");
    const kept = await readPacked(file, "key", 0);
    await truncate(file, (await readFile(file)).length - 1);
    expect(kept!.pixels(13)).toEqual(new PackedDataset(prepared).pixels(13));
    expect(() => kept!.pixels(14)).toThrow(`${file} cannot be read any more: it has been cut short`);
  });

  it("have the same bytes written piece by piece", async () => {
    const [whole, pieces] = [join(folder, "a.packed"), join(folder, "b.packed")];
    const { pixels, ...set } = prepared;
    await writePacked(whole, prepared, "key");
    const parts = [pixels.subarray(0, 7), pixels.subarray(7, 1000), pixels.subarray(1000)];
    await writePackedPieces(pieces, set, "key", parts, pixels.length);
    expect(await readFile(pieces)).toEqual(await readFile(whole));
    await expect(writePackedPieces(pieces, set, "key", parts.slice(1), pixels.length)).rejects.toThrow(/bytes of pixels where/);
    expect(await readdir(folder)).toEqual(["a.packed", "b.packed"]);
  });

  it("are refused by name when damaged", async () => {
    const file = join(folder, "a.packed");
    await writePacked(file, prepared, "key");
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, bytes.length / 2));
    await expect(readPacked(file, "key")).rejects.toThrow(new RegExp(`${file} is damaged.*delete it`));
  });

  it("leave nothing half-made when writing fails, and the old file as it was", async () => {
    // A folder in the file's place makes the renaming fail.
    const file = join(folder, "a.packed");
    await mkdir(join(file, "inside"), { recursive: true });
    await expect(writePacked(file, prepared, "key")).rejects.toThrow();
    expect(await readdir(folder)).toEqual(["a.packed"]);
  });
});
