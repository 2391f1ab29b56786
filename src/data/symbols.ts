/** What a text encoder reads: a caption as a row of symbols, which are characters (alphabet.ts) or words (vocabulary.ts). */
import { Alphabet, type AlphabetJson } from "./alphabet.js";
import { Vocabulary, type VocabularyJson } from "./vocabulary.js";

/** Maps the symbols of a text to 1 ... size; 0 is "no symbol", which an unknown one becomes as well. */
export interface Symbols {
  readonly size: number;
  /** What they are, such as "characters". */
  readonly unit: string;
  /** Columns that a text takes, unknown symbols counted, at most `most`. */
  lengthOf(text: string, most: number): number;
  /** Writes a text's indices at out[offset ... offset + length), zeros after its end. @returns lengthOf(text, length). */
  encodeInto(text: string, out: Uint32Array, offset: number, length: number): number;
  /** What the text has that is unknown, each once, in order. */
  unknownIn(text: string): string[];
  /** Stored with an encoder's weights, so that the two never part. */
  toJSON(): AlphabetJson | VocabularyJson;
}

/** The reverse of toJSON. @throws TypeError where the value is not what toJSON wrote. */
export function symbolsFromJson(json: unknown): Symbols {
  return (json as { kind?: unknown } | null)?.kind === "words" ? Vocabulary.fromJSON(json) : Alphabet.fromJSON(json);
}
