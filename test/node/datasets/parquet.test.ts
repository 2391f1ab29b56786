/** Parquet files of image bytes and captions, as Hugging Face keeps them; what they are packed by; what they may not claim. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { ParquetWriter, type Packing, type ParquetRow } from "../../../src/node/datasets/export/parquet-writer.js";
import { found, levels, picture, PictureSets, skipped } from "./picture-set.js";

const sets = new PictureSets("parquet");
beforeEach(() => sets.next());

function table(rows: readonly ParquetRow[], packing?: Packing): Buffer {
  const writer = new ParquetWriter(packing);
  return Buffer.concat([...rows.map((row) => writer.add(row)), writer.end()]);
}
const row = (level: number, captions: readonly string[], fileName = `${level}.png`): ParquetRow => ({
  image: picture(level),
  captions,
  fileName,
});

/** Snappy that copies only: the length, then pieces of up to 60 bytes, each behind its own length. */
function snappy(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let rest = bytes.length;
  for (; rest >= 128; rest >>>= 7) out.push((rest & 127) | 128);
  out.push(rest);
  for (let at = 0; at < bytes.length; at += 60) {
    const piece = bytes.subarray(at, at + 60);
    out.push((piece.length - 1) << 2, ...piece);
  }
  return Uint8Array.from(out);
}

it("reads a folder of them: its own split, several captions in several languages, empty lists, bytes that are no image", async () => {
  const many = Array.from({ length: 120 }, (_, i) => row(i, [`number ${i}`, `numéro ${i}`]));
  sets.put("data/train-00000-of-00002.parquet", table(many));
  sets.put(
    "data/train-00001-of-00002.parquet",
    table([row(200, ["赤い花"]), row(201, []), { ...row(202, ["broken"]), image: Buffer.from("no image") }]),
  );
  sets.put("data/test-00000-of-00001.parquet", table([row(250, ["held out"])]));
  sets.put("README.md", "a data set");
  const dataset = await sets.open();
  expect(found(dataset)).toEqual({
    ...Object.fromEntries(many.map(({ captions }, i) => [i, captions])),
    ...{ 200: ["赤い花"], 250: ["held out"] },
  });
  expect(levels(dataset, "test")).toEqual([250]);
  expect(levels(dataset, "train")).toHaveLength(121);
  expect(dataset.report.notes[0]).toMatch(/^layout parquet, by data\/test-00000-of-00001\.parquet\/metadata\.jsonl; not reed/);
  expect(dataset.report.notes[0]).not.toContain("would fit too");
  expect(skipped(dataset)).toEqual([
    "data/train-00001-of-00002.parquet/201.png: no captions",
    expect.stringMatching(/^data\/train-00001-of-00002\.parquet\/202\.png: cannot be decoded/),
  ]);
});

it("reads one file, packed by snappy, whose names are alike or odd: rows have numbers then", async () => {
  const file = join(sets.folder, "pictures.parquet");
  writeFileSync(
    file,
    table([row(0, ["zero"], "x.png"), row(10, ["one"], "x.jpg"), row(20, ["two"], ".hidden")], { codec: 1, pack: snappy }),
  );
  const dataset = await sets.open({}, file);
  expect(dataset.name).toBe("pictures");
  expect(found(dataset)).toEqual({ 0: ["zero"], 10: ["one"], 20: ["two"] });
  expect(dataset.classes).toEqual(["0", "1", "2"]);
});

it("names the codec that is not read, and the way out", async () => {
  sets.put("a.parquet", table([row(0, ["zero"])], { codec: 6, pack: (bytes) => bytes }));
  await expect(sets.open()).rejects.toThrow(/^a\.parquet is packed by ZSTD, which is not read: write it anew with snappy, .*\)$/);
});

it("refuses what is damaged or claims more than it holds, in one line", async () => {
  const sound = table([row(0, ["zero"]), row(10, ["one"])]);
  const file = join(sets.folder, "a.parquet");
  const cut = (bytes: Uint8Array) => {
    writeFileSync(file, bytes);
    return expect(sets.open({}, file)).rejects;
  };
  await cut(sound.subarray(0, 200)).toThrow(/a\.parquet is a damaged Parquet file \([^\n]*\); fetch it again$/);
  await cut(Buffer.from("<html>")).toThrow(/a\.parquet is a damaged Parquet file/);
  // Its first page says that it unpacks to two gigabytes, or has a billion values: a header is 0x15, type, 0x15, size, ...
  const page = (unpacked: readonly number[], values: readonly number[]) =>
    Buffer.concat([Buffer.from([0x15, 0, 0x15, ...unpacked, 0x15, 2, 0x2c, 0x15, ...values, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0])]);
  for (const header of [page([0xfe, 0xff, 0xff, 0xff, 0x0f], [4]), page([4], [0xfe, 0xff, 0xff, 0xff, 0x07])]) {
    const bytes = Buffer.from(sound);
    header.copy(bytes, 4);
    await cut(bytes).toThrow(/damaged Parquet file \((?:it unpacks to more than|a page is damaged)/);
  }
  // Two columns of one struct, each unsound in a way of its own: neither error may be nobody's.
  const twice = Buffer.from(sound);
  twice.writeUInt32LE(0x7fffffff, twice.indexOf("\x89PNG", 0, "latin1") - 4);
  twice.write("pxth", twice.lastIndexOf("image\x04path") + 6);
  await cut(twice).toThrow(/a\.parquet is a damaged Parquet file \([^\n]*\); fetch it again$/);
  writeFileSync(file, sound);
  expect((await sets.open({}, file)).images).toBe(2);
  expect(readFileSync(file).equals(sound)).toBe(true);
});
