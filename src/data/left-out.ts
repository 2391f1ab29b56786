/** What a data set lacks, told so that thousands of files take a line: by kind, with a count and some names. */
import type { Skipped } from "./dataset.js";

/** Files of a kind that are named one by one; of more, so many are examples. */
const FEW = 3;

/** Lines for a person; `most` of them, the rest counted. */
export function leftOut(skipped: readonly Skipped[], most: number): string[] {
  const kinds = new Map<string, Skipped[]>();
  for (const one of skipped) {
    const kind = one.reason.replace(/ \([^()]*\)$/, "").replace(/\d+/g, "N");
    const alike = kinds.get(kind);
    if (alike) alike.push(one);
    else kinds.set(kind, [one]);
  }
  const lines = [...kinds.values()].flatMap((files) =>
    files.length <= FEW
      ? files.map(({ file, reason }) => ({ count: 1, text: `${file}: ${reason}` }))
      : [{ count: files.length, text: `${files.length} files: ${files[0]!.reason}, such as ${names(files)}` }],
  );
  const shown = lines.slice(0, most).map(({ text }) => text);
  const more = lines.slice(most).reduce((sum, { count }) => sum + count, 0);
  return more > 0 ? [...shown, `and ${more} more (--skipped lists all)`] : shown;
}

const names = (files: readonly Skipped[]): string =>
  files
    .slice(0, FEW)
    .map(({ file }) => file)
    .join(", ");
