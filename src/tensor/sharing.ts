/**
 * Work in pieces of which none needs another's result. Whoever is alone does them in order; several ranks do some each, and all get all
 * (src/train/run/shared-work.ts). A piece is a run of a program of fixed batch, or several: its bits do not depend on who does it.
 */

/** What a piece comes to: numbers or bytes, of any length. */
export type Piece = Uint8Array | Float32Array | Float64Array;

/**
 * Does the pieces 0 ... count − 1.
 * @param what For people: "images drawn".
 * @param ahead So many pieces may be begun before the first of them is done (default 1).
 * @returns their results, in order
 */
export type Sharing = <Result extends Piece>(
  what: string,
  count: number,
  piece: (i: number) => Promise<Result> | Result,
  ahead?: number,
) => Promise<Result[]>;

/** All by oneself. */
export const alone: Sharing = (_what, count, piece, ahead) =>
  inOrder(
    Array.from({ length: count }, (_, i) => i),
    piece,
    ahead,
  );

/** Does the pieces of these numbers one after the other. @param ahead As of Sharing. */
export async function inOrder<Result>(
  numbers: readonly number[],
  piece: (i: number) => Promise<Result> | Result,
  ahead = 1,
): Promise<Result[]> {
  const begun: Promise<Result>[] = [];
  try {
    for (const [at, i] of numbers.entries()) {
      const promise = Promise.resolve(piece(i));
      // Awaited later: should it fail meanwhile, nobody is told until then.
      promise.catch(() => undefined);
      begun.push(promise);
      if (at + 1 >= ahead) await begun[at + 1 - ahead];
    }
    return await Promise.all(begun);
  } catch (error) {
    // Nothing of it goes on behind the back of who is told of the failure.
    await Promise.allSettled(begun);
    throw error;
  }
}
