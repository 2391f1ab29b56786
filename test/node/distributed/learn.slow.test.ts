/** A GAN with batch norm on two ranks, whose statistics are of each rank's own rows: another computation than one alone, and no worse. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { describeUnderMpi, onRanks } from "./ranks.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-spread-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeUnderMpi(
  "a GAN with batch norm on two ranks",
  (launcher) => {
    it("goes as one alone: its losses of 200 steps lie within the spread of two seeds", async () => {
      const { code, lines, stderr } = await onRanks(launcher, 2, ["test/node/distributed/learn-program.ts", "spread", folder]);
      expect(code, stderr).toBe(0);
      const [first, second] = [...lines].sort((a, b) => Number(a.rank) - Number(b.rank)) as { together: number[]; alone: number[] }[];
      expect(second!.together).toEqual(first!.together);
      const apart = (values: readonly number[]): number => values.reduce((sum, value, q) => sum + Math.abs(value - first!.alone[q]!), 0);
      expect(apart(first!.together)).toBeLessThan(apart(second!.alone));
    });
  },
  ["Open MPI"],
);
