/** The contact sheet: what it shows, and that names and captions of strangers do nothing but stand there. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, expect, it } from "vitest";
import { sheetImages } from "../../../src/data/contact-sheet.js";
import { PackedDataset } from "../../../src/data/packed.js";
import { writeContactSheet } from "../../../src/node/datasets/contact-sheet.js";
import { tinyPrepared } from "../../data/tiny-dataset.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-sheet-"));
afterAll(() => rmSync(folder, { recursive: true }));

const HOSTILE = [
  "</li></ul><script>alert(1)</script>",
  '" onmouseover="alert(2)',
  "' style='background:url(https://example.org/x)",
  "<img src=x onerror=alert(3)>",
  "<!-- gone",
  "&lt;b&gt; is no entity",
  "</title></style><svg onload=alert(4)>",
];

function page(dataset: PackedDataset): string {
  return readFileSync(writeContactSheet(dataset, folder, "sheet"), "utf8");
}

/** Tags of a page, with their attributes' names. */
const tagsOf = (html: string): [name: string, attributes: string[]][] =>
  [...html.matchAll(/<\/?([a-z!][a-z0-9-]*)((?:[^>"]|"[^"]*")*)>/gi)].map(([, name, rest]) => [
    name!.toLowerCase(),
    [...rest!.matchAll(/([a-z-]+)\s*=\s*"/gi)].map((match) => match[1]!.toLowerCase()),
  ]);

const plain = (html: string): string =>
  html
    .replace(/<style>[^]*?<\/style>/, "")
    .replace(/<(?:[^>"]|"[^"]*")*>/g, "\n")
    .replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ({ lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" })[name]!);

it("escapes names, captions, classes, notes and files, in every place", () => {
  const prepared = tinyPrepared({ captionsOf: (i) => [HOSTILE[i % HOSTILE.length]!] });
  const [first = ""] = HOSTILE;
  const html = page(
    new PackedDataset({
      ...prepared,
      name: first,
      classes: prepared.classes.map((_, i) => HOSTILE[i]!),
      images: prepared.images.map((image, i) => ({ ...image, name: HOSTILE[(i + 2) % HOSTILE.length]! })),
      report: { ...prepared.report, notes: [HOSTILE[1]!], skipped: HOSTILE.map((file) => ({ file, reason: HOSTILE[3]! })) },
    }),
  );
  const harmless =
    /^(?:!doctype|html|meta|title|style|h1|h2|p|table|caption|tr|th|td|ul|li|div|figure|span|figcaption|b|small|details|summary)$/;
  for (const [name, attributes] of tagsOf(html)) {
    expect(name).toMatch(harmless);
    for (const attribute of attributes)
      expect(attribute).toMatch(/^(?:lang|charset|name|content|http-equiv|dir|class|role|aria-label|style|scope)$/);
  }
  // Each stands there to be read.
  const text = plain(html);
  for (const one of HOSTILE) expect(text).toContain(one);
  expect(html).toContain("default-src 'none'");
});

it("shows counts, the split, the commonest words, every language, and what was left out", () => {
  const prepared = tinyPrepared({ captionsOf: (i) => ["a red rose", `گل زرد ${i}`] });
  const skipped = Array.from({ length: 12 }, (_, i) => ({ file: `x/${i}.gif`, reason: "no captions" }));
  const html = page(new PackedDataset({ ...prepared, report: { ...prepared.report, skipped } }));
  const text = plain(html).replace(/\s+/g, " ");
  expect(text).toContain("15 images of 4x4, 30 captions, 5 classes");
  expect(text).toContain("90 words, 3.0 a caption");
  expect(text).toMatch(/training classes 4 classes 12 images unseen classes 1 classes 3 images/);
  expect(text).toMatch(/The commonest words a 15 red 15 rose 15 زرد 15 گل 15 0 1/);
  expect(text).toContain("12 files were left out");
  expect(text).toContain("12 files: no captions, such as x/0.gif, x/1.gif, x/2.gif");
  expect(html).toContain('<li dir="auto">گل زرد 7</li>');
});

it("draws 8x8 images evenly over the set, or all of a small one", () => {
  const dataset = new PackedDataset(tinyPrepared());
  page(dataset);
  const { width, height, data } = PNG.sync.read(readFileSync(join(folder, "sheet.png")));
  expect([width, height]).toEqual([8 * 6 + 2, 2 * 6 + 2]);
  // The second row's first image is the ninth, whose pixels begin with its number.
  const at = 4 * ((2 + 6) * width + 2);
  expect(Math.abs(data[at]! - dataset.pixels(8)[0]!)).toBeLessThanOrEqual(1);
  expect(sheetImages({ images: 82_783 }).length).toBe(64);
  expect(sheetImages({ images: 640 }).slice(0, 3)).toEqual([5, 15, 25]);
  expect(new Set(sheetImages({ images: 65 })).size).toBe(64);
});
