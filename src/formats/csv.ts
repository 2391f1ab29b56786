/**
 * Tables of text (RFC 4180): cells between commas or another sign, lines between line ends of any system, quotes around cells that hold
 * either.
 */

export interface CsvOptions {
  /** What stands between cells (default: a comma). */
  readonly delimiter?: string;
  /** Whether a cell may stand in quotes (default true). */
  readonly quotes?: boolean;
  /** Whether a quote where none belongs is a character as any other, instead of an error. */
  readonly relaxed?: boolean;
}

/** Cells line by line, but for empty lines. @throws Error that names the line where quotes stand wrongly */
export function parseCsv(text: string, { delimiter = ",", quotes = true, relaxed = false }: CsvOptions = {}): string[][] {
  const rows: string[][] = [];
  const isEnd = (at: number): boolean => at >= text.length || text[at] === "\n" || text[at] === "\r" || text[at] === delimiter;
  let row: string[] = [];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  while (at < text.length) {
    const begin = at;
    let cell = "";
    let quoted = false;
    if (quotes && text[at] === '"') {
      const end = closingQuote(text, at, rows.length + 1);
      quoted = isEnd(end + 1);
      if (quoted) {
        cell = text.slice(at + 1, end).replaceAll('""', '"');
        at = end + 1;
      } else if (!relaxed) throw new Error(`row ${rows.length + 1} goes on after a closing quote`);
    }
    if (!quoted) {
      while (!isEnd(at)) at++;
      cell = text.slice(begin, at);
      if (quotes && !relaxed && cell.includes('"'))
        throw new Error(`row ${rows.length + 1} has a quote inside a cell that begins without one`);
    }
    row.push(cell);
    if (text[at] === delimiter) {
      at++;
      if (at < text.length) continue;
      row.push("");
    }
    if (row.length > 1 || row[0] !== "" || quoted) rows.push(row);
    row = [];
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
  }
  return rows;
}

/** The quote that ends the cell that one begins at; two in a row are one character. @throws Error where there is none */
function closingQuote(text: string, begin: number, row: number): number {
  for (let at = text.indexOf('"', begin + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    if (text[at + 1] !== '"') return at;
    at++;
  }
  throw new Error(`the quote that row ${row} opens is never closed`);
}
