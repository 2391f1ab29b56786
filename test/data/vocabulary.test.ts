/** Words and pairs of words that captions are read by. */
import { describe, expect, it } from "vitest";
import { Alphabet } from "../../src/data/alphabet.js";
import { symbolsFromJson } from "../../src/data/symbols.js";
import { Vocabulary, wordsOf } from "../../src/data/vocabulary.js";

const encode = (vocabulary: Vocabulary, text: string, length: number): number[] => {
  const out = new Uint32Array(length + 1).fill(9);
  const columns = vocabulary.encodeInto(text, out, 1, length);
  expect(columns).toBe(vocabulary.lengthOf(text, length));
  expect(out[0]).toBe(9);
  return [...out.subarray(1)];
};

describe("words", () => {
  it("are letters, marks and digits of any script, in lower case, apostrophes inside", () => {
    expect(wordsOf("The flower's petals, 5-6 of them: Pink!")).toEqual(["the", "flower's", "petals", "5", "6", "of", "them", "pink"]);
    expect(wordsOf("گل‌های زرد، با پرچم")).toEqual(["گل‌های", "زرد", "با", "پرچم"]);
    expect(wordsOf("cafe\u0301 — CAF\u00c9")).toEqual(["café", "café"]);
    expect(wordsOf("' - !")).toEqual([]);
  });
});

describe("a vocabulary", () => {
  const vocabulary = Vocabulary.fromCaptions(["red petals", "Red, green", "red petals; blue", "blue"], 2);

  it("knows the words that are not rare, and gives each its index", () => {
    expect(vocabulary.toJSON().words).toEqual(["blue", "petals", "red"]);
    expect(encode(vocabulary, "Green petals and red petals", 6)).toEqual([0, 2, 0, 3, 2, 0]);
    expect(vocabulary.unknownIn("green red green leaf")).toEqual(["green", "leaf"]);
  });

  it("cuts what is longer than the document", () => {
    expect(encode(vocabulary, "red red blue", 2)).toEqual([3, 3]);
  });

  it("comes back from its JSON, which is told from an alphabet's", () => {
    const back = symbolsFromJson(JSON.parse(JSON.stringify(vocabulary)));
    expect(back).toBeInstanceOf(Vocabulary);
    expect(back.toJSON()).toEqual(vocabulary.toJSON());
    expect(symbolsFromJson(JSON.parse(JSON.stringify(Alphabet.original())))).toBeInstanceOf(Alphabet);
    expect(() => symbolsFromJson({ kind: "words", words: [1] })).toThrow(/not a vocabulary/);
    expect(() => symbolsFromJson(null)).toThrow(/not an alphabet/);
  });

  it("counts pairs of neighbours as words of their own where it is asked to", () => {
    const captions = ["white petals, red eye", "red petals, white eye", "white petals"];
    const pairs = Vocabulary.fromCaptions(captions, 1, 2);
    const words = ["eye", "petals", "petals red", "petals white", "red", "red eye", "red petals", "white", "white eye", "white petals"];
    expect(pairs.toJSON()).toEqual({ kind: "words", words, ngrams: 2 });
    // Four words, then their three pairs.
    const rows = captions.map((caption) => encode(pairs, caption, 7));
    expect(rows[0]).toEqual([8, 2, 5, 1, 10, 3, 6]);
    expect(rows[2]).toEqual([8, 2, 10, 0, 0, 0, 0]);
    // Words alone are the same in both of these.
    const counted = (row: number[], most: number) => row.slice(0, most).sort((a, b) => a - b);
    expect(counted(rows[0]!, 4)).toEqual(counted(rows[1]!, 4));
    expect(counted(rows[0]!, 7)).not.toEqual(counted(rows[1]!, 7));
    expect(pairs.unknownIn("white petals leaf")).toEqual(["leaf"]);
    expect(Vocabulary.fromCaptions(captions, 2, 3).toJSON().words).toEqual(["eye", "petals", "red", "white", "white petals"]);
    const back = symbolsFromJson(JSON.parse(JSON.stringify(pairs)));
    expect(encode(back as Vocabulary, captions[1]!, 7)).toEqual(rows[1]);
    expect(() => symbolsFromJson({ kind: "words", words: ["a"], ngrams: 0 })).toThrow(/not a vocabulary/);
  });

  it("must have a word", () => {
    expect(() => Vocabulary.fromCaptions(["one", "two"], 2)).toThrow("no word occurs 2 times");
  });
});
