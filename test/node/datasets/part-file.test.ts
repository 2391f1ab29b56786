/** Preparing goes on where it was, however it ended, and makes the same packed file; its disk may be full. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import type Fs from "node:fs";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openDataset } from "../../../src/node/datasets/open.js";
import type { OpenOptions } from "../../../src/node/datasets/options.js";
import { LITTLE, littleSet } from "./little-set.js";

/** Bytes that the disk still takes. */
const disk = vi.hoisted(() => ({ left: Infinity }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Fs>();
  const writeSync = (file: number, bytes: Uint8Array, at: number, length: number, position: number): number => {
    const size = Math.min(disk.left, length);
    if (size <= 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
    disk.left -= size;
    return fs.writeSync(file, bytes, at, size, position);
  };
  return { ...fs, writeSync };
});

/** What preparing the little set made before it could be interrupted. */
const PACKED = "d1f01528a40b5961c2932e113c5d09cff829cbfff9a4b95dca502cfbf4481097";

let base: string;
let set: string;
let cacheDir: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "petalgrad-part-"));
  set = await littleSet(base);
});
afterAll(() => rmSync(base, { recursive: true }));
beforeEach(() => (cacheDir = mkdtempSync(join(base, "cache-"))));
afterEach(() => (disk.left = Infinity));

/** Opens the set. @returns how many images were decoded for it, and what was said */
async function open(options: OpenOptions = {}) {
  const lines: string[] = [];
  const told: number[] = [];
  const onProgress: OpenOptions["onProgress"] = (progress) => {
    told.push(progress.done);
    options.onProgress?.(progress);
  };
  const dataset = await openDataset(set, {
    size: 16,
    layout: "beside",
    cacheDir,
    onMessage: (line) => lines.push(line),
    ...options,
    onProgress,
  });
  return { dataset, lines, told };
}

/** A preparation that is stopped after so many images. */
async function stopped(after: number): Promise<void> {
  const stop = new AbortController();
  const onProgress: OpenOptions["onProgress"] = ({ done }) => {
    if (done >= after) stop.abort(new Error("enough"));
  };
  await expect(open({ signal: stop.signal, onProgress })).rejects.toThrow("enough");
}

const files = (): string[] => readdirSync(cacheDir).sort();
const packed = (): string => {
  const name = files().find((one) => one.endsWith(".packed"))!;
  return createHash("sha256")
    .update(readFileSync(join(cacheDir, name)))
    .digest("hex");
};
const ending = (end: string): string =>
  join(
    cacheDir,
    files().find((name) => name.endsWith(end))!,
  );

describe("a preparation", () => {
  it("makes the bytes that it always made, and leaves nothing else", async () => {
    const { dataset, told } = await open();
    expect(dataset.images).toBe(LITTLE - 1);
    expect(told).toEqual(Array.from({ length: LITTLE }, (_, i) => i + 1));
    expect(files()).toHaveLength(1);
    expect(packed()).toBe(PACKED);
  });

  it("that is stopped goes on where it was", async () => {
    await stopped(10);
    expect(files().map((name) => name.replace(/^.*\.packed/, ""))).toEqual([".part", ".part.journal"]);
    const { lines, told } = await open();
    expect(lines[0]).toMatch(/^little: goes on after 1\d images that were prepared before$/);
    expect(told[0]).toBeGreaterThanOrEqual(10);
    expect(told.at(-1)).toBe(LITTLE);
    expect(files()).toHaveLength(1);
    expect(packed()).toBe(PACKED);
  });

  it("goes on from any byte that a killed one had come to", async () => {
    await stopped(LITTLE - 4);
    const [part, journal] = [ending(".part"), ending(".journal")];
    const [rows, lines] = [readFileSync(part), readFileSync(journal)];
    const counts = new Set<number>();
    for (let cut = 0; cut <= lines.length; cut += 67) {
      for (const name of files()) rmSync(join(cacheDir, name));
      writeFileSync(journal, lines.subarray(0, cut));
      // Of a row whose line was not written all, a part or nothing may be there.
      writeFileSync(part, rows);
      const { told } = await open();
      counts.add(told[0]!);
      expect(packed(), `cut at ${cut}`).toBe(PACKED);
    }
    expect(Math.max(...counts)).toBeGreaterThan(15);
    expect(counts.size).toBeGreaterThan(10);
  });

  it("prepares anew what its disk has lost or changed", async () => {
    await stopped(15);
    const part = ending(".part");
    const rows = readFileSync(part);
    rows[100]! ^= 1;
    writeFileSync(part, rows.subarray(0, rows.length - 50));
    const done = readFileSync(ending(".journal"), "utf8").trim().split("\n").length - 1;
    const { told } = await open();
    expect(told[0]).toBe(done - 2);
    expect(packed()).toBe(PACKED);
  });

  it("takes nothing from before a file was changed, and removes it", async () => {
    await stopped(10);
    try {
      utimesSync(join(set, "p03.png"), 1_700_000_100, 1_700_000_100);
      const { told } = await open();
      expect(told).toHaveLength(LITTLE);
      expect(files()).toHaveLength(1);
    } finally {
      utimesSync(join(set, "p03.png"), 1_700_000_000, 1_700_000_000);
    }
  });

  it("is done once where two ask for it at a time", async () => {
    const both = await Promise.all([open(), open()]);
    expect(both.map(({ told }) => told.length).sort((a, b) => a - b)).toEqual([0, LITTLE]);
    expect(both.flatMap(({ lines }) => lines)).toContain("little: another process prepares it already: waiting");
    expect(both[0].dataset.pixels(3)).toEqual(both[1].dataset.pixels(3));
  });

  it("ends in one line where the disk is full, and goes on when there is room", async () => {
    disk.left = 6000;
    const error = await open().then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).toBe(
      `${cacheDir} cannot be written: the disk is full (ENOSPC); the images that are done are kept there: make room, and the same command goes on`,
    );
    disk.left = Infinity;
    const { told } = await open();
    expect(told[0]).toBeGreaterThan(3);
    expect(packed()).toBe(PACKED);
  });

  it("keeps its rows where the packed file cannot be written at last", async () => {
    await open();
    const [name] = files();
    rmSync(join(cacheDir, name!));
    mkdirSync(join(cacheDir, name!, "in the way"), { recursive: true });
    await expect(open()).rejects.toThrow(/cannot be written: .*the images that are done are kept there/);
    rmSync(join(cacheDir, name!), { recursive: true });
    const { told } = await open();
    expect(told).toEqual([LITTLE]);
    expect(packed()).toBe(PACKED);
  });
});

it("is killed, and its lock with it", async () => {
  const program = `
    import { openDataset } from "./src/node/datasets/open.js";
    const onProgress = ({ done }) => done >= 12 && process.kill(process.pid, "SIGKILL");
    await openDataset(process.argv[1], { size: 16, layout: "beside", cacheDir: process.argv[2], onProgress });`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program, set, cacheDir]);
  let said = "";
  child.stderr.on("data", (part) => (said += String(part)));
  const signal = await new Promise((resolve) => child.on("close", (_code, name) => resolve(name)));
  expect(signal, said).toBe("SIGKILL");
  expect(files().map((name) => name.replace(/^.*\.packed/, ""))).toEqual([".part", ".part.journal", ".part.lock"]);
  const { told } = await open();
  expect(told[0]).toBeGreaterThanOrEqual(11);
  expect(files()).toHaveLength(1);
  expect(packed()).toBe(PACKED);
});
