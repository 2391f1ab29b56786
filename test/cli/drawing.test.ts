/** What the commands that draw draw from. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Context } from "../../src/cli/command.js";
import { sourceOf } from "../../src/cli/drawing.js";

const PETALS = resolve("models/petals.safetensors");

describe("what is drawn from", () => {
  let folder: string;
  const told: string[] = [];
  const context = { stderr: { write: (text: string) => void told.push(text) } } as unknown as Context;

  const before = process.cwd();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "petalgrad-source-"));
    process.chdir(folder);
    told.length = 0;
  });
  afterEach(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });

  it("is a model of the box by its name, unless a file has that name", () => {
    expect(sourceOf({ model: "petals" }, context)).toBe(PETALS);
    expect(told).toEqual([]);
    writeFileSync("petals", "");
    expect(sourceOf({ model: "petals" }, context)).toBe("petals");
    // Not found, and so named as it was typed.
    expect(sourceOf({ model: "nothing" }, context)).toBe("nothing");
    expect(sourceOf({ model: "../models/petals" }, context)).toBe("../models/petals");
  });

  it("is one of a run and a model, not both", () => {
    expect(sourceOf({ run: "runs/a" }, context)).toBe("runs/a");
    expect(() => sourceOf({ run: "runs/a", model: "petals" }, context)).toThrow("give one of them");
  });
});
