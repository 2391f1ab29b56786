/** Files made to take a machine's memory or time: they are left out by name, and what is sound beside them is read. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import sharp from "sharp";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSource, sourceAt } from "../../../src/node/datasets/archive.js";
import { Unpacked } from "../../../src/data/files/archive-entry.js";
import { readCaptions } from "../../../src/data/layouts/reed/captions-source.js";
import { decodeImage, readPhoto } from "../../../src/node/datasets/decode.js";
import { followLinks } from "../../../src/data/files/links.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import { tinyFolder } from "./tiny-folder.js";

const MiB = 2 ** 20;
let folder = "";
beforeEach(() => {
  folder = tinyFolder(join(mkdtempSync(join(tmpdir(), "petalgrad-bombs-")), "own"));
});
afterEach(() => rmSync(dirname(folder), { recursive: true }));

const at = (...path: string[]): string => join(folder, ...path);
const open = () => openDataset(folder, { size: 16, cacheDir: join(dirname(folder), "cache") });
function put(path: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}
/** A file of so many zeros, which takes no place on the disk. */
function zeros(path: string, size: number): void {
  put(path, "");
  truncateSync(path, size);
}

/** A black PNG: a few kilobytes, whatever its size. */
async function blackPng(width: number, height: number): Promise<Buffer> {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    crc.writeInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 9 });
  const png = Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  expect(await sharp(png).metadata()).toMatchObject({ width, height });
  return png;
}

function crc32(bytes: Uint8Array): number {
  let c = -1;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c;
}

describe("images", () => {
  it("of more pixels than are read are left out, whatever few bytes they take", async () => {
    put(at("images", "class_0", "image_0_0.png"), await blackPng(16_000, 16_000));
    put(at("images", "class_0", "image_0_1.png"), await blackPng(1, 100_000));
    const bytes = readFileSync(at("images", "class_0", "image_0_0.png"));
    expect(bytes.length).toBeLessThan(40_000);
    const { images, report } = await open();
    expect(images).toBe(22);
    expect(report.skipped).toEqual([
      { file: "images/class_0/image_0_0.png", reason: "cannot be decoded (16000x16000 pixels, more than are read: make it smaller)" },
      { file: "images/class_0/image_0_1.png", reason: "cannot be decoded (1x100000 pixels, more than are read: make it smaller)" },
    ]);
    await expect(readPhoto(at("images", "class_0", "image_0_0.png"), 16)).rejects.toThrow(
      /image_0_0.png cannot be decoded as an image \(16000x16000 pixels, more than are read: make it smaller\)$/,
    );
  });

  it("of a large camera are decoded, and give the same pixels as smaller ones", async () => {
    const { side, pixels } = await decodeImage(await blackPng(8000, 6000), 16);
    expect([side, new Set(pixels)]).toEqual([19, new Set([0])]);
    await expect(decodeImage(await blackPng(8200, 8200), 16)).rejects.toThrow("8200x8200 pixels");
    await expect(decodeImage(await blackPng(300, 70_000), 16)).rejects.toThrow("300x70000 pixels");
    // Rows and columns cost at least what 64 pixels do.
    expect((await decodeImage(await blackPng(1, 1000), 16)).work).toBe(64_000);
  });

  it("of more pixels in all than photographs of these bytes have end the preparation", async () => {
    const png = await blackPng(4096, 4096);
    for (let i = 0; i < 4; i++) for (const c of [0, 1, 2, 3, 4]) put(at("images", `class_${c}`, `image_${c}_${i}.png`), png);
    await expect(open()).rejects.toThrow(
      /images holds images of more than \d+ pixels, which no photographs of its size have: make them smaller$/,
    );
  });

  it("of more bytes than are read are left out, in folders and in archives", async () => {
    zeros(at("images", "class_0", "image_0_0.png"), 3000 * MiB);
    const reason = "3000 MiB large: at most 128 MiB are read";
    expect((await open()).report.skipped).toEqual([{ file: "images/class_0/image_0_0.png", reason }]);
    await expect(readPhoto(at("images", "class_0", "image_0_0.png"), 16)).rejects.toThrow(
      /image_0_0.png is 3000 MiB large; at most 128 MiB/,
    );
    truncateSync(at("images", "class_0", "image_0_0.png"), 200 * MiB);
    execFileSync("tar", ["-czf", "images.tgz", "images"], { cwd: folder });
    rmSync(at("images"), { recursive: true });
    const { images, report } = await open();
    expect([images, report.skipped.length, report.skipped[0]!.reason]).toEqual([23, 1, "200 MiB large: at most 128 MiB are read"]);
  });

  it("that are pipes or devices are not waited for", async () => {
    execFileSync("mkfifo", [at("pipe.png")]);
    await expect(readPhoto(at("pipe.png"), 16)).rejects.toThrow(/pipe.png is a device or a pipe, not a file$/);
    await expect(readPhoto("/dev/zero", 16)).rejects.toThrow(/is a device or a pipe/);
  });
});

describe("captions", () => {
  it("of a gigabyte, or of thousands of lines, are left out", async () => {
    zeros(at("text_c10", "class_0", "image_0_0.txt"), 1000 * MiB);
    put(at("text_c10", "class_0", "image_0_1.txt"), "ab\n".repeat(2000));
    expect((await open()).report.skipped).toEqual([
      { file: "text_c10/class_0/image_0_0.txt", reason: "1000 MiB large: at most 1 MiB are read" },
      { file: "text_c10/class_0/image_0_1.txt", reason: "more than 1000 captions" },
      { file: "images/class_0/image_0_0.png", reason: "no captions" },
      { file: "images/class_0/image_0_1.png", reason: "no captions" },
    ]);
  });

  it("of more characters in all than fit the memory are refused", async () => {
    const text = `${"a".repeat(2000)}\n`.repeat(500);
    for (let i = 0; i < 70; i++) put(at("text_c10", "class_0", `${i}.txt`), text);
    await expect(readCaptions(sourceAt(at("text_c10")))).rejects.toThrow(
      /text_c10 holds more captions than fit the memory .* leave some of them out$/,
    );
  });

  it("never lose their class lists for size: that ends the preparation", async () => {
    zeros(at("testclasses.txt"), 1000 * MiB);
    await expect(open()).rejects.toThrow(/testclasses.txt is 1000 MiB large; at most 1 MiB are read of such a file$/);
    rmSync(at("testclasses.txt"));
    zeros(at("text_c10", "testclasses.txt"), 1000 * MiB);
    await expect(open()).rejects.toThrow(/testclasses.txt is no list of classes: 1000 MiB large/);
  });
});

describe("archives", () => {
  it("that unpack to far more than they are, or have more entries than they can, are refused", () => {
    const honest = new Unpacked(330e6);
    for (let i = 0; i < 8189; i++) honest.add(40_000);
    expect(() => new Unpacked(3e6).add(3 * 2 ** 30)).not.toThrow();
    expect(() => new Unpacked(3e6).add(5 * 2 ** 30)).toThrow("it unpacks to more than 5120 MiB from 3000000 bytes");
    const many = new Unpacked(64_000);
    for (let i = 0; i < 101_000; i++) many.add(0);
    expect(() => many.add(0)).toThrow("it has more than 101000 entries in 64000 bytes");
  });

  it("whose head or central directory lies are no danger", async () => {
    const packing = pack();
    packing.entry({ name: "a/b.txt" }, "sound");
    packing.finalize();
    const pieces: Buffer[] = [];
    for await (const piece of packing) pieces.push(piece as Buffer);
    const tar = Buffer.concat(pieces);
    const read = async (path: string): Promise<string[]> => {
      const paths: string[] = [];
      for await (const file of readSource(path, { wanted: () => true, largest: MiB, onSkipped: ({ reason }) => paths.push(reason) }))
        paths.push(file.path);
      return paths;
    };
    // A size of 8 GiB less one, and its checksum, in front of no such bytes.
    tar.write("77777777777\0", 124);
    tar.fill(" ", 148, 156);
    tar.write(
      `${tar
        .subarray(0, 512)
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    put(at("lies.tgz"), gzipSync(tar));
    await expect(read(at("lies.tgz"))).rejects.toThrow(/lies.tgz is a damaged archive \(it unpacks to more than 8192 MiB from \d+ bytes\)/);

    const zip = Buffer.from(zipSync({ "a/b.txt": Buffer.alloc(100 * MiB), "a/c.txt": Buffer.from("sound") }));
    put(at("large.zip"), zip);
    expect(await read(at("large.zip"))).toEqual(["100 MiB large: at most 1 MiB are read", "a/c.txt"]);
    // A directory that says 10 bytes of what are 100 MiB.
    zip.writeUInt32LE(10, zip.indexOf("PK\x01\x02") + 24);
    put(at("large.zip"), zip);
    await expect(read(at("large.zip"))).rejects.toThrow(/large.zip is a damaged archive/);
    // And one packed so well that its packed bytes are no more than an honest entry's: zlib stops where the directory says.
    const small = Buffer.from(zipSync({ "a/b.txt": Buffer.alloc(MiB / 2) }, { level: 9 }));
    small.writeUInt32LE(10, small.indexOf("PK\x01\x02") + 24);
    put(at("small.zip"), small);
    await expect(read(at("small.zip"))).rejects.toMatchObject({ cause: { code: "ERR_BUFFER_TOO_LARGE" } });
  });

  it("whose links multiply their files are refused", () => {
    const files = new Set(Array.from({ length: 2000 }, (_, i) => `a/${i}.txt`));
    const links = new Map(Array.from({ length: 2000 }, (_, i) => [`l${i}`, "a"]));
    expect(() => followLinks(files, links)).toThrow(/its links make more than 1000000 files/);
    const doubled = new Map(Array.from({ length: 60 }, (_, i) => [`d${i}`, `d${i + 1}/../d${i + 1}`]));
    expect(followLinks(files, doubled).dead).toHaveLength(60);
  });
});
