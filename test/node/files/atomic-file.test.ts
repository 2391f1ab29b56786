/** Files written whole, also beside other processes that write them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { writeFileAtomic } from "../../../src/node/files/atomic-file.js";

const home = mkdtempSync(join(tmpdir(), "petalgrad-atomic-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
let folder = "";
beforeEach(() => (folder = mkdtempSync(join(home, "x-"))));

it("text, bytes and parts of bytes are written alike, in folders that are made for them", () => {
  const [one, two] = [join(folder, "new", "one"), join(folder, "new", "two")];
  writeFileAtomic(one, "petals \u{1f33c}");
  writeFileAtomic(two, [readFileSync(one).subarray(0, 3), new Uint8Array(0), readFileSync(one).subarray(3)]);
  expect(readFileSync(two, "utf8")).toBe("petals \u{1f33c}");
  writeFileAtomic(one, Uint8Array.of(1, 2));
  expect([...readFileSync(one)]).toEqual([1, 2]);
  expect(readdirSync(join(folder, "new")).sort()).toEqual(["one", "two"]);
});

it("what a killed process left is removed; what another one is writing stays", () => {
  // No process has this number: it is above the highest that Linux gives.
  writeFileSync(join(folder, "a.tmp-4194305"), "half");
  writeFileSync(join(folder, `a.tmp-${process.ppid}`), "being written");
  writeFileSync(join(folder, "b.tmp-4194305"), "another file's");
  writeFileAtomic(join(folder, "a"), "whole");
  expect(readdirSync(folder).sort()).toEqual(["a", `a.tmp-${process.ppid}`, "b.tmp-4194305"]);
  expect(readFileSync(join(folder, `a.tmp-${process.ppid}`), "utf8")).toBe("being written");
});
