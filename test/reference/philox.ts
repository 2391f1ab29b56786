/** Philox-4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011), in whole numbers of any size. */

const WORD = 1n << 32n;
const MULTIPLIERS = [0xd2511f53n, 0xcd9e8d57n] as const;
const WEYL = [0x9e3779b9n, 0xbb67ae85n] as const;

/** Ten rounds of (c0, c1, c2, c3) → (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)), the key growing between them. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const a = MULTIPLIERS[0] * c0;
    const b = MULTIPLIERS[1] * c2;
    [c0, c1, c2, c3] = [(b / WORD) ^ c1 ^ k0, b % WORD, (a / WORD) ^ c3 ^ k1, a % WORD];
    [k0, k1] = [(k0 + WEYL[0]) % WORD, (k1 + WEYL[1]) % WORD];
  }
  return [c0, c1, c2, c3].map(Number);
}
