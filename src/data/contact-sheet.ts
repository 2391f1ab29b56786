/**
 * A data set at a glance: a picture of 8x8 of its images, and a page with their captions beside them, the counts, the split, the commonest
 * words, and what was left out and why. Names and captions are strangers': the page escapes them, and forbids itself all scripts.
 */
import { imageGrid, type Picture } from "../pictures/image-grid.js";
import { centreViews, fillImages } from "./batch.js";
import { type Dataset, splitName } from "./dataset.js";
import { leftOut } from "./left-out.js";
import { wordsOf } from "./vocabulary.js";

/** Images a row, and rows. */
const SIDE = 8;
const GAP = 2;
const MOST_WORDS = 60;
/** Files that are named one by one. */
const MOST_FILES = 2000;

/** Of a large data set, evenly over its order: so that each class, each folder has its share. */
export function sheetImages({ images }: Pick<Dataset, "images">): number[] {
  const count = Math.min(SIDE ** 2, images);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * images) / count));
}

/** The images as they are seen without a crop's chance. */
export function sheetPicture(dataset: Dataset): Picture {
  const images = sheetImages(dataset);
  return imageGrid(fillImages(dataset, images, centreViews(dataset, images)), dataset.size, { columns: SIDE, gap: GAP });
}

/** @param picture The file of `sheetPicture`, as a data: address: the page is whole without another file */
export function sheetPage(dataset: Dataset, picture: string): string {
  const { name, size, report, classless } = dataset;
  const images = sheetImages(dataset);
  const step = size + GAP;
  const cells = images.map((image, i) => {
    const place = `--x:${-(GAP + (i % SIDE) * step)}px;--y:${-(GAP + Math.floor(i / SIDE) * step)}px`;
    const of = classless ? "" : `, class ${dataset.classes[dataset.classOf(image)]}`;
    const captions = dataset.captionsOf(image).map((caption) => `<li dir="auto">${escaped(caption)}</li>`);
    return `<figure><span class="image" role="img" aria-label="${escaped(dataset.imageName(image))}" style="${place}"></span><figcaption><b dir="auto">${escaped(dataset.imageName(image) + of)}</b><ul>${captions.join("")}</ul></figcaption></figure>`;
  });
  const { words, counts } = commonest(dataset);
  const common = counts.map(([word, count]) => `<li dir="auto">${escaped(word)} <small>${count}</small></li>`);
  const named = report.skipped.slice(0, MOST_FILES).map(({ file, reason }) => `<li dir="auto">${escaped(`${file}: ${reason}`)}</li>`);
  const more = report.skipped.length - named.length;
  const left = leftOut(report.skipped, report.skipped.length).map((line) => `<li dir="auto">${escaped(line)}</li>`);
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escaped(name)}</title>
<style>
:root{color-scheme:light dark;--sheet:url("${picture}")}
body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1440px;padding:0 1em}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(20em,1fr));gap:1em}
figure{display:flex;gap:.75em;margin:0;overflow-wrap:anywhere}
figure ul{margin:0;padding:0;list-style:none}
.image{flex:none;width:${size}px;height:${size}px;background:var(--sheet) var(--x) var(--y)}
.words{columns:12em;padding:0;list-style:none}
</style>
<h1 dir="auto">${escaped(name)}</h1>
<p>${dataset.images} images of ${size}x${size}, ${dataset.captions} captions${classless ? "" : `, ${dataset.classes.length} classes`}.
${words} words, ${counts.length === 0 ? "none" : `${(words / dataset.captions).toFixed(1)} a caption`}.</p>
<table><caption>The split</caption>${rowsOfSplit(dataset)}</table>
<ul>${report.notes.map((note) => `<li dir="auto">${escaped(note)}</li>`).join("")}</ul>
<h2>${images.length} of the images</h2>
<div class="sheet">
${cells.join("\n")}
</div>
<h2>The commonest words</h2>
<ul class="words">${common.join("")}</ul>
<h2>${report.skipped.length === 0 ? "Nothing was left out" : `${report.skipped.length} files were left out`}</h2>
<ul>${left.join("")}</ul>
${named.length === 0 ? "" : `<details><summary>Each of them</summary><ul>${named.join("")}${more > 0 ? `<li>and ${more} more</li>` : ""}</ul></details>`}
</html>
`;
}

function rowsOfSplit(dataset: Dataset): string {
  const rows = (["train", "test"] as const).map((split) => {
    const classes = dataset.classless ? "" : `<td>${dataset.split[split].length} classes</td>`;
    return `<tr><th scope="row">${splitName(split, dataset.classless)}</th>${classes}<td>${dataset.imagesOfSplit(split).length} images</td></tr>`;
  });
  return rows.join("");
}

/** Words of all captions, and those that occur most often. */
function commonest(dataset: Dataset): { words: number; counts: [word: string, count: number][] } {
  const counts = new Map<string, number>();
  let words = 0;
  for (let i = 0; i < dataset.captions; i++) {
    for (const word of wordsOf(dataset.caption(i))) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      words++;
    }
  }
  // Among equals by code units: the same order everywhere.
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return { words, counts: sorted.slice(0, MOST_WORDS) };
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => ENTITIES[mark]!);
