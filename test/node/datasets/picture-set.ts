/** Sets of small pictures for tests: each of one level of grey, by which it is known again. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PNG } from "pngjs";
import { afterAll } from "vitest";
import type { Dataset } from "../../../src/data/dataset.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import type { OpenOptions } from "../../../src/node/datasets/options.js";

/** A picture of one level of grey. */
export function picture(level: number, width = 8, height = 8): Buffer {
  const png = new PNG({ width, height });
  for (let at = 0; at < png.data.length; at++) png.data[at] = at % 4 === 3 ? 255 : level;
  return PNG.sync.write(png);
}

/** Folders of a test file, which go when its tests are done. */
export class PictureSets {
  readonly base: string;
  #count = 0;
  folder = "";

  constructor(name: string) {
    this.base = mkdtempSync(join(tmpdir(), `petalgrad-${name}-`));
    afterAll(() => rmSync(this.base, { recursive: true, force: true }));
  }

  /** Begins another, empty one. */
  next(): void {
    this.folder = join(this.base, `set${this.#count++}`);
    mkdirSync(this.folder);
  }

  put(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  open(options: OpenOptions = {}, source = this.folder): Promise<Dataset> {
    return openDataset(source, { size: 8, cacheDir: join(this.base, "cache"), ...options });
  }
}

/** Captions by an image's level of grey: that captions stand with their own pixels. */
export const found = (dataset: Dataset): Record<number, readonly string[]> =>
  Object.fromEntries(Array.from({ length: dataset.images }, (_, i) => [dataset.pixels(i)[0]!, dataset.captionsOf(i)]));

export const levels = (dataset: Dataset, split: "train" | "test"): (number | undefined)[] =>
  dataset
    .imagesOfSplit(split)
    .map((i) => dataset.pixels(i)[0])
    .sort((a, b) => a! - b!);

export const skipped = ({ report }: Dataset): string[] => report.skipped.map(({ file, reason }) => `${file}: ${reason}`);
