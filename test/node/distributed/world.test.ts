/** Ranks: what they sum and send, and that nobody waits for one that is gone. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { findLauncher, librariesOf } from "../../../src/node/distributed/launcher.js";
import { openWorld } from "../../../src/node/distributed/open.js";
import { halfScale, OrderedSum, toHalves } from "../../../src/node/distributed/ordered-sum.js";
import { widened } from "../../../src/formats/small-floats.js";
import { ALONE, shareOf } from "../../../src/train/run/world.js";
import { describeUnderMpi, onRanks, root } from "./ranks.js";

const PROGRAM = "test/node/distributed/world-program.ts";

describeUnderMpi("a world", (launcher) => {
  it("sums, sends and waits on three ranks", async () => {
    // In the order of the ranks the bits are those of one sum after the other, whatever the library.
    const ordered = launcher === "MPICH";
    const { code, lines, stderr } = await onRanks(launcher, 3, [PROGRAM, "operations", ...(ordered ? ["ordered"] : [])]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const ranks = [...lines].sort((a, b) => Number(a.rank) - Number(b.rank));
    expect(ranks.map(({ rank, localRank, size }) => [rank, localRank, size])).toEqual([
      [0, 0, 3],
      [1, 1, 3],
      [2, 2, 3],
    ]);
    for (const { broadcast, gathered, error, sum } of ranks) {
      expect(broadcast).toBe("rank 0");
      expect(gathered).toEqual(["rank 0", "rank 1!", "rank 2!!"]);
      expect(error).toBeLessThanOrEqual(ordered ? 0 : 1e-6);
      expect(sum).toBe(ranks[0]!.sum);
    }
    for (const { left } of ranks) expect(left).toBeGreaterThanOrEqual(Math.max(...ranks.map(({ came }) => Number(came))));
  });

  it("ends all when one rank ends in the middle, and gives up on one that never comes", async () => {
    const [failed, absent] = [await onRanks(launcher, 2, [PROGRAM, "fails"]), await onRanks(launcher, 2, [PROGRAM, "absent"])];
    expect(failed.code).not.toBe(0);
    expect(failed.seconds).toBeLessThan(30);
    expect(absent.code).not.toBe(0);
    expect(absent.seconds).toBeLessThan(30);
    expect(absent.said).toEqual(["petalgrad: rank 0 has waited 1 s for the other ranks and gives up: step 7, gradients"]);
  });
});

describe("a sum in order", () => {
  it("adds the ranks' values one after the other, in any lengths", async () => {
    // A world in one process: three sums that hand one another their bytes.
    for (const { length, wire } of [1, 2, 3, 1000].flatMap((length) => (["f32", "f16"] as const).map((wire) => ({ length, wire })))) {
      const values = [0, 1, 2].map((rank) => Float32Array.from({ length }, (_, i) => Math.fround(1 / (i + 3 * rank + 1))));
      const expected = Float32Array.from({ length }, (_, i) => Math.fround(Math.fround(values[0]![i]! + values[1]![i]!) + values[2]![i]!));
      const sent: Uint8Array[] = [];
      const own: Uint8Array[] = [];
      const come = async (list: Uint8Array[], rank: number, bytes: Uint8Array): Promise<void> => {
        list[rank] = bytes;
        while (list.filter(Boolean).length < 3) await new Promise(setImmediate);
      };
      await Promise.all(
        values.map((vector, rank) =>
          new OrderedSum(rank, 3, wire).sum(vector, {
            exchange: async (send, receive, bytes) => {
              await come(sent, rank, send);
              for (let r = 0; r < 3; r++) receive.set(sent[r]!.subarray(rank * bytes, (rank + 1) * bytes), r * bytes);
              await new Promise(setImmediate);
            },
            collect: async (send, receive, bytes) => {
              await come(own, rank, send.slice());
              for (let r = 0; r < 3; r++) receive.set(own[r]!, r * bytes);
            },
          }),
        ),
      );
      const [first, ...others] = values;
      for (const other of others) expect(other).toEqual(first);
      if (wire === "f32") expect(first).toEqual(expected);
      // Four roundings to 11 bits.
      else first!.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(2 ** -10 * expected[i]!));
    }
  });
});

describe("halves", () => {
  it("are the nearest, small ones and those that are not finite too", () => {
    const values = Float32Array.of(1, -2.5, 65504, 65519, 65520, 2 ** -14, 2 ** -24, 2 ** -25, 1.5 * 2 ** -24, 0, Infinity, -Infinity, NaN);
    const out = new Uint16Array(values.length);
    toHalves(values, 1, out);
    const back = widened(new Uint8Array(out.buffer), "F16", values.length);
    expect([...back]).toEqual([1, -2.5, 65504, 65504, Infinity, 2 ** -14, 2 ** -24, 0, 2 ** -23, 0, Infinity, -Infinity, NaN]);
    const random = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i * i) * 2 ** ((i % 20) - 12));
    const halves = new Uint16Array(random.length);
    toHalves(random, 1, halves);
    widened(new Uint8Array(halves.buffer), "F16", random.length).forEach((value, i) => {
      const apart = 2 ** Math.max(-24, Math.floor(Math.log2(Math.abs(random[i]!))) - 10);
      expect(Math.abs(value - random[i]!)).toBeLessThanOrEqual(apart / 2);
    });
  });

  it("are scaled to just below the largest", () => {
    for (const most of [1e-30, 3e-7, 1, 1000, 1e9]) {
      const scaled = most * halfScale(Float32Array.of(0, -most, most / 3, Infinity, NaN));
      expect(scaled).toBeGreaterThanOrEqual(2 ** 14);
      expect(scaled).toBeLessThan(2 ** 15);
    }
    expect(halfScale(new Float32Array(3))).toBe(1);
  });
});

describe("launchers", () => {
  it("are told by their own variables", () => {
    const found = (env: Record<string, string>) => findLauncher(env);
    expect(found({})).toBeUndefined();
    expect(found({ OMPI_COMM_WORLD_SIZE: "4", OMPI_COMM_WORLD_RANK: "2", PMIX_RANK: "2" })).toEqual({
      ...{ name: "mpirun of Open MPI", family: "Open MPI", size: 4, rank: 2 },
    });
    expect(found({ PMI_SIZE: "3", PMI_RANK: "1" })).toEqual({ name: "mpirun of MPICH", family: "MPICH", size: 3, rank: 1 });
    expect(found({ PMIX_RANK: "1", SLURM_NTASKS: "2" })).toEqual({ name: "srun --mpi=pmix", family: "Open MPI", size: 2, rank: 1 });
    // A batch script of Slurm, or one task of it, is no world.
    expect(found({ SLURM_NTASKS: "2", SLURM_PROCID: "0" })).toBeUndefined();
    expect(() => found({ SLURM_NTASKS: "2", SLURM_STEP_NUM_TASKS: "2" })).toThrow(/srun --mpi=pmix/);
    expect(librariesOf("MPICH", "linux")).toEqual(["libmpich.so.12", "libmpi.so.12"]);
  });

  it("need koffi, and say so in one line where it is missing", () => {
    const words = ["--import", "tsx", "--import", "./test/node/distributed/without-koffi.mjs", "src/cli/main.ts", "train"];
    const env = { ...process.env, OMPI_COMM_WORLD_SIZE: "2", OMPI_COMM_WORLD_RANK: "0" };
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, env, encoding: "utf8" });
    expect(stderr).toBe("petalgrad: work on several ranks needs the package koffi, which is not installed: run `npm install koffi`\n");
    expect([status, stdout]).toEqual([1, ""]);
  });

  it("of none, nothing is loaded", async () => {
    expect(findLauncher()).toBeUndefined();
    expect(await openWorld({ warn: () => undefined })).toBe(ALONE);
  });

  it("share work evenly", () => {
    const shares = [0, 1, 2].map((rank) => shareOf({ rank, size: 3 }, 10));
    expect(shares).toEqual([{ begin: 0, end: 3 }, { begin: 3, end: 6 }, { begin: 6, end: 10 }]); // prettier-ignore
  });
});
