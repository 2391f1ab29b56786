/** The characters that captions are read by: the original 70, or those of a data set; their columns, and their JSON. */
import { describe, expect, it } from "vitest";
import { Alphabet, CAPTION_LENGTH, encodedLength, ORIGINAL_SYMBOLS } from "../../src/data/alphabet.js";

describe("the original alphabet", () => {
  const alphabet = Alphabet.original();

  it("has 70 channels; `-` is 60, space 70, a 1, 37 unused", () => {
    expect(ORIGINAL_SYMBOLS).toHaveLength(70);
    expect(alphabet.size).toBe(70);
    expect([..."az09-, "].map((symbol) => alphabet.indexOf(symbol))).toEqual([1, 26, 27, 36, 60, 38, 70]);
    expect([...ORIGINAL_SYMBOLS].map((symbol) => alphabet.indexOf(symbol))).not.toContain(37);
  });

  it("lower-cases, makes unknown characters 0 and goes on after them", () => {
    expect([...alphabet.encode("Aé\tb", 6)]).toEqual([1, 0, 0, 2, 0, 0]);
  });

  it("pads with zeros to 201 columns and cuts what is longer", () => {
    const short = alphabet.encode("ab");
    expect(short).toHaveLength(CAPTION_LENGTH);
    expect([...short.subarray(0, 3)]).toEqual([1, 2, 0]);
    expect(alphabet.encode("b".repeat(500))).toEqual(new Uint32Array(201).fill(2));
  });

  it("clears what stood in the row before", () => {
    const row = new Uint32Array(8).fill(9);
    expect(alphabet.encodeInto("ab", row, 1, 6)).toBe(2);
    expect([...row]).toEqual([9, 1, 2, 0, 0, 0, 0, 9]);
  });
});

describe("an alphabet made of captions", () => {
  it("knows characters in NFC that are not rare, in code-point order, and always the space", () => {
    // "e" and a combining acute are one character.
    const alphabet = Alphabet.fromCaptions(["Cafe\u0301", "caf\u00e9", "bbcc", "z"], 2);
    expect(alphabet.toJSON().symbols).toEqual([" ", "a", "b", "c", "f", "é"]);
    expect([...alphabet.encode("E\u0301z c", 5)]).toEqual([6, 0, 1, 4, 0]);
  });

  it("counts a character outside the basic plane as one", () => {
    const alphabet = Alphabet.fromCaptions(["🌸🌸"], 1);
    expect([...alphabet.encode("🌸 🌸", 4)]).toEqual([2, 1, 2, 0]);
    expect(encodedLength("🌸 🌸")).toBe(3);
  });

  it("is chosen where the original one does not know the language", () => {
    expect(Alphabet.suiting(["گل زرد", "گل سرخ"]).kind).toBe("captions");
    expect(Alphabet.suiting(["a yellow flower with a dark centre, and one more of them ".repeat(20) + "’"]).kind).toBe("original");
  });
});

describe("JSON", () => {
  it("gives back the same encoding", () => {
    for (const alphabet of [Alphabet.original(), Alphabet.fromCaptions(["گل زرد گل زرد"], 1)]) {
      const back = Alphabet.fromJSON(JSON.parse(JSON.stringify(alphabet)));
      expect(back.kind).toBe(alphabet.kind);
      expect(back.encode("گل زرد - a 9")).toEqual(alphabet.encode("گل زرد - a 9"));
    }
  });

  it.each([null, {}, { kind: "original", symbols: [] }, { kind: "other", symbols: ["a"] }, { kind: "captions", symbols: ["ab"] }])(
    "refuses %j",
    (json) => {
      expect(() => Alphabet.fromJSON(json)).toThrow(/not an alphabet/);
    },
  );
});
