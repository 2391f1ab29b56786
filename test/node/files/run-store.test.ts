/** A run in a folder: what survives damage, kills and full disks. */
import type Fs from "node:fs";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { writeFileAtomic } from "../../../src/node/files/atomic-file.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { FolderStore } from "../../../src/node/files/folder-store.js";
import { lock, newestRun, newRunFolder, openRun } from "../../../src/node/files/run-folder.js";
import type { TrainOptions } from "../../../src/train/gan/options.js";
import { GAN_RUN } from "../../../src/train/gan/run-kind.js";
import { Run } from "../../../src/train/run/run.js";
import type { SafeTensor } from "../../../src/formats/safetensors.js";

/** While set, writing fails as on a full disk after that many bytes. */
const disk = vi.hoisted(() => ({ left: Infinity, refuses: undefined as string | undefined }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Fs>();
  /** While set, everything that writes is refused with this code: as root, no permission would do it. */
  const writing =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      if (disk.refuses === undefined) return call(...args);
      throw Object.assign(new Error(`${disk.refuses}: refused, open`), { code: disk.refuses, syscall: "open", path: args[0] });
    };
  const full = () => Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  const writeSync = (file: number, bytes: Uint8Array, at: number): number => {
    const size = Math.min(disk.left, bytes.length - at);
    if (size <= 0) throw full();
    disk.left -= size;
    return fs.writeSync(file, bytes, at, size);
  };
  const appendFileSync = (path: string, text: string): void => {
    if (disk.left < text.length) throw full();
    fs.appendFileSync(path, text);
  };
  return {
    ...fs,
    writeSync,
    appendFileSync: writing(appendFileSync),
    mkdirSync: writing(fs.mkdirSync),
    writeFileSync: writing(fs.writeFileSync),
    openSync: (path: string, flags: string) => (flags === "r" ? fs.openSync(path, flags) : writing(fs.openSync)(path, flags)),
  };
});

const home = mkdtempSync(join(tmpdir(), "petalgrad-run-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
let path = "";
beforeEach(() => (path = mkdtempSync(join(home, "run-"))));
afterEach(() => {
  disk.left = Infinity;
  disk.refuses = undefined;
});

const options = resolveOptions({ preset: "tiny" }, { software: true });

async function begun(): Promise<Run<TrainOptions>> {
  const run = await Run.begin(newRunFolder(path, "petals"), GAN_RUN);
  await run.writeConfig(options, { node: "v20" });
  return run;
}

const refuse = (text: string): never => {
  throw new Error(text);
};

const tensors = (value: number): [string, SafeTensor][] => [["w", { dtype: "F32", shape: [2], data: Float32Array.of(value, -value) }]];
const file = (step: number): string => join(path, "checkpoint", `step-${String(step).padStart(6, "0")}.safetensors`);
const checkpoints = (): string[] => readdirSync(join(path, "checkpoint")).sort();

function damage(target: string): void {
  const bytes = readFileSync(target);
  bytes[bytes.length - 2]! ^= 4;
  writeFileSync(target, bytes);
}

describe("config.json", () => {
  it("gives the options back", async () => {
    await begun();
    expect(await (await openRun(path)).readConfig()).toEqual(options);
  });

  it("keeps a run from being overwritten, and a folder without one from being resumed", async () => {
    await begun();
    expect(() => newRunFolder(path, "petals")).toThrow(`--resume ${path}`);
    await expect(openRun(join(path, "nothing"))).rejects.toThrow("holds no run");
  });

  it("names a damaged one", async () => {
    const run = await begun();
    writeFileSync(join(path, "config.json"), "{");
    await expect(run.readConfig()).rejects.toThrow(`${join(path, "config.json")} is damaged`);
    writeFileSync(join(path, "config.json"), '{"options": {"steps": 3}}');
    await expect(run.readConfig()).rejects.toThrow('config.json: the option "dataset" is missing');
  });
});

describe("a new run's name", () => {
  const before = process.cwd();
  afterEach(() => process.chdir(before));

  it("is the first free number, and the newest run is found again", async () => {
    process.chdir(path);
    expect(newestRun()).toBeUndefined();
    const first = await Run.begin(newRunFolder(undefined, "petals"), GAN_RUN);
    await first.writeConfig(options, {});
    const second = newRunFolder(undefined, "petals");
    expect([first.path, second.path]).toEqual([join("runs", "petals-1"), join("runs", "petals-2")]);
    // A folder without a config.json is no run.
    expect(newestRun()).toBe(first.path);
    expect(newRunFolder(undefined, "../shared/my data/").path).toBe(join("runs", "shared-my-data-1"));
  });
});

describe("metrics.jsonl", () => {
  it("is appended to, and cut back to the step a resumed run begins at", async () => {
    const run = await begun();
    await run.appendMetrics({ stage: "text encoder", step: 9, loss: 1 });
    for (let step = 1; step <= 4; step++) await run.appendMetrics({ stage: "GAN", step, loss: step / 2 });
    await run.truncateMetrics("GAN", 2, refuse);
    await run.appendMetrics({ stage: "GAN", step: 3, loss: NaN });
    expect(await run.readMetrics()).toEqual([
      { stage: "text encoder", step: 9, loss: 1 },
      { stage: "GAN", step: 1, loss: 0.5 },
      { stage: "GAN", step: 2, loss: 1 },
      { stage: "GAN", step: 3, loss: null },
    ]);
  });

  it("leaves out the half line of a kill without a word", async () => {
    const run = await begun();
    await run.appendMetrics({ stage: "GAN", step: 1 });
    writeFileSync(join(path, "metrics.jsonl"), '{"stage":"GAN","st', { flag: "a" });
    expect(await run.readMetrics()).toHaveLength(1);
    await run.truncateMetrics("GAN", 1, refuse);
    expect(readFileSync(join(path, "metrics.jsonl"), "utf8")).toBe('{"stage":"GAN","step":1}\n');
  });

  it("that is damaged is cut back to what is sound before the checkpoint, with a word", async () => {
    const run = await begun();
    const sound = [1, 2, 3, 4, 5].map((step) => `{"stage":"GAN","step":${step}}`);
    const broken = ['{"stage":"GAN","st{"stage":"GAN","step":9}', "\0\0\0\0", "null", "7", '{"step":3}', '{"stage":"GAN","step":"x"}', ""];
    for (const bad of broken) {
      const warnings: string[] = [];
      writeFileSync(join(path, "metrics.jsonl"), [sound[0], bad, sound[1], sound[2], bad, sound[3], sound[4], ""].join("\n"));
      // While a run goes on, nothing but what can be read counts.
      expect((await run.readMetrics()).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
      await run.truncateMetrics("GAN", 3, (text) => warnings.push(text));
      expect(readFileSync(join(path, "metrics.jsonl"), "utf8"), bad).toBe(`${sound.slice(0, 3).join("\n")}\n`);
      expect(warnings).toEqual([
        `${join(path, "metrics.jsonl")} is damaged in lines 2, 5: what is sound up to step 3 is kept, the rest is left out`,
      ]);
      await run.truncateMetrics("GAN", 3, refuse);
    }
  });
});

describe("checkpoints", () => {
  it("are loaded as they were saved; the newest two are kept", async () => {
    const run = await begun();
    for (const step of [5, 10, 999_995, 1_000_000]) await run.saveCheckpoint(step, tensors(step), { cursor: `c${step}` });
    expect(checkpoints()).toEqual(["step-1000000.safetensors", "step-999995.safetensors"]);
    const { step, tensors: loaded, metadata, refused } = await (await openRun(path)).loadCheckpoint();
    expect(step).toBe(1_000_000);
    expect(loaded.get("w")?.data).toEqual(Float32Array.of(1_000_000, -1_000_000));
    expect([...metadata]).toEqual([["cursor", "c1000000"]]);
    expect(refused).toEqual([]);
  });

  it("a damaged one is refused by name, and the one before is used and kept", async () => {
    const run = await begun();
    await run.saveCheckpoint(5, tensors(5), {});
    await run.saveCheckpoint(10, tensors(10), {});
    damage(file(10));
    const resumed = await openRun(path);
    const { step, refused } = await resumed.loadCheckpoint();
    expect(step).toBe(5);
    expect(refused).toEqual([expect.stringContaining(`${file(10)} is damaged`)]);
    await resumed.saveCheckpoint(7, tensors(7), {});
    // The damaged one is gone, the good one before is not.
    expect(checkpoints()).toEqual(["step-000005.safetensors", "step-000007.safetensors"]);
  });

  it("one whose hash is gone is refused", async () => {
    const run = await begun();
    await run.saveCheckpoint(5, tensors(5), {});
    writeFileSync(file(5), Buffer.from(readFileSync(file(5)).toString("latin1").replace('"sha256"', '"sha257"'), "latin1"));
    await expect(run.loadCheckpoint()).rejects.toThrow("the sha256 that petalgrad writes is missing");
  });

  it("saved again at the step it was loaded from, the one before still stands", async () => {
    const run = await begun();
    for (const step of [5, 10]) await run.saveCheckpoint(step, tensors(step), {});
    const resumed = await openRun(path);
    await resumed.loadCheckpoint();
    await resumed.saveCheckpoint(10, tensors(11), {});
    expect(checkpoints()).toEqual(["step-000005.safetensors", "step-000010.safetensors"]);
    expect((await (await openRun(path)).loadCheckpoint()).tensors.get("w")?.data[0]).toBe(11);
  });

  it("a renamed or empty one is refused; with no sound one there is one clear error", async () => {
    const run = await begun();
    await expect(run.loadCheckpoint()).rejects.toThrow("no checkpoint to go on from (none)");
    await run.saveCheckpoint(5, tensors(5), {});
    writeFileSync(file(6), readFileSync(file(5)));
    writeFileSync(file(7), "");
    expect((await (await openRun(path)).loadCheckpoint()).refused).toEqual([
      expect.stringContaining("0 bytes are too few"),
      expect.stringContaining("holds step 5"),
    ]);
    damage(file(5));
    await expect((await openRun(path)).loadCheckpoint()).rejects.toThrow(/no sound one: .*step-000007.*step-000006.*step-000005/);
  });

  it("a kill while saving leaves a file that is never taken for a checkpoint", async () => {
    const run = await begun();
    await run.saveCheckpoint(5, tensors(5), {});
    writeFileSync(`${file(10)}.tmp-4194305`, readFileSync(file(5)).subarray(0, 40));
    expect((await (await openRun(path)).loadCheckpoint()).step).toBe(5);
  });
});

describe("a full disk", () => {
  it("names the last good checkpoint and the way on, and leaves no half file", async () => {
    const run = await begun();
    disk.left = 10;
    await expect(run.saveCheckpoint(5, tensors(5), {})).rejects.toThrow(/the disk is full: .*no checkpoint yet/);
    disk.left = Infinity;
    await run.saveCheckpoint(5, tensors(5), {});
    disk.left = 100;
    await expect(run.saveCheckpoint(10, tensors(10), {})).rejects.toThrow(
      `the disk is full: ${file(10)} could not be written. Free some space; the last good checkpoint is ${file(5)}; ` +
        `go on with: npm run train -- --resume ${path}`,
    );
    expect(checkpoints()).toEqual(["step-000005.safetensors"]);
    disk.left = 3;
    await expect(run.appendMetrics({ stage: "GAN", step: 6 })).rejects.toThrow("the disk is full");
    await expect(run.writeSample(6, new Uint8Array(100), "row 1: x\n")).rejects.toThrow("the disk is full");
    disk.left = Infinity;
    expect((await (await openRun(path)).loadCheckpoint()).step).toBe(5);
  });

  it("keeps the old contents of a file that cannot be replaced", () => {
    const target = join(path, "x");
    writeFileAtomic(target, "old");
    disk.left = 2;
    expect(() => writeFileAtomic(target, "newer")).toThrow("ENOSPC");
    expect(readFileSync(target, "utf8")).toBe("old");
    expect(readdirSync(path)).toEqual(["x"]);
  });
});

it("names a file or folder that is in the way", async () => {
  const run = await begun();
  writeFileSync(join(path, "samples"), "");
  await expect(run.writeSample(1, new Uint8Array(1), "")).rejects.toThrow(
    `${join(path, "samples", "step-000001.txt")} cannot be written: a file is in its way`,
  );
  mkdirSync(join(path, "curves.svg"));
  await expect(run.writeCurves("<svg/>")).rejects.toThrow(`${join(path, "curves.svg")} cannot be written: a folder is in its way (EISDIR)`);
  mkdirSync(join(path, "metrics.jsonl"));
  await expect(run.readMetrics()).rejects.toThrow(
    `${join(path, "metrics.jsonl")} cannot be read: it is a folder, where a file is wanted (EISDIR)`,
  );
  rmSync(join(path, "config.json"));
  mkdirSync(join(path, "config.json"));
  await expect(run.readConfig()).rejects.toThrow(`${join(path, "config.json")} cannot be read: it is a folder`);
});

describe("a folder that may not be written", () => {
  it("is told in one line, with the way on where there is one", async () => {
    disk.refuses = "EROFS";
    expect(() => newRunFolder(join(path, "new"), "petals")).toThrow(
      `${join(path, "new")} cannot be written: the file system is read-only (EROFS); nothing was begun yet: mend that, or begin elsewhere`,
    );
    disk.refuses = undefined;
    const run = await begun();
    await run.saveCheckpoint(5, tensors(5), {});
    disk.refuses = "EACCES";
    const resumed = await openRun(path);
    const goOn = `go on with: npm run train -- --resume ${path}`;
    expect(() => lock(new FolderStore(path), refuse, resumed.wayOn)).toThrow(
      `${path} cannot be written: permission denied (EACCES); ${goOn}`,
    );
    await expect(resumed.appendMetrics({ stage: "GAN", step: 1 })).rejects.toThrow(
      `metrics.jsonl cannot be written: permission denied (EACCES); ${goOn}`,
    );
    await expect(run.saveCheckpoint(6, tensors(6), {})).rejects.toThrow(
      `cannot be written: permission denied (EACCES); the last good checkpoint is ${file(5)}; ${goOn}`,
    );
  });
});

it("writes samples with their captions beside them", async () => {
  const run = await begun();
  expect(await run.writeSample(100, Uint8Array.of(1, 2), "row 1: red\n")).toBe(join(path, "samples", "step-000100.png"));
  expect(readFileSync(join(path, "samples", "step-000100.txt"), "utf8")).toBe("row 1: red\n");
});
