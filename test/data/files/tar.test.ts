/** Tar archives, against what GNU tar and tar-stream write. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, linkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "tar-stream";
import { afterAll, describe, expect, it } from "vitest";
import type { ArchiveEntry } from "../../../src/data/files/archive-entry.js";
import { tarEntries } from "../../../src/data/files/tar.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-tar-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** In pieces of this many bytes. */
async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield await Promise.resolve(bytes.subarray(at, at + length));
}

type Seen = Omit<ArchiveEntry, "read" | "size"> & { readonly text?: string };

/** Every second file is read, the others are passed over. */
async function entriesOf(bytes: Uint8Array, length = 1000): Promise<Seen[]> {
  const seen: Seen[] = [];
  let files = 0;
  for await (const { read, size, ...entry } of tarEntries(pieces(bytes, length), bytes.length)) {
    const reads = entry.kind === "file" && files++ % 2 === 0;
    seen.push(reads ? { ...entry, text: new TextDecoder().decode(await read()) } : entry);
    if (reads) expect(seen.at(-1)!.text).toHaveLength(size);
  }
  return seen;
}

const LONG = `${"a-folder-of-a-long-name/".repeat(9)}image-${"x".repeat(120)}.txt`;

describe("a tar archive", () => {
  const inside = join(folder, "in");
  mkdirSync(join(inside, LONG, ".."), { recursive: true });
  writeFileSync(join(inside, "1.txt"), "one".repeat(400));
  writeFileSync(join(inside, "2.txt"), "two");
  writeFileSync(join(inside, "3.txt"), "x".repeat(512));
  writeFileSync(join(inside, LONG), "long");
  linkSync(join(inside, "1.txt"), join(inside, "hard.txt"));
  symlinkSync("../2.txt", join(inside, "a-folder-of-a-long-name/soft.txt"));
  symlinkSync("/etc/passwd", join(inside, "out.txt"));
  const names = ["1.txt", "2.txt", "3.txt", LONG, "hard.txt", "a-folder-of-a-long-name/soft.txt", "out.txt", "a-folder-of-a-long-name"];
  const expected: readonly Seen[] = [
    { path: "1.txt", kind: "file", text: "one".repeat(400) },
    { path: "2.txt", kind: "file" },
    { path: "3.txt", kind: "file", text: "x".repeat(512) },
    { path: LONG, kind: "file" },
    { path: "hard.txt", kind: "link", target: "1.txt" },
    { path: "a-folder-of-a-long-name/soft.txt", kind: "link", target: "2.txt" },
    { path: "out.txt", kind: "link" },
  ];
  it.each(["gnu", "posix", "ustar"])("of form %s has the entries that were put in, however its bytes come", async (form) => {
    // ustar has no room for that name.
    const some = names.filter((name) => form !== "ustar" || name !== LONG);
    const file = join(folder, `${form}.tar`);
    execFileSync("tar", ["-cf", file, `--format=${form}`, "--no-recursion", ...some.map((name) => `./${name}`)], { cwd: inside });
    const bytes = readFileSync(file);
    for (const length of [1, 511, 512, 513, 100_000]) {
      const seen = await entriesOf(bytes, length);
      const wanted = expected.filter(({ path }) => some.includes(path));
      expect(seen.slice(0, -1).map((one) => ({ ...one, target: one.target }))).toEqual(
        wanted.map((one) => ({ target: undefined, ...one })),
      );
      expect(seen.at(-1)).toMatchObject({ kind: "folder" });
    }
  });

  it("has names of any language, sizes in GNU's binary form, and devices apart", async () => {
    const stream = pack();
    stream.entry({ name: "Blüte 花.txt" }, "petals");
    stream.entry({ name: "pipe", type: "fifo" });
    stream.finalize();
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    expect(await entriesOf(bytes)).toEqual([
      { path: "Blüte 花.txt", kind: "file", text: "petals" },
      { path: "pipe", kind: "other" },
    ]);
    // The pax header comes first, then its text, then the file's own.
    const own = 1024;
    const binary = Buffer.from(bytes);
    binary.fill(0, own + 124, own + 136);
    binary[own + 124] = 0x80;
    binary[own + 135] = 6;
    binary.write(
      `${sumOf(binary.subarray(own, own + 512))
        .toString(8)
        .padStart(6, "0")}\0 `,
      own + 148,
    );
    expect((await entriesOf(binary))[0]).toEqual({ path: "Blüte 花.txt", kind: "file", text: "petals" });
  });

  it("that is cut short, damaged or none is refused", async () => {
    const bytes = readFileSync(join(folder, "gnu.tar"));
    for (const length of [100, 600, 1200, 2000])
      await expect(entriesOf(bytes.subarray(0, length)), String(length)).rejects.toThrow("it is cut short");
    const damaged = Buffer.from(bytes);
    damaged[3] = damaged[3]! ^ 1;
    await expect(entriesOf(damaged)).rejects.toThrow("no tar header, or a damaged one");
    await expect(entriesOf(Buffer.alloc(2048, "petals"))).rejects.toThrow("no tar header, or a damaged one");
    expect(await entriesOf(Buffer.alloc(2048))).toEqual([]);
  });
});

/** A header's checksum, its own field counted as blanks. */
const sumOf = (header: Uint8Array): number => header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);
