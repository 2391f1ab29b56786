/** The files of an evaluation. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluateToFiles } from "../../../src/node/evaluate/files.js";

describe("the files", () => {
  it("are refused before anything is measured", async () => {
    const hooks = { onEvent: () => undefined, signal: new AbortController().signal };
    const folder = mkdtempSync(join(tmpdir(), "petalgrad-evaluation-"));
    const run = join(folder, "run");
    const request = { runs: [run], samples: 20, seed: 1, zeroShot: false };
    const ask = (json: string) => evaluateToFiles(request, json, hooks);
    try {
      await expect(ask(join(run, "report.json"))).rejects.toThrow("holds no run");
      // A name that was mistyped makes no folder.
      expect(existsSync(run)).toBe(false);
      mkdirSync(run);
      writeFileSync(join(run, "config.json"), "{}");
      await expect(ask("report.txt")).rejects.toThrow("--json report.txt: the name must end in .json");
      await expect(ask(join(run, "config.json", "report.json"))).rejects.toThrow("config.json cannot be written to");
      await expect(ask(join(folder, "report.json"))).rejects.toThrow("config.json does not hold a run's options");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
