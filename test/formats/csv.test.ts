/** Tables of text: what the reader hands on of quotes, line ends and odd rows. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsv, parseLooseCsv } from "../../src/formats/csv.js";

describe("tables of text", () => {
  it("give back the cells that were written, whatever stands in them", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", "é", " ", '"', ",", "\n"), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        (rows, end) => {
          const text = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(",")).join(end);
          expect(parseCsv(text)).toEqual(rows);
          expect(parseLooseCsv(text)).toEqual(rows);
        },
      ),
    );
  });

  it("may have line ends of several systems, empty lines and no last one", () =>
    expect(parseCsv("a,b\r\n\r\nc,d\re,\n,f")).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["e", ""],
      ["", "f"],
    ]));

  it("are refused by the row whose quotes stand wrongly", () => {
    expect(() => parseCsv('a,b\nc,"d\ne,f\n')).toThrow("the quote that row 2 opens is never closed");
    expect(() => parseCsv('a,b\nc,"d" e\n"f",g\n')).toThrow("row 2 goes on after a closing quote");
  });

  it("may have other signs between cells, and quotes as characters", () => {
    for (const delimiter of ["\t", "|"])
      expect(parseCsv(`a${delimiter}"b\nc${delimiter}"d" e\n`, { delimiter, quotes: false })).toEqual([
        ["a", '"b'],
        ["c", '"d" e'],
      ]);
  });

  it("by hand may have quotes that mean nothing", () => {
    expect(parseLooseCsv('1.jpg,a 5" rose\n2.jpg,"a ""red"" one, or two"\n3.jpg,"big" petals\n4.jpg,"a tulip\n')).toEqual([
      ["1.jpg", 'a 5" rose'],
      ["2.jpg", 'a "red" one, or two'],
      ["3.jpg", '"big" petals'],
      ["4.jpg", '"a tulip'],
    ]);
  });

  it("begin after the mark of Unicode", () => expect(parseCsv("\uFEFFa,b\n")).toEqual([["a", "b"]]));
});
