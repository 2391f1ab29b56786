/** Data sets as people really have them: what other systems leave among the files, names and texts in other encodings, links, other kinds. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Zippable, zipSync } from "fflate";
import sharp from "sharp";
import { pack } from "tar-stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { leftOut } from "../../../src/data/left-out.js";
import { type Reading, readSource, sourceAt } from "../../../src/node/datasets/archive.js";
import { readCaptions } from "../../../src/data/layouts/reed/captions-source.js";
import type { Dataset } from "../../../src/data/dataset.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import { decodeText } from "../../../src/data/files/text.js";
import { openEmbeddings } from "../../../src/node/datasets/embeddings/given-embeddings.js";
import { embeddingOf } from "../../../src/data/embeddings/pick.js";
import { placeVectors } from "../../../src/data/embeddings/embedded-dataset.js";
import { lua, torchTensor, writeTorch7 } from "../../formats/torch7-writer.js";
import { tinyFolder } from "./tiny-folder.js";

let base = "";
let sound = "";
let folder = "";

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "petalgrad-strange-"));
  sound = tinyFolder(join(base, "sound"));
});
afterAll(() => rmSync(base, { recursive: true }));
beforeEach(() => {
  folder = join(base, "own");
  cpSync(sound, folder, { recursive: true });
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(join(base, "cache"), { recursive: true, force: true });
});

const at = (...path: string[]) => join(folder, ...path);
function put(path: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}
const open = (path = folder): Promise<Dataset> => openDataset(path, { size: 16, cacheDir: join(base, "cache") });
const reasons = ({ report }: Dataset): string[] => report.skipped.map(({ file, reason }) => `${file}: ${reason}`);

/** Packs parts of the data set, which are then gone from the folder. */
function archive(name: string, part: string): void {
  execFileSync("tar", ["-czf", name, part], { cwd: folder });
  rmSync(at(part), { recursive: true });
}

/** All of a source's files with a text, by path. */
async function textsOf(source: string, reading: Partial<Reading> = {}): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path, bytes } of readSource(source, { wanted: () => true, largest: 1000, onSkipped: () => undefined, ...reading })) {
    found[path] = bytes.toString();
  }
  return found;
}

describe("files that systems leave", () => {
  const STRAY = [
    ".ipynb_checkpoints",
    "@eaDir",
    "__MACOSX",
    "$RECYCLE.BIN",
    "#recycle",
    "lost+found",
    ".Trash-1000",
    "System Volume Information",
  ];

  it("are no classes, and bring no held-out image into training, in folders and in archives", async () => {
    const want = await open();
    for (const stray of STRAY) {
      for (const [part, ending] of [
        ["images", "png"],
        ["text_c10", "txt"],
      ] as const) {
        // Copies of a held-out image: in its class's folder, beside the classes as one, and with the whole layout inside.
        const held = readFileSync(at(part, "class_5", `image_5_0.${ending}`));
        put(at(part, "class_5", stray, `image_5_0-checkpoint.${ending}`), held);
        put(at(part, stray, `copy.${ending}`), held);
        put(at(part, stray, part, "class_0", `copy.${ending}`), held);
      }
    }
    for (const name of [".DS_Store", "Thumbs.db", "desktop.ini", "._image_0_0.png", "._image_0_0.txt"]) {
      put(at("images", "class_0", name), "nothing");
      put(at("text_c10", "class_0", name), "nothing");
      put(at(name), "nothing");
    }
    put(at("@eaDir", "images", "class_0", "image_0_0.png"), "nothing");
    put(at("._testclasses.txt"), "nothing");
    const same = (got: Dataset): void => {
      expect([got.classes, got.images, got.captions, got.split]).toEqual([want.classes, want.images, want.captions, want.split]);
      expect(got.report.skipped).toEqual([]);
      for (let i = 0; i < want.images; i++) expect(got.pixels(i)).toEqual(want.pixels(i));
    };
    same(await open());
    archive("images.tgz", "images");
    archive("text_c10.tar.gz", "text_c10");
    same(await open());
  });

  it("do not make a data set be prepared anew", async () => {
    await open();
    put(at("images", "class_0", ".DS_Store"), "a visit by the Finder");
    put(at("images", "@eaDir", "x.png"), "a visit by the file server");
    let prepared = 0;
    await openDataset(folder, { size: 16, cacheDir: join(base, "cache"), onProgress: () => prepared++ });
    expect(prepared).toBe(0);
  });

  it("are no embeddings", async () => {
    const vectors = writeTorch7(lua({ txt: torchTensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)) }));
    put(at("t7", "class_0", "image_0_0.t7"), vectors);
    put(at("t7", "class_0", "IMAGE_0_1.T7"), vectors);
    put(at("t7", "class_0", "._image_0_0.t7"), Buffer.from([0, 5, 22, 7, 0, 2]));
    for (const stray of STRAY) put(at("t7", stray, "image_5_0.t7"), vectors);
    const { images } = await openEmbeddings(at("t7"));
    expect(images!.map(({ name }) => name)).toEqual(["class_0/IMAGE_0_1", "class_0/image_0_0"]);
  });
});

describe("names", () => {
  const composed = "café_ñ".normalize("NFC");
  const decomposed = composed.normalize("NFD");

  it.each([
    [composed, decomposed],
    [decomposed, composed],
  ])("in two Unicode forms are the same: of images, captions, class lists, archives, embeddings", async (ofImages, ofCaptions) => {
    renameSync(at("images", "class_5", "image_5_0.png"), at("images", "class_5", `${ofImages}.png`));
    renameSync(at("text_c10", "class_5", "image_5_0.txt"), at("text_c10", "class_5", `${ofCaptions}.txt`));
    renameSync(at("images", "class_5"), at("images", ofImages));
    renameSync(at("text_c10", "class_5"), at("text_c10", ofCaptions));
    put(at("testclasses.txt"), `${ofImages}\n`);
    const check = async (): Promise<Dataset> => {
      const dataset = await open();
      expect([dataset.images, dataset.report.skipped, dataset.classes[0]]).toEqual([24, [], composed]);
      expect(dataset.split.test).toEqual([0]);
      return dataset;
    };
    await check();
    archive("images.tgz", "images");
    archive("text_c10.tar.gz", "text_c10");
    const dataset = await check();
    put(at("t7", ofCaptions, `${ofImages}.t7`), writeTorch7(lua({ txt: torchTensor([1, 2], Float32Array.of(1, 2)) })));
    const given = await openEmbeddings(at("t7"));
    expect(placeVectors(given, dataset)).toMatchObject({ unknown: [] });
    expect([...embeddingOf(given, `${ofImages}/${ofCaptions}`)]).toEqual([1, 2]);
  });

  it("may end in capitals", async () => {
    renameSync(at("images", "class_0", "image_0_0.png"), at("images", "class_0", "image_0_0.PNG"));
    renameSync(at("text_c10", "class_0", "image_0_0.txt"), at("text_c10", "class_0", "image_0_0.TXT"));
    expect((await open()).images).toBe(24);
    execFileSync("tar", ["-czf", "IMAGES.TGZ", "images"], { cwd: folder });
    execFileSync("tar", ["-cf", "text_c10.TAR", "text_c10"], { cwd: folder });
    rmSync(at("images"), { recursive: true });
    rmSync(at("text_c10"), { recursive: true });
    expect((await open()).images).toBe(24);
  });
});

describe("texts", () => {
  const utf16be = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
  const persian = "گل زرد\nگل سرخ با برگ\n";
  const french = "une fleur à pétales rouges – « été »";

  it.each([
    ["UTF-8", "utf-8", french, Buffer.from(french)],
    ["UTF-8 with a mark", "utf-8", french, Buffer.from(`\uFEFF${french}`)],
    ["UTF-16 LE with a mark", "utf-16", persian, Buffer.from(`\uFEFF${persian}`, "utf16le")],
    ["UTF-16 BE with a mark", "utf-16", french, utf16be(`\uFEFF${french}`)],
    ["UTF-16 BE with a mark, without a blank", "utf-16", "گل", utf16be("\uFEFFگل")],
    ["UTF-16 LE without", "utf-16", persian, Buffer.from(persian, "utf16le")],
    ["UTF-16 BE without", "utf-16", persian, utf16be(persian)],
    ["Windows-1252", "windows-1252", french, Buffer.from(french.replace("–", "\x96"), "latin1")],
    ["UTF-8 with a bad byte", "damaged", `${persian}\uFFFD`, Buffer.concat([Buffer.from(persian), Buffer.of(0xff)])],
    ["UTF-8 with a mark and a bad byte", "damaged", "a flower\uFFFD", Buffer.concat([Buffer.from("\uFEFFa flower"), Buffer.of(0xff)])],
    ["no more letters of UTF-8 than bad bytes", "windows-1252", "Ã©é", Buffer.from([0xc3, 0xa9, 0xe9])],
  ])("in %s are read", (_, encoding, text, bytes) => {
    expect(decodeText(bytes)).toEqual({ text, encoding });
  });

  it.each([
    ["UTF-16 cut in the middle of a character", Buffer.from("\uFEFFa flower", "utf16le").subarray(0, 9)],
    ["half a character of UTF-16", Buffer.from("a flower \uD83C is red", "utf16le")],
    ["bytes of a program", Buffer.from([1, 0, 0, 0, 7, 0, 0, 3, 0x61, 0])],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])],
  ])("are not made of %s", (_, bytes) => {
    expect(decodeText(bytes)).toBeUndefined();
  });

  it("of captions end their lines as any system does; a second file for an image is left out, by name", async () => {
    put(join(base, "two", "text_c10_a", "c", "image.txt"), " one\rtwo\r\nthree\n\n four ");
    put(join(base, "two", "text_c10_b", "c", "image.txt"), "five");
    const { files, skipped } = await readCaptions(sourceAt(join(base, "two")));
    expect(files).toEqual([{ className: "c", image: "image", captions: ["one", "two", "three", "four"] }]);
    expect(skipped).toEqual([{ file: "two/text_c10_b/c/image.txt", reason: "a second file of captions for this image" }]);
  });

  it("of captions and class lists are read by their encoding, with a word, or named", async () => {
    put(at("text_c10", "class_0", "image_0_0.txt"), Buffer.from("\uFEFFa flower\nanother\n", "utf16le"));
    put(at("text_c10", "class_0", "image_0_1.txt"), Buffer.from(french, "latin1"));
    put(at("text_c10", "class_0", "image_0_2.txt"), Buffer.from([0, 0, 1, 0, 0, 5]));
    put(at("testclasses.txt"), utf16be("\uFEFFclass_4\r\n"));
    const dataset = await open();
    expect(dataset.captionsOf(0)).toEqual(["a flower", "another"]);
    expect(dataset.captionsOf(1)[0]).toMatch(/^une fleur à pétales rouges/);
    expect(dataset.split.test).toEqual([4]);
    expect(dataset.report.notes.join("\n")).toMatch(
      /1 caption files are UTF-16, and were read so, such as class_0\/image_0_0.txt\n1 caption files .* Windows-1252 .*image_0_1.txt/,
    );
    expect(reasons(dataset)).toContain("text_c10/class_0/image_0_2.txt: no text that can be read: save it as UTF-8");
    put(at("testclasses.txt"), Buffer.from([0, 0, 1, 0, 0, 5]));
    await expect(open()).rejects.toThrow(/testclasses.txt is no text that can be read: save it as UTF-8, one class name a line$/);
  });
});

describe("links", () => {
  it("inside an archive are followed inside it, to files and folders, hard ones and symbolic ones", async () => {
    for (const [part, ending] of [
      ["images", "png"],
      ["text_c10", "txt"],
    ] as const) {
      unlinkSync(at(part, "class_1", `image_1_0.${ending}`));
      linkSync(at(part, "class_0", `image_0_0.${ending}`), at(part, "class_1", `image_1_0.${ending}`));
      unlinkSync(at(part, "class_1", `image_1_1.${ending}`));
      symlinkSync(`../class_2/image_2_0.${ending}`, at(part, "class_1", `image_1_1.${ending}`));
      renameSync(at(part, "class_3"), at(part, "elsewhere"));
      symlinkSync("elsewhere", at(part, "class_3"));
      symlinkSync("..", at(part, "class_4", "up"));
    }
    const unpacked = await open();
    // The folder that is linked to is a class as well.
    expect(unpacked.classes).toEqual(["class_0", "class_1", "class_2", "class_3", "class_4", "class_5", "elsewhere"]);
    expect(unpacked.images).toBe(28);
    expect(reasons(unpacked)).toEqual([]);
    archive("images.tgz", "images");
    archive("text_c10.tar.gz", "text_c10");
    const packed = await open();
    expect([packed.classes, packed.images, packed.report.skipped]).toEqual([unpacked.classes, unpacked.images, []]);
    for (let i = 0; i < packed.images; i++) {
      expect(packed.pixels(i)).toEqual(unpacked.pixels(i));
      expect(packed.captionsOf(i)).toEqual(unpacked.captionsOf(i));
    }
  });

  /** [name, type, link's target or contents] */
  async function tar(entries: readonly [string, "file" | "link" | "symlink" | "fifo", string][]): Promise<string> {
    const packing = pack();
    for (const [name, type, text] of entries) {
      if (type === "file") packing.entry({ name }, text);
      else packing.entry({ name, type, linkname: text });
    }
    packing.finalize();
    const pieces: Buffer[] = [];
    for await (const piece of packing) pieces.push(piece as Buffer);
    put(at("links.tar"), Buffer.concat(pieces));
    return at("links.tar");
  }

  it("never lead out of it, nor in circles", async () => {
    put(join(base, "secret.txt"), "not for you");
    const skipped: string[] = [];
    const file = await tar([
      ["a/before.txt", "symlink", "after.txt"],
      ["a/after.txt", "file", "here"],
      ["a/chain.txt", "symlink", "../b/inner/after.txt"],
      ["b/inner", "symlink", "../a"],
      ["a/out.txt", "symlink", "../../secret.txt"],
      ["a/absolute.txt", "symlink", join(base, "secret.txt")],
      // From where it lies, or from the archive's root, these would name files that are in it.
      ["a/rooted.txt", "symlink", "/after.txt"],
      ["a/above.txt", "symlink", "../../a/after.txt"],
      ["a/hard.txt", "link", "../secret.txt"],
      ["a/lost.txt", "link", "a/nothing.txt"],
      ["a/self.txt", "symlink", "self.txt"],
      ["a/x.txt", "symlink", "y.txt"],
      ["a/y.txt", "symlink", "x.txt"],
      ["a/up", "symlink", ".."],
      ["a/.hidden.txt", "file", "the first of two names"],
      ["a/shown.txt", "link", "a/.hidden.txt"],
      // What nobody asks for, by a link too, is not given, nor is it told of what is hidden.
      ["a/after.bin", "link", "a/after.txt"],
      ["a/.dead.txt", "symlink", "nothing.txt"],
      // A name in one Unicode form, its link's target in the other.
      ["c/caf\u00e9.txt", "file", "an accent"],
      ["c/link.txt", "symlink", "cafe\u0301.txt"],
      ["c/pipe.txt", "fifo", ""],
    ]);
    const texts = await textsOf(file, {
      wanted: (path) => path.endsWith(".txt"),
      onSkipped: ({ file, reason }) => skipped.push(`${file}: ${reason}`),
    });
    expect(texts).toEqual({
      "a/after.txt": "here",
      "a/before.txt": "here",
      "a/chain.txt": "here",
      "a/shown.txt": "the first of two names",
      "b/inner/after.txt": "here",
      "b/inner/before.txt": "here",
      "b/inner/chain.txt": "here",
      "b/inner/shown.txt": "the first of two names",
      "c/caf\u00e9.txt": "an accent",
      "c/link.txt": "an accent",
    });
    expect(skipped.shift()).toBe("links.tar/c/pipe.txt: a device, pipe or file with holes");
    expect(skipped.sort()).toEqual(
      ["above", "absolute", "hard", "lost", "out", "rooted", "self", "x", "y"].map(
        (name) => `links.tar/a/${name}.txt: a link to what is not in the archive`,
      ),
    );
  });

  it("to a folder above are not walked", async () => {
    symlinkSync("..", at("images", "class_0", "parent"));
    symlinkSync(folder, at("images", "class_0", "top"));
    symlinkSync("/", at("text_c10", "root"));
    mkdirSync(at("images", "a"));
    mkdirSync(at("images", "b"));
    symlinkSync("../b", at("images", "a", "to-b"));
    symlinkSync("../a", at("images", "b", "to-a"));
    // Nor are folders that lie too deep.
    const deep = ["1", "2", "3", "4", "5", "6"];
    put(at("deep", ...deep, "found.txt"), "");
    put(at("deep", ...deep, "7", "lost.txt"), "");
    expect(Object.keys(await textsOf(at("deep")))).toEqual(["1/2/3/4/5/6/found.txt"]);
    // One that leads elsewhere is.
    renameSync(at("images", "class_1"), join(base, "class_1"));
    symlinkSync(join(base, "class_1"), at("images", "class_1"));
    const dataset = await open();
    expect([dataset.images, reasons(dataset)]).toEqual([24, []]);
    rmSync(join(base, "class_1"), { recursive: true });
  });
});

describe("other kinds", () => {
  it("of images are read, or named with what to do", async () => {
    const picture = sharp({ create: { width: 20, height: 20, channels: 3, background: "#c04010" } });
    const kinds: [string, Buffer][] = [
      ["jfif", await picture.jpeg().toBuffer()],
      ["TIF", await picture.tiff().toBuffer()],
      ["gif", await picture.gif().toBuffer()],
      ["avif", await picture.avif().toBuffer()],
    ];
    kinds.forEach(([ending, bytes], i) => {
      unlinkSync(at("images", "class_0", `image_0_${i}.png`));
      put(at("images", "class_0", `image_0_${i}.${ending}`), bytes);
    });
    for (const [i, ending] of [".bmp", ".heic", ""].entries()) {
      renameSync(at("images", "class_1", `image_1_${i}.png`), at("images", "class_1", `image_1_${i}${ending}`));
    }
    put(at("images", "class_1", "image_1_3.png"), "<!DOCTYPE html><title>Sign in</title>");
    put(at("images", "class_0", "image_0_0.txt"), "a text beside an image");
    put(at("images", "README"), "no image at all");
    const dataset = await open();
    expect(dataset.images).toBe(20);
    for (let i = 0; i < 4; i++) expect(Math.abs(dataset.pixels(i)[0]! - 0xc0)).toBeLessThan(4);
    expect(reasons(dataset).sort()).toEqual([
      "images/class_1/image_1_0.bmp: an image of a kind that is not read (.bmp): save it as JPEG or PNG",
      "images/class_1/image_1_1.heic: an image of a kind that is not read (.heic): save it as JPEG or PNG",
      "images/class_1/image_1_2: an image without an ending that says its kind: save it as JPEG or PNG",
      "images/class_1/image_1_3.png: cannot be decoded (a web page, or another text, not a photograph)",
    ]);
  });

  it("of captions are named with what to do", async () => {
    renameSync(at("text_c10", "class_0", "image_0_0.txt"), at("text_c10", "class_0", "image_0_0.caption"));
    renameSync(at("text_c10", "class_0", "image_0_1.txt"), at("text_c10", "class_0", "image_0_1.json"));
    put(at("text_c10", "class_0", "image_0_2.json"), "{}");
    expect(reasons(await open())).toContain(
      "text_c10/class_0/image_0_0.caption: captions of a kind that is not read (.caption): write them as .txt, one a line",
    );
    const { files, skipped } = await readCaptions(sourceAt(at("text_c10")));
    expect([files.length, skipped.length]).toEqual([22, 2]);
  });

  it("of archives: .zip is read", async () => {
    const want = await open();
    for (const [part, level] of [
      ["images", 0],
      ["text_c10", 6],
    ] as const) {
      const files: Zippable = { [`__MACOSX/${part}/class_0/._x.txt`]: Buffer.from("x") };
      for (const path of readdirSync(at(part), { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name))) {
        const bytes = readFileSync(at(part, path));
        if (!path.startsWith("class_0/image_0_0")) {
          files[`${part}/${path}`] = [bytes, { level }];
          continue;
        }
        // A link to a file in a folder of its own.
        files[`${part}/${path}`] = [Buffer.from(path.replace("class_0", "../held")), { os: 3, attrs: 0o120777 << 16 }];
        files[`${part}\\${path.replace("class_0", "held")}`] = [bytes, { level, comment: "PK" }];
      }
      put(at(`${part}.zip`), zipSync(files));
    }
    rmSync(at("images"), { recursive: true });
    rmSync(at("text_c10"), { recursive: true });
    const got = await open();
    expect([got.images, got.classes.at(-1)]).toEqual([25, "held"]);
    for (let i = 0; i < want.images; i++) {
      expect(got.pixels(i)).toEqual(want.pixels(i));
      expect(got.captionsOf(i)).toEqual(want.captionsOf(i));
    }
  });

  it("of archives: a damaged .zip is one", async () => {
    const text = Buffer.from("a flower ".repeat(100));
    const whole = Buffer.from(zipSync({ "text_c10/a/b.txt": text, "text_c10/a/c.txt": [text, { level: 0 }] }));
    const changed = Buffer.from(whole);
    changed[whole.indexOf("a flower a flower")]! ^= 1;
    const locked = Buffer.from(whole);
    locked[whole.lastIndexOf("PK\x01\x02") + 8]! |= 1;
    const odd = Buffer.from(whole);
    odd[whole.indexOf("PK\x01\x02") + 10] = 12;
    for (const [bytes, message] of [
      [changed, /c.txt fails its checksum/],
      [locked, /c.txt is locked with a password/],
      [odd, /b.txt is packed by method 12/],
      [whole.subarray(0, whole.length - 30), /the end of the zip archive is missing/],
      [Buffer.concat([whole.subarray(0, 4), whole.subarray(whole.length - 60)]), /cut short|damaged/],
    ] as const) {
      put(at("bad.zip"), bytes);
      await expect(textsOf(at("bad.zip"))).rejects.toThrow(message);
    }
    put(at("bad.zip"), whole);
    expect(Object.keys(await textsOf(at("bad.zip")))).toEqual(["text_c10/a/b.txt", "text_c10/a/c.txt"]);
  });

  it.each([
    ["images.tar.bz2", "BZh91AY", "bzip2", "tar -xf"],
    ["images.tar.xz", "\xfd7zXZ\0", "xz", "tar -xf"],
    ["images.tgz", "\x28\xb5\x2f\xfd", "zstd", "tar -xf"],
    ["images.7z", "7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"],
    ["images.rar", "Rar!\x1a\x07", "RAR", "unrar x"],
  ])("of archives: %s of %j is named with what to do", async (name, head, kind, command) => {
    rmSync(at("images"), { recursive: true });
    put(at(name), Buffer.from(head.padEnd(600, "\x01"), "latin1"));
    await expect(open()).rejects.toThrow(
      `${name} is packed by ${kind}, which is not read here: unpack it (${command} ${name}), or pack it anew as .tar.gz`,
    );
    put(at("text_c10.tar.xz"), Buffer.from("\xfd7zXZ\0", "latin1"));
    expect((await readCaptions(sourceAt(at("text_c10")))).files).toHaveLength(24);
  });
});

describe("the report", () => {
  it("takes one line for a kind, with a count and some names", () => {
    const skipped = [
      ...Array.from({ length: 8000 }, (_, i) => ({ file: `jpg/${i}.bmp`, reason: "of a kind that is not read (.bmp): save it as PNG" })),
      ...Array.from({ length: 4 }, (_, i) => ({ file: `jpg/${i}.jpg`, reason: `cannot be decoded (bad byte ${i})` })),
      ...Array.from({ length: 30 }, (_, i) => ({ file: `${i}.png`, reason: `trouble ${"abcdefghijklmnopqrstuvwxyzABCD"[i]}` })),
    ];
    const lines = leftOut(skipped, 10);
    expect(lines.slice(0, 3)).toEqual([
      "8000 files: of a kind that is not read (.bmp): save it as PNG, such as jpg/0.bmp, jpg/1.bmp, jpg/2.bmp",
      "4 files: cannot be decoded (bad byte 0), such as jpg/0.jpg, jpg/1.jpg, jpg/2.jpg",
      "0.png: trouble a",
    ]);
    expect([lines.length, lines.at(-1)]).toEqual([11, "and 22 more (--skipped lists all)"]);
  });
});
