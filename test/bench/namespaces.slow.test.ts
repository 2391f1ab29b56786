/** Two machines in one: ranks in two network namespaces train over TCP, on a wire that is as slow as it is said to be. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { missingForNamespaces, Namespaces } from "../../bench/namespaces.js";
import { programWords, resultOf } from "../../bench/ranks.js";

const missing = missingForNamespaces();
if (missing !== undefined) console.warn(`skipped: ranks in two network namespaces need ${missing}`);
const left = (): string => spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout;

describe.skipIf(missing !== undefined)("two network namespaces", () => {
  it("hold ranks that sum and train over TCP, and are gone afterwards", async () => {
    const folder = mkdtempSync(join(tmpdir(), "petalgrad-two-"));
    const two = new Namespaces();
    try {
      expect(two.closed).toBe(true);
      expect(left()).toContain(`petalgrad-${process.pid}-1`);
      const env = { LP_NUM_THREADS: "1", PETALGRAD_CACHE: join(folder, "cache") };
      const { ranks, sums } = resultOf(await two.run(programWords({ megabytes: [8], preset: "tiny", rows: [], steps: 1 }), env));
      expect(ranks).toBe(2);
      // 8 MB each way at 1 Gb/s: in shared memory, or on the machine's own loopback, it would be a tenth of that.
      expect(sums[0]!.seconds).toBeGreaterThan(0.95 * 0.064);

      const run = join(folder, "run");
      const words = ["train", "--preset", "tiny", "--steps", "4", "--text-steps", "2", "--run", run];
      const { code, out, err } = await two.run([process.execPath, "--import", "tsx", "src/cli/main.ts", ...words], env);
      expect(err).not.toContain("petalgrad: ");
      expect(code).toBe(0);
      // Rank 0 alone prints and writes.
      expect(out.split("\n").filter((line) => line.includes("draw your own"))).toHaveLength(1);
      const steps = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
      expect(steps.length).toBeGreaterThanOrEqual(4);
      expect(existsSync(join(run, "model.safetensors"))).toBe(true);
    } finally {
      two.remove();
      rmSync(folder, { recursive: true, force: true });
    }
    expect(left()).not.toContain(`petalgrad-${process.pid}`);
  });
});
