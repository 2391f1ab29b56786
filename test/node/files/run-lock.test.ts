/** The lock of a run's folder: one process at a time, and a killed one's lock is nobody's. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "../../../src/node/files/run-lock.js";

let folder: string;
let warnings: string[];
let free: (() => void)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-lock-"));
  [warnings, free] = [[], []];
});
afterEach(() => {
  for (const release of free) release();
  rmSync(folder, { recursive: true, force: true });
});

const path = () => join(folder, "lock.json");
const lock = () => free.push(lockFolder(folder, path(), (text) => warnings.push(text)));
const holder = (json: object) => writeFileSync(path(), JSON.stringify(json));
/** The number of a process that has ended. */
const ended = (): number => spawnSync(process.execPath, ["-e", ""]).pid;

describe("a run's lock", () => {
  it("names the process and its machine, keeps a second training out, and goes with the first", () => {
    lock();
    expect(JSON.parse(readFileSync(path(), "utf8"))).toMatchObject({ process: process.pid, machine: hostname() });
    expect(lock).toThrow(`${folder} is being trained by process ${process.pid}: wait for it, or stop it`);
    free.pop()!();
    expect(existsSync(path())).toBe(false);
    lock();
    expect(warnings).toEqual([]);
  });

  it("of a process that has ended is taken over with a word", () => {
    const pid = ended();
    holder({ process: pid, machine: hostname() });
    lock();
    expect(warnings).toEqual([`${folder}: process ${pid}, which trained it, has ended without a word; its lock is taken over`]);
    expect(readdirSync(folder)).toEqual(["lock.json"]);
    expect(lock).toThrow(`process ${process.pid}`);
  });

  it("of a process that runs is respected, unless that is another one of the same number", () => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    try {
      holder({ process: child.pid, machine: hostname() });
      expect(lock).toThrow(`is being trained by process ${child.pid}`);
      holder({ process: child.pid, machine: hostname(), began: "another boot 1" });
      if (process.platform === "linux") {
        lock();
        expect(warnings).toHaveLength(1);
      }
    } finally {
      child.kill();
    }
  });

  it("of another machine is respected: nobody here knows whether its process runs", () => {
    holder({ process: ended(), machine: "elsewhere" });
    const way = `if that one has ended, remove ${path()}`;
    expect(lock).toThrow(`of the machine elsewhere: ${way}`);
  });

  it("that holds nothing is about to be written, or was left so by a kill", () => {
    writeFileSync(path(), "");
    expect(lock).toThrow("is being taken by another process just now");
    const before = new Date(Date.now() - 60_000);
    utimesSync(path(), before, before);
    lock();
    expect(warnings).toHaveLength(1);
  });

  it("is left alone at the end where somebody else has taken it", () => {
    lock();
    holder({ process: ended(), machine: "elsewhere" });
    free.pop()!();
    expect(existsSync(path())).toBe(true);
  });

  it("goes with a process that is made to end at once", () => {
    const url = new URL("../../../src/node/files/run-lock.ts", import.meta.url).href;
    const code = `import { lockFolder } from ${JSON.stringify(url)}; lockFolder("x", ${JSON.stringify(path())}, () => {}); process.exit(3);`;
    const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
    expect(existsSync(path())).toBe(false);
  });
});
