/** The alphabet of a character-level text encoder: which characters it knows and how a caption becomes a row of indices. */

/** Characters of a caption that an encoder reads; longer ones are cut (Reed et al. 2016, "Learning Deep Representations of Fine-Grained Visual Descriptions", section 5). */
export const CAPTION_LENGTH = 201;

/**
 * The 70 symbols of the original char-CNN-RNN, in channel order. `-` stands in it twice; the later place (60) counts, as in the released weights,
 * so that channel 37 is never set.
 */
export const ORIGINAL_SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{} ";

/** What toJSON writes and fromJSON reads: stored with an encoder's weights, so that the two never part. */
export interface AlphabetJson {
  readonly kind: "original" | "captions";
  /** The symbols of channels 1, 2, ... in order. */
  readonly symbols: readonly string[];
}

/**
 * Maps characters to channels 1 ... size; 0 is "no character", an all-zero column.
 * One choice where the published programs differ: text is brought to Unicode NFC and lower-cased, an unknown character becomes 0 and encoding goes on after it.
 */
export class Alphabet {
  /** Number of channels; indices run from 0 (no character) to size. */
  readonly size: number;
  readonly unit = "characters";
  readonly #channel = new Map<string, number>();
  readonly #symbols: readonly string[];

  private constructor(
    readonly kind: AlphabetJson["kind"],
    symbols: readonly string[],
  ) {
    this.#symbols = symbols;
    this.size = symbols.length;
    symbols.forEach((symbol, i) => this.#channel.set(symbol, i + 1));
  }

  /** The original alphabet of 70 channels: `-` is 60, space 70. */
  static original(): Alphabet {
    return new Alphabet("original", [...ORIGINAL_SYMBOLS]);
  }

  /**
   * An alphabet made of the characters that captions use, in code-point order; space is always in it.
   * @param minimumCount characters that occur less often are left out, and so become unknown: an encoder learns nothing of a character seen once.
   */
  static fromCaptions(captions: Iterable<string>, minimumCount = 5): Alphabet {
    const counts = countCharacters(captions);
    const symbols = [...counts].filter(([symbol, count]) => count >= minimumCount && symbol !== " ").map(([symbol]) => symbol);
    symbols.push(" ");
    symbols.sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
    return new Alphabet("captions", symbols);
  }

  /**
   * The alphabet that suits captions: the original one where it knows at least 99.5 % of their characters (English), else one made of them.
   */
  static suiting(captions: Iterable<string>): Alphabet {
    const list = [...captions];
    const original = Alphabet.original();
    let known = 0;
    let all = 0;
    for (const [symbol, count] of countCharacters(list)) {
      all += count;
      known += original.indexOf(symbol) > 0 ? count : 0;
    }
    return known >= 0.995 * all ? original : Alphabet.fromCaptions(list);
  }

  /** The channel of one (normalised) character, or 0 where the alphabet does not know it. */
  indexOf(symbol: string): number {
    return this.#channel.get(symbol) ?? 0;
  }

  /** The character of a channel; "" for 0. */
  symbol(index: number): string {
    return index === 0 ? "" : (this.#symbols[index - 1] ?? "");
  }

  /** Indices of a text's characters, zero-padded or cut to `length`. */
  encode(text: string, length = CAPTION_LENGTH): Uint32Array {
    const indices = new Uint32Array(length);
    this.encodeInto(text, indices, 0, length);
    return indices;
  }

  /**
   * Writes a text's indices at out[offset ... offset + length), zeros after its end.
   * @returns the number of columns the text takes (unknown characters counted, at most `length`).
   */
  encodeInto(text: string, out: Uint32Array, offset: number, length: number): number {
    let column = 0;
    for (const symbol of normalise(text)) {
      if (column === length) {
        break;
      }
      out[offset + column++] = this.#channel.get(symbol) ?? 0;
    }
    out.fill(0, offset + column, offset + length);
    return column;
  }

  /** Columns that a text takes, unknown characters counted, at most `most`. */
  lengthOf(text: string, most: number): number {
    return encodedLength(text, most);
  }

  /** The characters of a text that the alphabet does not know, each once. */
  unknownIn(text: string): string[] {
    return [...new Set(normalise(text))].filter((symbol) => this.indexOf(symbol) === 0);
  }

  toJSON(): AlphabetJson {
    return { kind: this.kind, symbols: [...this.#symbols] };
  }

  /** @throws TypeError where the value is not what toJSON wrote. */
  static fromJSON(json: unknown): Alphabet {
    const { kind, symbols } = (json ?? {}) as Partial<AlphabetJson>;
    const sound =
      (kind === "original" || kind === "captions") &&
      Array.isArray(symbols) &&
      symbols.length > 0 &&
      symbols.every((symbol) => typeof symbol === "string" && [...symbol].length === 1);
    if (!sound) {
      throw new TypeError('not an alphabet: expected {"kind": "original" | "captions", "symbols": [one character each]}');
    }
    return new Alphabet(kind, symbols);
  }
}

/** The form in which characters are looked up: Unicode NFC, lower case. */
export function normalise(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** Columns that a caption takes when encoded: its characters (code points), at most `length`. */
export function encodedLength(text: string, length = CAPTION_LENGTH): number {
  let columns = 0;
  for (const symbol of normalise(text)) {
    columns += symbol.length > 0 ? 1 : 0;
  }
  return Math.min(columns, length);
}

function countCharacters(captions: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const caption of captions) {
    for (const symbol of normalise(caption)) {
      counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    }
  }
  return counts;
}
