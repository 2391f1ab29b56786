/** The real data sets, where they lie beside the project ($PETALGRAD_TEST_DATA, else ../shared/data); nothing in the project needs them. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { birds } from "../../../src/node/datasets/birds.js";
import { readCaptions } from "../../../src/data/layouts/reed/captions-source.js";
import { sourceAt } from "../../../src/node/datasets/archive.js";
import type { Dataset } from "../../../src/data/dataset.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import { findSplit } from "../../../src/data/split.js";

const data = process.env["PETALGRAD_TEST_DATA"] ?? join(import.meta.dirname, "../../../../shared/data");
const flowersDir = join(data, "flowers");
const noFlowers = !existsSync(join(flowersDir, "102flowers-64.tgz"));
const birdCaptions = join(data, "birds", "text_c10.tar.gz");
const noBirds = !existsSync(birdCaptions);
const because = (missing: boolean): string => (missing ? " (skipped: the data is not there; set PETALGRAD_TEST_DATA)" : "");

describe(`real flowers${because(noFlowers)}`, () => {
  let cacheDir = "";
  let english: Dataset;
  beforeAll(async () => {
    if (!noFlowers) {
      cacheDir = await mkdtemp(join(tmpdir(), "petalgrad-real-"));
      english = await openDataset("flowers", { dataDir: flowersDir, cacheDir });
    }
  });
  afterAll(() => rm(cacheDir, { recursive: true, force: true }));

  it.skipIf(noFlowers)("are 8,189 images of 102 classes, 7,034 to train on and 1,155 of classes 1 to 20 to test on", () => {
    expect([english.images, english.classes.length, english.report.skipped.length]).toEqual([8189, 102, 0]);
    expect([english.imagesOfSplit("train").length, english.imagesOfSplit("test").length]).toEqual([7034, 1155]);
    expect(english.split.test.map((i) => english.classes[i])).toEqual(
      Array.from({ length: 20 }, (_, i) => `class_${String(i + 1).padStart(5, "0")}`),
    );
  });

  it.skipIf(noFlowers)("have ten English captions each and the original alphabet", () => {
    expect(english.captions).toBe(81_890);
    expect(english.alphabet.kind).toBe("original");
    expect(new Set(Array.from({ length: english.images }, (_, i) => english.captionsOf(i).length))).toEqual(new Set([10]));
  });

  it.skipIf(noFlowers)("are paired with their captions: images called red are redder than images called blue", () => {
    const redness = (word: RegExp): number => {
      let sum = 0;
      let count = 0;
      for (let i = 0; i < english.images; i++) {
        if (english.captionsOf(i).filter((caption) => word.test(caption)).length >= 7) {
          const pixels = english.pixels(i);
          const centre = (32 * 64 + 32) * 3;
          sum += pixels[centre]! - pixels[centre + 2]!;
          count++;
        }
      }
      return sum / count;
    };
    expect(redness(/\bred\b/) - redness(/\b(blue|purple)\b/)).toBeGreaterThan(50);
  });

  it.skipIf(noFlowers)("have Persian captions too: nine for five images, an alphabet of their own", async () => {
    const persian = await openDataset("flowers", { dataDir: flowersDir, cacheDir, captions: "fa" });
    expect(persian.images).toBe(8189);
    const nine = Array.from({ length: persian.images }, (_, i) => persian.captionsOf(i).length).filter((count) => count === 9);
    expect([nine.length, persian.captions]).toEqual([5, 81_885]);
    expect(persian.alphabet.kind).toBe("captions");
    const unknown = Array.from({ length: 1000 }, (_, i) => persian.caption(i * 80)).reduce((sum, caption) => {
      const codes = persian.alphabet.encode(caption, [...caption.normalize("NFC")].length);
      return sum + codes.filter((code) => code === 0).length;
    }, 0);
    expect(unknown).toBeLessThan(20);
  });
});

describe(`real captions of birds${because(noBirds)}`, () => {
  it.skipIf(noBirds)("are ten for each of 11,788 images, and the default split is the one of the lists", async () => {
    const { files, skipped } = await readCaptions(sourceAt(birdCaptions));
    expect([files.length, skipped.length]).toEqual([11_788, 0]);
    expect(new Set(files.map(({ captions }) => captions.length))).toEqual(new Set([10]));
    const classes = [...new Set(files.map(({ className }) => className))].sort();
    const testclasses = await readFile(join(data, "birds", "testclasses.txt"), "utf8");
    expect(findSplit(birds, classes, {}).split).toEqual(findSplit(birds, classes, { testclasses }).split);
  });
});
