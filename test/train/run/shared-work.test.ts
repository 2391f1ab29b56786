/** Pieces of work that ranks share: who does which, and what all get. */
import { describe, expect, it } from "vitest";
import type { Lowering } from "../../../kernels/kernel.js";
import type { Device } from "../../../src/gpu/device.js";
import type { Tunable } from "../../../src/gpu/tunable.js";
import { Tuner } from "../../../src/gpu/tuner.js";
import type { Piece } from "../../../src/tensor/sharing.js";
import { firstOfEachMachine, shareStore } from "../../../src/train/run/ranks.js";
import { madeByFirst, sharedBy } from "../../../src/train/run/shared-work.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import { installKnown, tuningIn } from "../../../src/train/run/tuning.js";
import { ALONE } from "../../../src/train/run/world.js";
import { worlds } from "./worlds.js";

describe("shared work", () => {
  it("is done once each, and all get all, in order, whatever the ranks and the pieces", async () => {
    for (const size of [1, 2, 3]) {
      for (const count of [0, 1, 2, 5]) {
        const done: number[] = [];
        const make: ((i: number) => Piece)[] = [
          (i) => Float32Array.from({ length: i }, (_, j) => Math.fround(i + j / 3)),
          (i) => Float64Array.of(i / 3, NaN, -0),
          (i) => new Uint8Array(7 - i).fill(i),
        ];
        for (const piece of make) {
          const results = await Promise.all(
            worlds(size).map((world) => sharedBy(world)("things", count, async (i) => (done.push(i), piece(i)), 2)),
          );
          for (const result of results) expect(result).toEqual(Array.from({ length: count }, (_, i) => piece(i)));
        }
        expect(done.sort()).toEqual(Array.from({ length: 3 * count }, (_, i) => Math.floor(i / 3)));
      }
    }
  });

  it("begins no more at once than is said, and ends when what is begun has ended", async () => {
    let [under, most] = [0, 0];
    const piece = async (i: number) => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve, 5));
      under--;
      if (i === 3) throw new Error("the fourth");
      return Float32Array.of(i);
    };
    await expect(sharedBy(ALONE)("things", 8, piece, 3)).rejects.toThrow("the fourth");
    expect(most).toBe(3);
    expect(under).toBe(0);
  });

  it("goes by what rank 0 has kept, and rank 0 alone writes", async () => {
    const stores = [new MemoryStore(), new MemoryStore()];
    await stores[0]!.write("a", "of the first");
    await stores[1]!.write("a", "of the second");
    await stores[1]!.write("b", "of the second");
    const damaged = new MemoryStore("damaged");
    damaged.read = () => Promise.reject(new Error("cannot be read"));
    const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
    const order: number[] = [];
    const seen = await Promise.all(
      worlds(2).map(async (world, rank) => {
        const store = shareStore(world, stores[rank]!);
        const found = [await store.read("a"), await store.read("b")].map(text);
        await store.write("c", `of ${rank}`);
        const made = await madeByFirst(world, "made", () => Uint8Array.of(9 + rank));
        await firstOfEachMachine(world, "data", async () => {
          await new Promise((resolve) => setTimeout(resolve, 10 * (2 - rank)));
          order.push(rank);
        });
        await expect(shareStore(world, damaged).read("a")).rejects.toThrow("cannot be read");
        return { found, made: [...made] };
      }),
    );
    expect(seen).toEqual([0, 1].map(() => ({ found: ["of the first", undefined], made: [9] })));
    expect([text(await stores[0]!.read("c")), await stores[1]!.read("c")]).toEqual(["of 0", undefined]);
    expect(order).toEqual([0, 1]);
  });

  it("draws by the kernels that rank 0's cache knows, and races none", async () => {
    const candidates = ["the rule's", "the winner"];
    const tunable = (problem: string): Tunable => ({
      tuning: { problem, work: 1, candidates },
      lower: (code) => ({ launches: [{ kernel: { name: code, code, workgroups: [1, 1, 1] }, slots: [] }], scratch: [] }),
      inputs: [],
      outputs: [],
    });
    const times = (entrants: readonly Lowering[]) => entrants.map(({ launches }) => (launches[0]!.kernel.code === "the winner" ? 1 : 9));
    const hardware = { adapter: "a GPU", now: () => 0, race: (entrants: readonly Lowering[]) => Promise.resolve(times(entrants)) };
    const stores = [new MemoryStore(), new MemoryStore()];
    await new Tuner(hardware, { mode: "cached", cache: tuningIn(stores[0]!) }).choose([tunable("known")]);
    await new Tuner(hardware, { mode: "cached", cache: tuningIn(stores[1]!) }).choose([tunable("unknown")]);
    const chosen = await Promise.all(
      worlds(2).map(async (world, rank) => {
        const device = { ...hardware, tuner: undefined } as unknown as Device;
        await installKnown(device, "cached", () => undefined, stores[rank]!, world);
        // Each asks for what its own work needs.
        return Object.fromEntries(await device.tuner!.choose(rank === 0 ? [tunable("unknown")] : [tunable("unknown"), tunable("known")]));
      }),
    );
    expect(chosen).toEqual([{ unknown: "the rule's" }, { unknown: "the rule's", known: "the winner" }]);
  });
});
