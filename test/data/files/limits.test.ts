/** Archives whose heads lie: each limit holds before memory is taken, and what is honest passes it. */
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readArchive } from "../../../src/data/files/archive.js";
import type { ArchiveEntry } from "../../../src/data/files/archive-entry.js";
import { zipEntries } from "../../../src/data/files/zip.js";

/** Reads all contents of a zip archive. */
async function unzipped(zip: Uint8Array) {
  /** Bytes that were asked for at once, and those that unpacking was allowed to make. */
  const [asked, allowed]: [number[], number[]] = [[], []];
  const read = (position: number, length: number): Promise<Uint8Array> => {
    asked.push(length);
    return Promise.resolve(zip.subarray(position, position + length));
  };
  const inflate = (_: Uint8Array, most: number): Promise<Uint8Array> => {
    allowed.push(most);
    return Promise.resolve(new Uint8Array(0));
  };
  let failure: unknown;
  const texts: string[] = [];
  try {
    for await (const entry of zipEntries({ size: zip.length, read }, inflate)) texts.push(new TextDecoder().decode(await entry.read()));
  } catch (error) {
    failure = (error as Error).message;
  }
  return { texts, failure, most: Math.max(...asked), allowed };
}

describe("a zip archive", () => {
  const stored = () => Buffer.from(zipSync({ "a/b.txt": Buffer.from("sound") }, { level: 0 }));
  /** Where the entry's head in the directory begins, and the end record. */
  const [HEAD, END] = ["PK\x01\x02", "PK\x05\x06"];

  it("that is honest is read, for whatever it is", async () => {
    expect(await unzipped(stored())).toMatchObject({ texts: ["sound"], failure: undefined });
  });

  it("that says of five bytes that they are packed into gigabytes is refused before those are asked for", async () => {
    const zip = stored();
    zip.writeUInt32LE(2 ** 31, zip.indexOf(HEAD) + 20);
    const { failure, most } = await unzipped(zip);
    expect(failure).toBe("a/b.txt fails its checksum");
    expect(most).toBeLessThan(zip.length + 1);
  });

  it("may unpack to what its directory says and no more", async () => {
    const zip = Buffer.from(zipSync({ "a/b.txt": Buffer.alloc(2 ** 20) }));
    zip.writeUInt32LE(700, zip.indexOf(HEAD) + 24);
    expect((await unzipped(zip)).allowed).toEqual([700]);
  });

  it("whose directory would take gigabytes is refused before it is asked for", async () => {
    const zip = stored();
    zip.writeUInt32LE(2 ** 27 + 1, zip.indexOf(END) + 12);
    const { failure, most } = await unzipped(zip);
    expect(failure).toBe(`a directory of ${2 ** 27 + 1} bytes`);
    expect(most).toBeLessThan(2 ** 17);
  });
});

describe("a name in an archive", () => {
  async function read(length: number): Promise<string[]> {
    const entry: ArchiveEntry = { path: "n".repeat(length), size: 5, kind: "file", read: () => Promise.resolve(Buffer.from("sound")) };
    async function* entries() {
      await Promise.resolve();
      yield entry;
    }
    const names: string[] = [];
    const reading = { wanted: () => true, largest: 100, onSkipped: () => expect.unreachable() };
    for await (const { path } of readArchive({ path: "/x/a.tar", name: "a.tar", entries }, reading)) names.push(path);
    return names;
  }

  it("has at most as many characters as a path of the file system may have", async () => {
    expect(await read(4096)).toEqual(["n".repeat(4096)]);
    await expect(read(4097)).rejects.toThrow("/x/a.tar is a damaged archive (it holds a name of 4097 characters); fetch it again");
  });
});
