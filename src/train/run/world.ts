/**
 * The ranks that work on one thing together: processes of the same program, one a device, on one machine or several. The core knows only
 * this interface; Node has an implementation on MPI (src/node/distributed), and whoever is alone is a world of one.
 *
 * All ranks call the same operations in the same order. Operations of one rank run one after the other, in the order of the calls.
 */

/** One rank's view of the world. */
export interface World {
  /** Which one this is: 0, 1, ... Rank 0 alone writes and prints. */
  readonly rank: number;
  /** Which one of those on its own machine. */
  readonly localRank: number;
  /** How many there are. */
  readonly size: number;
  /**
   * Sums over all ranks, in place. All ranks get the same bits.
   * @param what For people, where the others do not come: "step 12, the generator's gradients".
   */
  sum(values: Float32Array, what: string): Promise<void>;
  /** Rank 0's bytes, on every rank; what the others give is not looked at. */
  broadcast(bytes: Uint8Array, what: string, patience?: Patience): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes of all ranks, in their order, on every rank. Lengths may differ. */
  gather(bytes: Uint8Array, what: string, patience?: Patience): Promise<Uint8Array<ArrayBuffer>[]>;
  /** Comes back when all ranks have called it. */
  barrier(what: string, patience?: Patience): Promise<void>;
  /** Ends all ranks at once, this one with `code`. */
  abort(code: number): never;
}

/** How long the others are waited for: "endless" where one of them may work for long, as at the start. */
export type Patience = "limited" | "endless";

/** A world of one: nothing is waited for, nothing loaded. */
export const ALONE: World = {
  rank: 0,
  localRank: 0,
  size: 1,
  sum: () => Promise.resolve(),
  broadcast: (bytes) => Promise.resolve(Uint8Array.from(bytes)),
  gather: (bytes) => Promise.resolve([Uint8Array.from(bytes)]),
  barrier: () => Promise.resolve(),
  abort: (code) => {
    throw new Error(`the work was given up (${code})`);
  },
};

/** The numbers from `begin` to before `end` that are this rank's of 0 ... count − 1: even parts in the order of the ranks. */
export function shareOf({ rank, size }: Pick<World, "rank" | "size">, count: number): { readonly begin: number; readonly end: number } {
  const at = (r: number): number => Math.floor((r * count) / size);
  return { begin: at(rank), end: at(rank + 1) };
}
