/** Caltech-UCSD Birds 200-2011 (Wah et al. 2011) with the captions of Reed et al. 2016. */
import { resolve } from "node:path";
import type { LayoutDefinition } from "./layout.js";

/** The 50 held-out classes of the usual split (Akata et al. 2015), by the number that a class's folder name begins with. */
const TEST_CLASSES = new Set([
  1, 4, 6, 8, 9, 14, 23, 29, 31, 33, 34, 35, 36, 37, 38, 43, 49, 51, 53, 66, 72, 79, 83, 84, 86, 91, 95, 96, 98, 101, 102, 103, 112, 114,
  119, 121, 130, 135, 138, 147, 156, 163, 165, 166, 180, 183, 185, 186, 187, 197,
]);

/** Where a person finds the parts; both are too large, or too often refused to programs, to be fetched unasked. */
export const birds: LayoutDefinition = {
  name: "birds",
  defaultTestClasses: (classes) => classes.filter((className) => TEST_CLASSES.has(Number.parseInt(className, 10))),
  defaultSplitNote: "the usual split, 150 classes for training and 50 for testing",
  wayOut: (dataDir) =>
    [
      `Put into ${resolve(dataDir)} (archives or unpacked):`,
      "  CUB_200_2011.tgz        the images, 1.1 GB, from https://data.caltech.edu/records/65de6-vp158",
      "  cvpr2016_cub.tar.gz     the captions, from https://drive.google.com/file/d/0B0ywwgffWnLLZW9uVHNjb2JmNlE/view",
      "or name another folder with --data-dir. `--dataset petals` needs nothing.",
    ].join("\n"),
};
