/** The vocabulary of a word-level text encoder: which words it knows and how a caption becomes a row of indices. */
import { normalise } from "./alphabet.js";

/** What toJSON writes and fromJSON reads. */
export interface VocabularyJson {
  readonly kind: "words";
  /** The words of indices 1, 2, ... in order. */
  readonly words: readonly string[];
  /** Absent where words stand alone. */
  readonly ngrams?: number;
}

/** Letters, marks and digits of any script; apostrophes and the zero-width non-joiner, which stand inside words. */
const WORD = /[\p{L}\p{M}\p{N}]+(?:['’\u200c][\p{L}\p{M}\p{N}]+)*/gu;

/** Longer runs than this occur once. */
const MAX_NGRAMS = 16;

/** The words of a text, in Unicode NFC and lower case. */
export const wordsOf = (text: string): readonly string[] => normalise(text).match(WORD) ?? [];

/** Runs of 1, 2, ... `most` neighbouring words: all words, then all pairs, and so on. */
const ngramsOf = (words: readonly string[], most: number): readonly string[] =>
  Array.from({ length: most }, (_, n) => words.slice(n).map((_, i) => words.slice(i, i + n + 1).join(" "))).flat();

/**
 * Maps words to 1 ... size; 0 is "no word", and every word that is not known. A bag of words may count runs of neighbouring words as words of
 * their own: of "white petals around a red eye" words alone do not tell what is white.
 */
export class Vocabulary {
  /** Number of words; indices run from 0 (no word) to size. */
  readonly size: number;
  readonly #index: ReadonlyMap<string, number>;
  readonly #words: readonly string[];

  private constructor(
    words: readonly string[],
    /** Longest run of words that counts as one. */
    readonly ngrams: number,
  ) {
    this.#words = words;
    this.size = words.length;
    this.#index = new Map(words.map((word, i) => [word, i + 1]));
  }

  /**
   * The words that captions use, in code-unit order.
   * @param minimumCount words that occur less often are left out, and so become unknown.
   * @param ngrams Longest run of words that counts as one.
   * @throws RangeError where no word occurs so often.
   */
  static fromCaptions(captions: Iterable<string>, minimumCount = 5, ngrams = 1): Vocabulary {
    const counts = new Map<string, number>();
    for (const caption of captions) {
      for (const word of ngramsOf(wordsOf(caption), ngrams)) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
      }
    }
    const words = [...counts].filter(([, count]) => count >= minimumCount).map(([word]) => word);
    if (words.length === 0) {
      throw new RangeError(`no word occurs ${minimumCount} times in the captions`);
    }
    return new Vocabulary(
      words.sort((a, b) => (a < b ? -1 : 1)),
      ngrams,
    );
  }

  /** The index of one (normalised) word, or 0 where the vocabulary does not know it. */
  indexOf(word: string): number {
    return this.#index.get(word) ?? 0;
  }

  get unit(): string {
    return this.ngrams === 1 ? "words" : `words and runs of up to ${this.ngrams} words`;
  }

  lengthOf(text: string, most: number): number {
    return Math.min(most, this.#symbolsOf(text).length);
  }

  encodeInto(text: string, out: Uint32Array, offset: number, length: number): number {
    const words = this.#symbolsOf(text).slice(0, length);
    words.forEach((word, column) => (out[offset + column] = this.indexOf(word)));
    out.fill(0, offset + words.length, offset + length);
    return words.length;
  }

  unknownIn(text: string): string[] {
    return [...new Set(wordsOf(text))].filter((word) => this.indexOf(word) === 0);
  }

  toJSON(): VocabularyJson {
    return { kind: "words", words: [...this.#words], ...(this.ngrams > 1 && { ngrams: this.ngrams }) };
  }

  /** @throws TypeError where the value is not what toJSON wrote. */
  static fromJSON(json: unknown): Vocabulary {
    const { kind, words, ngrams = 1 } = (json ?? {}) as Partial<VocabularyJson>;
    const listed = Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === "string");
    if (kind !== "words" || !listed || !(Number.isInteger(ngrams) && ngrams >= 1 && ngrams <= MAX_NGRAMS)) {
      throw new TypeError('not a vocabulary: expected {"kind": "words", "words": [...]}');
    }
    return new Vocabulary(words, ngrams);
  }

  #symbolsOf(text: string): readonly string[] {
    return ngramsOf(wordsOf(text), this.ngrams);
  }
}
