/**
 * One piece of work of the benchmark of large sets, in a process of its own: its time, its processor's time, and the most memory it took, as a
 * line of JSON.
 *
 *   sharp FOLDER SIZE [full]   decodes and resizes the images of a folder by sharp alone, with or without its way of decoding JPEGs smaller
 *   prepare FOLDER SIZE CACHE  prepares it
 *   train DATASET STEPS RUN    trains on it
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { openDataset } from "../src/node/datasets/open.js";
import { train } from "../src/node/train.js";
import { withoutHooks } from "../src/train/run/events.js";

/** Images decoded at a time, as `prepare` does on two cores. */
const AT_ONCE = 4;

async function bySharp(folder: string, side: number, full: boolean): Promise<void> {
  const images = join(folder, "images");
  const names = readdirSync(images).sort();
  // All have one size.
  const { width, height } = await sharp(join(images, names[0]!)).metadata();
  const whole = { width, height };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < names.length) {
      const image = sharp(join(images, names[next++]!));
      // A part that is the whole keeps sharp from decoding the image smaller than it is.
      if (full) image.extract({ left: 0, top: 0, ...whole });
      await image.resize(side, side, { fit: "fill" }).raw().toBuffer();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

const [what, folder = "", number = "", last = ""] = process.argv.slice(2);
const start = performance.now();
const before = process.cpuUsage();
if (what === "sharp") {
  await bySharp(folder, Math.round((Number(number) * 76) / 64), last === "full");
} else if (what === "prepare") {
  await openDataset(folder, { size: Number(number), cacheDir: last });
} else {
  const given = { dataset: folder, preset: "tiny", steps: Number(number), textSteps: 50, imageSize: 64 } as const;
  await train({ given, run: last }, withoutHooks());
}
const { user, system } = process.cpuUsage(before);
const result = {
  seconds: (performance.now() - start) / 1000,
  cpu: (user + system) / 1e6,
  mebibytes: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
