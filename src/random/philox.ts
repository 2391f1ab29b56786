/**
 * Counter-based random numbers on the CPU: Philox-4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * A draw is a pure function of a seed and of where it is used, so that batch t or image k can be made without making those before it.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers; JavaScript has only the low half (Math.imul). */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** One Philox-4x32-10 block: four 32-bit counter words and two key words give four random words, written into `out`. */
export function philox4x32(c0: number, c1: number, c2: number, c3: number, key0: number, key1: number, out: Uint32Array): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ key0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ key1) >>> 0;
    c3 = low0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/**
 * A stream of random numbers named by a seed and up to three 32-bit words that say what the stream is for, such as
 * (purpose, step) or (purpose, class, image). Streams of different names are independent; a stream of one name is always the same.
 */
export class RandomStream {
  readonly #block = new Uint32Array(4);
  #used = 4;
  #blocks = 0;
  readonly #key0: number;
  readonly #key1: number;
  readonly #word1: number;
  readonly #word2: number;
  readonly #word3: number;

  /** @param seed a non-negative safe integer. @throws RangeError where it is not one. */
  constructor(seed: number, word1 = 0, word2 = 0, word3 = 0) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`a seed must be an integer from 0 to 2^53 - 1, not ${seed}`);
    }
    this.#key0 = seed >>> 0;
    this.#key1 = Math.floor(seed / 0x100000000);
    this.#word1 = word1 >>> 0;
    this.#word2 = word2 >>> 0;
    this.#word3 = word3 >>> 0;
  }

  /** The next 32 random bits. */
  uint32(): number {
    if (this.#used === 4) {
      philox4x32(this.#blocks++, this.#word1, this.#word2, this.#word3, this.#key0, this.#key1, this.#block);
      this.#used = 0;
    }
    return this.#block[this.#used++]!;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.uint32() / 0x100000000;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** A uniform integer in [0, n), without the bias of a plain remainder. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x100000000) {
      throw new RangeError(`cannot draw an integer below ${n}`);
    }
    const limit = 0x100000000 - (0x100000000 % n);
    let word = this.uint32();
    while (word >= limit) {
      word = this.uint32();
    }
    return word % n;
  }

  /** One element, uniformly. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** True with probability p. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles in place the first `count` places of an array, uniformly over all its elements (partial Fisher-Yates). */
  shuffle<T>(items: T[], count = items.length): T[] {
    for (let i = 0; i < Math.min(count, items.length - 1); i++) {
      const j = i + this.below(items.length - i);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}
