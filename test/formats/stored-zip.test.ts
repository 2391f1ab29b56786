/** Archives that are written, by three readers: Python's, fflate's, and our own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { expect, it } from "vitest";
import { readSource } from "../../src/node/datasets/archive.js";
import { storedZip } from "../../src/formats/stored-zip.js";

const files: readonly (readonly [string, Uint8Array])[] = [
  ["run/config.json", new TextEncoder().encode("{}")],
  ["run/Blüte 花.bin", Uint8Array.from({ length: 70_000 }, (_, i) => (i * i) % 251)],
  ["run/empty", new Uint8Array(0)],
];

it("zip archives of stored files are what other programs read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "petalgrad-"));
  try {
    const bytes = Buffer.concat(storedZip(files));
    expect(unzipSync(bytes)).toEqual(Object.fromEntries(files));
    const path = join(folder, "a.zip");
    writeFileSync(path, bytes);
    const python = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), len(z.read(z.namelist()[1])), z.namelist())";
    expect(execFileSync("python3", ["-c", python, path], { encoding: "utf8" })).toBe(
      `None 70000 ['run/config.json', 'run/Blüte 花.bin', 'run/empty']\n`,
    );
    const seen: [string, Uint8Array][] = [];
    const reading = { wanted: () => true, largest: 1e6, onSkipped: () => expect.unreachable() };
    for await (const one of readSource(path, reading)) seen.push([one.path, new Uint8Array(one.bytes)]);
    expect(seen).toEqual(files);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
