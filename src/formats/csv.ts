/** Tables of text (RFC 4180), as Papa Parse reads them, with errors that name the row. */
import Papa from "papaparse";

export interface CsvOptions {
  /** What stands between cells (default: a comma). */
  readonly delimiter?: string;
  /** Whether a cell may stand in quotes (default true). */
  readonly quotes?: boolean;
}

/** Cells line by line, but for empty lines; line ends of any system, within cells "\n". @throws Error that names the row where quotes stand wrongly */
export function parseCsv(text: string, { delimiter = ",", quotes = true }: CsvOptions = {}): string[][] {
  const { data, errors } = Papa.parse(text.replace(/\r\n?/g, "\n"), {
    delimiter,
    skipEmptyLines: true,
    ...(!quotes && { fastMode: true }),
  });
  const wrong = errors.find((error) => error.type === "Quotes");
  if (!wrong) return data;
  throw new Error(
    wrong.code === "MissingQuotes"
      ? `the quote that row ${wrong.row + 1} opens is never closed`
      : `row ${wrong.row + 1} goes on after a closing quote`,
  );
}

/**
 * The same of a table by hand, in which a cell may begin with a quote that means nothing: then each line is a row, and one whose quotes
 * stand wrongly is cut at each delimiter.
 */
export function parseLooseCsv(text: string, delimiter = ","): string[][] {
  const parsed = (part: string): string[][] | undefined => {
    try {
      return parseCsv(part, { delimiter });
    } catch {
      return undefined;
    }
  };
  return parsed(text) ?? text.split(/\r\n?|\n/).flatMap((line) => parsed(line) ?? parseCsv(line, { delimiter, quotes: false }));
}
