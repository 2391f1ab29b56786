/** Data sets in the layout of the originals: what is read, how it is split, what is left out and told. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readCaptions } from "../../../src/data/layouts/reed/captions-source.js";
import { sourceAt } from "../../../src/node/datasets/archive.js";
import { findSources } from "../../../src/node/datasets/layout.js";
import { birds } from "../../../src/node/datasets/birds.js";
import { flowers } from "../../../src/node/datasets/flowers.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import type { OpenOptions } from "../../../src/node/datasets/options.js";
import { storedSide } from "../../../src/data/photo.js";
import { findSplit } from "../../../src/data/split.js";

let base = "";
/** A sound data set of ten images in five classes, in the layout of flowers; copied for each test that changes it. */
let original = "";
let folder = "";
let cacheDir = "";

const classOf = (i: number): string => `class_0000${Math.ceil(i / 2)}`;
const imageName = (i: number): string => `image_0000${i}`.replace("000010", "00010");

async function picture(width: number, height: number, colour: string, format: "jpeg" | "png" = "jpeg"): Promise<Buffer> {
  const image = sharp({ create: { width, height, channels: 3, background: colour } });
  return format === "jpeg" ? image.jpeg({ quality: 95 }).toBuffer() : image.png().toBuffer();
}

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "petalgrad-folder-"));
  original = join(base, "original");
  for (let i = 1; i <= 10; i++) {
    await put(join(original, "jpg", `${imageName(i)}.jpg`), await picture(16, 16, `rgb(${20 * i}, 60, 90)`));
    await put(join(original, "text_c10", classOf(i), `${imageName(i)}.txt`), `flower ${i} is red.\r\n\r\n  flower ${i} is round  \n`);
  }
});
afterAll(() => rm(base, { recursive: true }));

beforeEach(async () => {
  folder = join(base, "own");
  cacheDir = join(base, "cache");
  await cp(original, folder, { recursive: true, preserveTimestamps: true });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(cacheDir, { recursive: true, force: true });
});

const open = (options: OpenOptions = {}) => openDataset(folder, { size: 16, cacheDir, ...options });

describe("a folder in the layout of the originals", () => {
  it("opens: images, classes, captions, pixels", async () => {
    const dataset = await open();
    expect([dataset.name, dataset.size, dataset.images, dataset.captions]).toEqual(["own", 16, 10, 20]);
    expect(dataset.classes).toEqual([1, 2, 3, 4, 5].map((i) => `class_0000${i}`));
    expect(dataset.imagesOfClass(1)).toEqual([2, 3]);
    expect(dataset.imageName(9)).toBe("image_00010");
    expect(dataset.captionsOf(9)).toEqual(["flower 10 is red.", "flower 10 is round"]);
    expect(dataset.pixels(4)).toHaveLength(16 * 16 * 3);
    // JPEG changes a flat colour by a level or two.
    [100, 60, 90].forEach((value, channel) => expect(Math.abs(dataset.pixels(4)[channel]! - value)).toBeLessThan(4));
    expect(dataset.report.skipped).toEqual([]);
    expect(dataset.alphabet.kind).toBe("original");
  });

  it("is the same from archives as from folders, gzipped or not", async () => {
    const plain = await open();
    const same = async (): Promise<void> => {
      const packed = await open();
      expect([packed.classes, packed.images, packed.split]).toEqual([plain.classes, plain.images, plain.split]);
      for (let i = 0; i < 10; i++) {
        expect(packed.pixels(i)).toEqual(plain.pixels(i));
        expect(packed.captionsOf(i)).toEqual(plain.captionsOf(i));
      }
    };
    execFileSync("tar", ["czf", "images.tgz", "jpg"], { cwd: folder });
    execFileSync("tar", ["czf", "text_c10.tar.gz", "text_c10"], { cwd: folder });
    await rm(join(folder, "jpg"), { recursive: true });
    await rm(join(folder, "text_c10"), { recursive: true });
    await same();
    execFileSync("gunzip", ["text_c10.tar.gz"], { cwd: folder });
    execFileSync("sh", ["-c", "gunzip -c images.tgz > images.tar; rm images.tgz"], { cwd: folder });
    await same();
  });

  it("stores larger images with a margin, ignoring their aspect ratio, and smaller ones at the size asked for", async () => {
    expect([storedSide(500, 667, 64), storedSide(64, 64, 64), storedSide(40, 300, 64), storedSide(200, 200, 16)]).toEqual([76, 64, 64, 19]);
    // Left half black, right half white, twice as wide as high.
    const wide = await sharp({ create: { width: 160, height: 80, channels: 3, background: "#000" } })
      .composite([{ input: await picture(80, 80, "#fff", "png"), left: 80, top: 0 }])
      .png()
      .toBuffer();
    await rm(join(folder, "jpg", "image_00001.jpg"));
    await put(join(folder, "jpg", "image_00001.png"), wide);
    await put(join(folder, "jpg", "image_00002.jpg"), await picture(10, 12, "rgb(40, 60, 90)"));
    const dataset = await open({ size: 16 });
    expect([0, 1, 2].map((i) => dataset.side(i))).toEqual([19, 16, 16]);
    const row = Array.from({ length: 19 }, (_, x) => dataset.pixels(0)[x * 3]);
    expect(row).toEqual([...new Array<number>(9).fill(0), 128, ...new Array<number>(9).fill(255)]);
    expect((await open({ size: 8 })).side(2)).toBe(10);
  });

  it("reads grey, transparent and turned images", async () => {
    await put(
      join(folder, "jpg", "image_00001.jpg"),
      await sharp(await picture(16, 16, "#808080"))
        .greyscale()
        .jpeg()
        .toBuffer(),
    );
    await rm(join(folder, "jpg", "image_00002.jpg"));
    const clear = sharp({ create: { width: 16, height: 16, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    await put(join(folder, "jpg", "image_00002.png"), await clear.png().toBuffer());
    // The upper half is white, and the file says that the picture is to be turned by 180 degrees.
    const turned = sharp({ create: { width: 16, height: 16, channels: 3, background: "#000" } }).composite([
      { input: await picture(16, 8, "#fff", "png"), left: 0, top: 0 },
    ]);
    await put(join(folder, "jpg", "image_00003.jpg"), await turned.withMetadata({ orientation: 3 }).jpeg().toBuffer());
    const dataset = await open();
    const [red = 0, green = 0, blue = 0] = dataset.pixels(0);
    expect(Math.abs(red - 128)).toBeLessThan(3);
    expect([green, blue]).toEqual([red, red]);
    expect([...dataset.pixels(1).subarray(0, 3)]).toEqual([255, 255, 255]);
    expect(dataset.pixels(2)[0]).toBeLessThan(20);
    expect(dataset.pixels(2).at(-1)).toBeGreaterThan(235);
  });

  it("names, counts and skips what is damaged, empty or has no partner", async () => {
    const jpeg = await picture(16, 16, "red");
    // Long enough that the cut falls into the picture, behind the head of the file.
    const noisy = sharp(randomBytes(200 * 200 * 3), { raw: { width: 200, height: 200, channels: 3 } });
    await put(join(folder, "jpg", "image_00001.jpg"), (await noisy.jpeg().toBuffer()).subarray(0, 20_000));
    await put(join(folder, "jpg", "image_00005.png"), await picture(16, 16, "red", "png"));
    await put(join(folder, "jpg", "image_00002.jpg"), "this is no picture");
    await put(join(folder, "text_c10", classOf(3), "image_00003.txt"), " \n\n");
    await rm(join(folder, "jpg", "image_00004.jpg"));
    await put(join(folder, "jpg", "image_00099.jpg"), jpeg);
    await put(join(folder, "jpg", "._image_00005.jpg"), "a companion file of another system");
    const lines: string[] = [];
    const dataset = await open({ onMessage: (line) => lines.push(line) });
    expect(dataset.images).toBe(6);
    expect(dataset.classes).toEqual(["class_00003", "class_00004", "class_00005"]);
    const skipped = dataset.report.skipped.map(({ file, reason }) => `${file}: ${reason.replace(/\(.*/, "")}`);
    expect(skipped.sort()).toEqual([
      "class_00002/image_00004.txt: no image for these captions",
      "jpg/image_00001.jpg: cannot be decoded ",
      "jpg/image_00002.jpg: cannot be decoded ",
      "jpg/image_00003.jpg: no captions",
      "jpg/image_00005.png: a second image of this name",
      "jpg/image_00099.jpg: no captions",
      "text_c10/class_00002/image_00003.txt: no captions in it",
    ]);
    expect(lines.join()).toMatch(/own: 7 files left out: .*image_00003.*\.\.\./);
    // The same report from the packed file.
    expect((await open()).report).toEqual(dataset.report);
  });

  it("takes images in class folders, as birds has them, even where names repeat", async () => {
    await rm(join(folder, "jpg"), { recursive: true });
    await rm(join(folder, "text_c10"), { recursive: true });
    for (const [i, name] of ["001.Crow", "002.Jay"].entries()) {
      await put(join(folder, "CUB_200_2011", "images", name, "bird_1.jpg"), await picture(16, 16, `rgb(${100 * i}, 0, 0)`));
      await put(join(folder, "text_c10", name, "bird_1.txt"), `a ${name.slice(4).toLowerCase()}`);
    }
    const dataset = await open();
    expect(dataset.classes).toEqual(["001.Crow", "002.Jay"]);
    expect([0, 1].map((i) => dataset.captionsOf(i)[0])).toEqual(["a crow", "a jay"]);
    expect(dataset.pixels(1)[0]).toBeGreaterThan(dataset.pixels(0)[0]! + 80);
    // The same names in no class folder say nothing.
    await mkdir(join(folder, "jpg"));
    await rename(join(folder, "CUB_200_2011", "images", "001.Crow", "bird_1.jpg"), join(folder, "jpg", "bird_1.jpg"));
    await expect(open()).rejects.toThrow(/captions in several classes/);
  });
});

describe("the split", () => {
  it("comes from class lists in the folder", async () => {
    await put(join(folder, "trainvalclasses.txt"), "class_00002\r\nclass_00004\n");
    await put(join(folder, "testclasses.txt"), "class_00001\nclass_00077\n");
    const { split, report } = await open();
    expect(split).toEqual({ train: [1, 3], test: [0] });
    expect(report.notes.join()).toMatch(/1 classes without images, such as class_00077.*2 classes stand in no class list/);
  });

  it("comes from lists inside the captions' archive where the folder has none", async () => {
    await put(join(folder, "testclasses.txt"), "class_00003\n");
    await mkdir(join(folder, "cvpr2016_flowers"));
    for (const name of ["text_c10", "testclasses.txt"]) {
      await rename(join(folder, name), join(folder, "cvpr2016_flowers", name));
    }
    const unpacked = await open();
    expect(unpacked.split.test).toEqual([2]);
    execFileSync("tar", ["czf", "cvpr2016_flowers.tar.gz", "cvpr2016_flowers"], { cwd: folder });
    await rm(join(folder, "cvpr2016_flowers"), { recursive: true });
    const packed = await open();
    expect(packed.split).toEqual(unpacked.split);
    expect(packed.images).toBe(10);
  });

  const classes = Array.from({ length: 10 }, (_, i) => `class_0000${i + 1}`);
  it("has a default of its own for flowers, birds and folders", async () => {
    const names = Array.from({ length: 102 }, (_, i) => `class_${String(i + 1).padStart(5, "0")}`);
    expect(findSplit(flowers, names, {}).split.test).toEqual(Array.from({ length: 20 }, (_, i) => i));
    const species = Array.from({ length: 200 }, (_, i) => `${String(i + 1).padStart(3, "0")}.Bird`);
    const { split, notes } = findSplit(birds, species, {});
    expect([split.train.length, split.test.length]).toEqual([150, 50]);
    expect(split.test.slice(0, 5)).toEqual([0, 3, 5, 7, 8]);
    expect(notes.join()).toMatch(/no class lists/);
    expect((await open()).split).toEqual({ train: [0, 1, 2, 3], test: [4] });
  });

  it("understands the other names of lists", () => {
    const lists = { trainclasses: classes.slice(0, 3).join("\n"), valclasses: classes[3], testclasses: classes[9] };
    expect(findSplit(flowers, classes, lists).split).toEqual({ train: [0, 1, 2, 3], test: [9] });
    expect(findSplit(flowers, classes, { trainvalids: classes[1] }).split).toEqual({ train: [1], test: [0, 2, 3, 4, 5, 6, 7, 8, 9] });
  });

  it("refuses a class in both lists, and lists of other classes", () => {
    expect(() => findSplit(flowers, classes, { trainvalclasses: classes[1], testclasses: classes[1] })).toThrow(
      /class_00002 stands in the training list and/,
    );
    expect(() => findSplit(flowers, classes, { trainvalclasses: "other", testclasses: "" })).toThrow(/name no training class/);
  });
});

describe("captions side by side", () => {
  beforeEach(async () => {
    await cp(join(folder, "text_c10"), join(folder, "text_c10_fa"), { recursive: true });
    await rename(join(folder, "text_c10"), join(folder, "text_c10_en"));
    for (let i = 1; i <= 10; i++) {
      await put(join(folder, "text_c10_fa", classOf(i), `${imageName(i)}.txt`), "گل زرد\nگل سرخ\nگل آبی");
    }
  });

  it("are English unless another tag, archive or folder is named", async () => {
    expect((await open()).caption(0)).toBe("flower 1 is red.");
    const persian = await open({ captions: "fa" });
    expect([persian.captions, persian.caption(0), persian.alphabet.kind]).toEqual([30, "گل زرد", "captions"]);
    expect((await open({ captions: "fa", alphabet: "original" })).alphabet.kind).toBe("original");
    expect((await open({ captions: join(folder, "text_c10_fa") })).captions).toBe(30);
    execFileSync("tar", ["czf", "mine.tar.gz", "text_c10_fa"], { cwd: folder });
    await rename(join(folder, "mine.tar.gz"), join(base, "mine.tar.gz"));
    expect((await open({ captions: join(base, "mine.tar.gz") })).captions).toBe(30);
  });

  it("must be said where none is English", async () => {
    await rename(join(folder, "text_c10_en"), join(folder, "text_c10_de"));
    await expect(open()).rejects.toThrow(/holds captions de, fa: say which/);
    await expect(open({ captions: "en" })).rejects.toThrow(/no captions "en" in .*there are de, fa/);
  });

  it("have an alphabet of the training classes' characters only", async () => {
    await put(join(folder, "text_c10_fa", "class_00005", "image_00010.txt"), "ژژژژژژژژژ");
    const { alphabet, split } = await open({ captions: "fa" });
    expect(split.test).toEqual([4]);
    expect([alphabet.indexOf("گ") > 0, alphabet.indexOf("ژ")]).toEqual([true, 0]);
  });

  it("tell of bytes that are no UTF-8 and go on", async () => {
    await put(join(folder, "text_c10_en", "class_00001", "image_00001.txt"), Buffer.from([0x61, 0xff, 0x62]));
    const { files, notes } = await readCaptions(sourceAt(join(folder, "text_c10_en")));
    expect(files).toHaveLength(10);
    expect(notes.join()).toMatch(/1 caption files are not sound UTF-8/);
  });
});

describe("packed files of data sets", () => {
  it("are made once, and again when a source or an option changes", async () => {
    let prepared = 0;
    const count = { onProgress: () => void prepared++ };
    const first = await open(count);
    expect(prepared).toBe(10);
    expect(await readdir(cacheDir)).toHaveLength(1);
    expect((await open(count)).pixels(3)).toEqual(first.pixels(3));
    expect(prepared).toBe(10);
    const file = join(folder, "text_c10", "class_00001", "image_00001.txt");
    await writeFile(file, "another text.\nflower 1 is round");
    expect((await open(count)).caption(0)).toBe("another text.");
    expect(prepared).toBe(20);
    const later = new Date(Date.now() + 5000);
    await utimes(join(folder, "jpg", "image_00001.jpg"), later, later);
    await open(count);
    expect(prepared).toBe(30);
    await open({ ...count, size: 8 });
    expect(prepared).toBe(40);
  });

  it("are made anew when damaged, and that is said", async () => {
    const first = await open();
    const file = join(cacheDir, (await readdir(cacheDir))[0]!);
    const bytes = await readFile(file);
    bytes[bytes.length - 5]! ^= 1;
    await writeFile(file, bytes);
    const lines: string[] = [];
    const again = await open({ onMessage: (line) => lines.push(line) });
    expect(lines).toEqual([`${file} is damaged or outdated: the checksum of its pixels differs; it is made anew`]);
    expect(again.pixels(9)).toEqual(first.pixels(9));
    await open({ onMessage: (line) => lines.push(line) });
    expect(lines).toHaveLength(1);
  });

  it("do not exist after a preparation was stopped", async () => {
    const stop = new AbortController();
    await expect(open({ signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) })).rejects.toThrow("enough");
    // What is done is kept for the next time (part-file.test.ts).
    const left = await readdir(cacheDir).catch((): string[] => []);
    expect(left.map((name) => name.replace(/^.*\.packed/, "")).sort()).toEqual([".part", ".part.journal"]);
  });

  it("are done without where they cannot be written", async () => {
    await writeFile(cacheDir, "a file where the folder should be");
    const lines: string[] = [];
    expect((await open({ onMessage: (line) => lines.push(line) })).images).toBe(10);
    expect(lines.join()).toMatch(/cannot be kept in/);
  });

  it("hold petals too, with their attributes", async () => {
    const options = { size: 8, imagesPerClass: 1, seed: 2, cacheDir };
    const made = await openDataset("petals", options);
    const read = await openDataset("petals", options);
    expect(await readdir(cacheDir)).toHaveLength(1);
    expect(read.pixels(129)).toEqual(made.pixels(129));
    expect(read.attributes!(5)).toEqual(made.attributes!(5));
    expect((await openDataset("petals", { ...options, seed: 3 })).pixels(0)).not.toEqual(made.pixels(0));
  });
});

describe("what is missing or wrong", () => {
  it("a data set of no such name", async () => {
    await expect(openDataset("tulips")).rejects.toThrow(
      'no data set "tulips": give petals, flowers, birds, coco, coco2017, or a folder that exists',
    );
  });

  it("images or captions: what to put where", async () => {
    await rm(join(folder, "jpg"), { recursive: true });
    await expect(open()).rejects.toThrow(new RegExp(`own: no images in ${folder}[^]*jpg/ or images/[^]*--dataset petals`));
    const empty = join(base, "empty");
    await expect(openDataset("flowers", { dataDir: empty, download: false })).rejects.toThrow(
      /no images and no captions[^]*102flowers.tgz[^]*robots.ox.ac.uk[^]*--dataset petals/,
    );
    await expect(openDataset("birds", { dataDir: empty })).rejects.toThrow(/CUB_200_2011.tgz[^]*--dataset petals/);
  });

  it("options that do not apply", async () => {
    await expect(openDataset("petals", { dataDir: "x" })).rejects.toThrow(/leave --data-dir out/);
    await expect(openDataset("petals", { captions: "fa" })).rejects.toThrow(/leave --captions out/);
    await expect(open({ seed: 1 })).rejects.toThrow(/seed is for petals only/);
    await expect(open({ size: 0 })).rejects.toThrow(/size of images/);
    await expect(open({ dataDir: folder })).rejects.toThrow(/is a folder already/);
  });

  it("captions that match no image", async () => {
    await rm(join(folder, "text_c10"), { recursive: true });
    await put(join(folder, "text_c10", "class_00001", "other.txt"), "a flower");
    await expect(open()).rejects.toThrow(/no image of .* has captions/);
    await put(join(folder, "text_c10", "class_00001", "other.txt"), "");
    await expect(open()).rejects.toThrow(/holds no captions/);
  });

  it("archives: damaged, empty, or too many", async () => {
    execFileSync("tar", ["czf", "images.tgz", "jpg"], { cwd: folder });
    await rm(join(folder, "jpg"), { recursive: true });
    const archive = join(folder, "images.tgz");
    const bytes = await readFile(archive);
    await writeFile(archive, bytes.subarray(0, bytes.length / 2));
    await expect(open()).rejects.toThrow(/images.tgz is a damaged archive .* fetch it again/);
    await writeFile(archive, "<html>quota exceeded</html>");
    await expect(open()).rejects.toThrow(/images.tgz is (a damaged|not an) archive/);
    await writeFile(archive, "");
    await expect(open()).rejects.toThrow(/images.tgz is not an archive, or an empty one/);
    await writeFile(join(folder, "second.tar"), bytes);
    await expect(open()).rejects.toThrow(/several archives that may be the images \(images.tgz, second.tar\)/);
  });
});

describe("PETALGRAD_DATA", () => {
  const before = process.env["PETALGRAD_DATA"];
  afterEach(() => {
    if (before === undefined) {
      delete process.env["PETALGRAD_DATA"];
    } else {
      process.env["PETALGRAD_DATA"] = before;
    }
  });

  it("names the data set's folder, or one that holds it", async () => {
    process.env["PETALGRAD_DATA"] = folder;
    expect((await openDataset("flowers", { size: 16, cacheDir, download: false })).images).toBe(10);
    await mkdir(join(base, "all"));
    await cp(folder, join(base, "all", "birds"), { recursive: true });
    process.env["PETALGRAD_DATA"] = join(base, "all");
    expect((await openDataset("birds", { size: 16, cacheDir })).name).toBe("birds");
    process.env["PETALGRAD_DATA"] = join(base, "nowhere");
    await expect(openDataset("birds", { cacheDir })).rejects.toThrow(/PETALGRAD_DATA names .*nowhere, which is no folder/);
  });
});

describe("findSources", () => {
  it("prefers what is unpacked", async () => {
    execFileSync("tar", ["czf", "102flowers.tgz", "jpg"], { cwd: folder });
    execFileSync("tar", ["czf", "text_c10.tar.gz", "text_c10"], { cwd: folder });
    const { images, captions } = await findSources(folder, undefined);
    expect([basename(images!), basename(captions!)]).toEqual(["jpg", "text_c10"]);
  });
});
