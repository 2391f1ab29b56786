/**
 * Work that the ranks of a world share: pieces by number, results in their order on every rank, to the bit as one alone has them. All ranks
 * must ask for the same pieces in the same order; whatever decides that (a cache, a folder's state) is therefore rank 0's.
 */
import { alone, inOrder, type Piece, type Sharing } from "../../tensor/sharing.js";
import type { World } from "./world.js";

/** Rank r does the pieces r, r + size, r + 2·size ...: neighbours, which are alike, go to different ranks. */
export function sharedBy(world: World): Sharing {
  const { rank, size } = world;
  if (size === 1) return alone;
  return async <Result extends Piece>(
    what: string,
    count: number,
    piece: (i: number) => Promise<Result> | Result,
    ahead?: number,
  ): Promise<Result[]> => {
    if (count === 0) return [];
    const own = Array.from({ length: Math.ceil((count - rank) / size) }, (_, i) => rank + i * size);
    const all = (await world.gather(packed(await inOrder(own, piece, ahead)), what, "endless")).map((bytes) => unpacked<Result>(bytes));
    return Array.from({ length: count }, (_, i) => all[i % size]![Math.floor(i / size)]!);
  };
}

/** What a piece's numbers are, by their place here. */
const KINDS = [Uint8Array, Float32Array, Float64Array] as const;

/** Pieces of one kind as bytes: number, kind and lengths as doubles, before the bytes themselves. */
export function packed(pieces: readonly Piece[]): Uint8Array {
  const lengths = pieces.map(({ byteLength }) => byteLength);
  const head = Float64Array.of(pieces.length, KINDS.findIndex((kind) => pieces[0] instanceof kind), ...lengths); // prettier-ignore
  const all = new Uint8Array(head.byteLength + lengths.reduce((a, b) => a + b, 0));
  all.set(new Uint8Array(head.buffer));
  let at = head.byteLength;
  for (const { buffer, byteOffset, byteLength } of pieces) {
    all.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return all;
}

/** Bytes of `packed` as pieces, each in memory of its own. */
export function unpacked<Result extends Piece>(bytes: Uint8Array<ArrayBuffer>): Result[] {
  const [count, kind] = new Float64Array(bytes.buffer, bytes.byteOffset, 2);
  const lengths = new Float64Array(bytes.buffer, bytes.byteOffset + 16, count);
  let at = 16 + lengths.byteLength;
  return Array.from(lengths, (length) => {
    // A copy, which begins where numbers may.
    const own = bytes.slice(at, (at += length)).buffer;
    return new KINDS[kind as 0 | 1 | 2](own) as Result;
  });
}

/** What rank 0 makes, on every rank; the others do nothing. */
export async function madeByFirst(world: World, what: string, make: () => Promise<Uint8Array> | Uint8Array): Promise<Uint8Array> {
  if (world.size === 1) return make();
  return world.broadcast(world.rank === 0 ? await make() : new Uint8Array(), what, "endless");
}
