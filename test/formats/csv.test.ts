/** Tables of text, against a program that many use (csv-parse). */
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsv } from "../../src/formats/csv.js";

const theirs = (text: string, options: object = {}): string[][] =>
  parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true, ...options });

/** Texts of what matters: cells, quotes, line ends. Each text has line ends of one kind, as csv-parse goes by the first. */
const table = (alphabet: string, ends: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...ends), fc.array(fc.constantFrom(...alphabet, "\n"), { maxLength: 24 }))
    .map(([end, signs]) => signs.map((sign) => (sign === "\n" ? end : sign)).join(""));

describe("tables of text", () => {
  it("have the cells that csv-parse finds, quoted or not", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", "é", " ", '"', ",", "\n", "\r\n"), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }),
        fc.constantFrom("\n", "\r\n"),
        (rows, end) => {
          const text = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(",")).join(end);
          expect(parseCsv(text)).toEqual(rows);
        },
      ),
    );
  });

  it("are refused where csv-parse refuses them, or read as it reads them", () => {
    fc.assert(
      fc.property(table('ab,,""', ["\n", "\r\n", "\r"]), (text) => {
        let expected: string[][] | undefined;
        try {
          expected = theirs(text);
        } catch {
          expect(() => parseCsv(text)).toThrow(/^(?:row|the quote that row) \d+ /);
          return;
        }
        expect(parseCsv(text)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it("may have other signs between cells, and quotes as characters", () => {
    for (const delimiter of ["\t", "|"])
      fc.assert(
        fc.property(table(`ab"${delimiter}`, ["\n", "\r\n"]), (text) => {
          expect(parseCsv(text, { delimiter, quotes: false })).toEqual(theirs(text, { delimiter, quote: false }));
        }),
      );
  });

  it("may have quotes in cells that begin without one", () => {
    expect(parseCsv('1.jpg,a 5" rose\n2.jpg,"a ""red"" one, or two"\n3.jpg,"big" petals\n', { relaxed: true })).toEqual([
      ["1.jpg", 'a 5" rose'],
      ["2.jpg", 'a "red" one, or two'],
      ["3.jpg", '"big" petals'],
    ]);
  });

  it("begin after the mark of Unicode", () => expect(parseCsv("\uFEFFa,b\n")).toEqual([["a", "b"]]));
});
