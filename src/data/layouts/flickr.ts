/** Flickr8k and Flickr30k: one file that names an image and a caption a line, as a table (captions.txt, results.csv) or as image#n (.token). */
import { parseCsv, parseLooseCsv } from "../../formats/csv.js";
import { baseName } from "../files/paths.js";
import { imageFinder, isImageName, type Layout, withoutEnding } from "./layout.js";

const NAMES = /^(?:captions\.(?:txt|csv)|results(?:_\d+)?\.(?:token|csv)|(?:.*[^.]\.)?token(?:\.txt)?|.*\.token(?:\.txt)?)$/i;
/** The same captions, their words brought to one form. */
const LEMMAS = /lemma/i;

export const flickr: Layout = {
  name: "flickr",
  lacking: "no captions.txt and no .token",
  example: ["Images/1.jpg", "captions.txt    image,caption", "                1.jpg,a red rose"],
  signs(files) {
    const images = new Set(files.filter(isImageName).map(withoutEnding));
    return files.filter((path) => NAMES.test(baseName(path)) && !LEMMAS.test(baseName(path)) && !images.has(withoutEnding(path)));
  },
  async read(contents, signs) {
    const skipped: { file: string; reason: string }[] = [];
    const find = imageFinder(contents.files);
    const captions = new Map<string, string[]>();
    for await (const { path, text } of contents.texts(signs.slice(0, 1), (one) => skipped.push(one))) {
      let line = 0;
      for (const [first = "", ...rest] of rows(text)) {
        line++;
        const name = first.replace(/#\d+$/, "").trim();
        if (!isImageName(name)) {
          if (line > 1) skipped.push({ file: `${path}:${line}`, reason: "no image named" });
          continue;
        }
        // Flickr30k's tables number the captions.
        const words = rest.length > 1 && /^\s*\d+\s*$/.test(rest[0]!) ? rest.slice(1) : rest;
        const image = find(name) ?? name;
        const list = captions.get(image);
        if (list) list.push(words.join(","));
        else captions.set(image, [words.join(",")]);
      }
    }
    const images = [...captions].map(([path, list]) => ({ path, captions: list }));
    return {
      images,
      skipped,
      notes: signs.length > 1 ? [`${signs.length - 1} other lists of captions were not read, such as ${signs[1]}`] : [],
    };
  },
};

/** Cells of each line, by whichever of tab, bar and comma the first line with an image has first. */
function rows(text: string): string[][] {
  const line = /[^\r\n]*\.(?:jpe?g|png|webp|gif)[^\r\n]*/i.exec(text)?.[0] ?? "";
  const delimiter = line.includes("\t") ? "\t" : /\.\w+\s*\|/.test(line) ? "|" : ",";
  // Quotes are a comma table's alone: elsewhere a caption may hold one.
  return delimiter === "," ? parseLooseCsv(text) : parseCsv(text, { delimiter, quotes: false });
}
