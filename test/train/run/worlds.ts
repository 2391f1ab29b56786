/** Several ranks in one process, for tests of what they do with one another. */
import { ALONE, type World } from "../../../src/train/run/world.js";

/** Worlds of one process, which hand one another their bytes. */
export function worlds(size: number): World[] {
  const rounds: Uint8Array[][] = [];
  return Array.from({ length: size }, (_, rank) => {
    let round = 0;
    const exchange = async (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>[]> => {
      const all = (rounds[round++] ??= []);
      all[rank] = bytes.slice();
      while (all.filter(Boolean).length < size) await new Promise(setImmediate);
      return all.map((each) => Uint8Array.from(each));
    };
    return {
      ...{ rank, localRank: rank, size },
      sum: () => Promise.reject(new Error("no sums here")),
      broadcast: async (bytes) => (await exchange(bytes))[0]!,
      gather: exchange,
      barrier: async () => void (await exchange(Uint8Array.of(1))),
      abort: ALONE.abort,
    };
  });
}
