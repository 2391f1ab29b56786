/** Sentences that say nothing, or more than an encoder reads. */
import { describe, expect, it } from "vitest";
import { Alphabet } from "../../../src/data/alphabet.js";
import { Vocabulary } from "../../../src/data/vocabulary.js";
import { cutCaptionsNote, cutNote, isCut, refuseBlank } from "../../../src/train/text/sentences.js";

const letters = Alphabet.original();
const words = Vocabulary.fromCaptions(["red petals", "red petals"], 1);

describe("a sentence", () => {
  it("of blanks only is refused, whatever blanks they are", () => {
    for (const text of ["", "   ", "\t\n", "\u00a0\u3000", "\u200b\ufeff"]) {
      expect(() => refuseBlank(text, letters)).toThrow(/^the sentence ".*" is blank/);
      expect(() => refuseBlank(text, words)).toThrow("is blank");
    }
    expect(() => refuseBlank(" a ", letters)).not.toThrow();
    // Signs are symbols to an encoder of characters, and none to one of words.
    expect(() => refuseBlank("!?", letters)).not.toThrow();
    expect(() => refuseBlank("!?", words)).toThrow('the sentence "!?" holds no words');
    // Words that are not known are words.
    expect(() => refuseBlank("zebra", words)).not.toThrow();
  });

  it("longer than the encoder reads is told of, at the very symbol", () => {
    const long = "a".repeat(201);
    expect(cutNote(long, letters, 201)).toBeUndefined();
    expect(isCut(long, letters, 201)).toBe(false);
    expect(cutNote(`${long}b`, letters, 201)).toBe(
      `"${"a".repeat(60)}..." is longer than the 201 characters that the text encoder reads: it is cut there, and the rest has no effect`,
    );
    expect(cutNote("one two three", words, 3)).toBeUndefined();
    expect(cutNote("one two three", words, 2)).toContain('"one two three" is longer than the 2 words');
  });

  it("among captions is counted", () => {
    expect(cutCaptionsNote(["one two", "one"], words, 2)).toBeUndefined();
    expect(cutCaptionsNote(["one two", "one two three", "one"], words, 2)).toBe(
      "1 of 3 captions are longer than the 2 words that the encoder reads, and are cut there",
    );
  });
});
