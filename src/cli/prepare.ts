/** `petalgrad prepare`: fetches and packs a data set ahead of training, and says what is in it and what was left out. */
import { basename, dirname } from "node:path";
import type { Dataset } from "../data/dataset.js";
import { nameOf } from "../data/embeddings/embedded-dataset.js";
import { fileProblemOr } from "../node/files/file-problem.js";
import { UserError } from "../errors.js";
import { writeFileAtomic } from "../node/files/atomic-file.js";
import { type Context, defineCommand, withDefaults } from "./command.js";
import { LAYOUT_NAMES } from "../data/layout-names.js";
import { DATA_OPTIONS } from "../train/run/options.js";
import { leftOut } from "../data/left-out.js";
import { Progress } from "./progress.js";
import { inWorld, RANK_OPTIONS, type RankContext } from "./ranks.js";
import { show } from "./training-events.js";

const OPTIONS = {
  dataset: {
    type: "text",
    placeholder: "petals|flowers|birds|coco|DIR",
    default: "petals",
    description: "which data set, or a folder or archive of captioned images",
  },
  dataDir: {
    type: "text",
    placeholder: "DIR",
    description: "folder of its archives or files",
    defaultText: "$PETALGRAD_DATA or ./data/NAME",
  },
  captions: {
    type: "text",
    placeholder: "en|fa|FILE",
    description: "which captions, where there are several",
    defaultText: "en, or the only ones",
  },
  layout: DATA_OPTIONS.layout,
  heldOut: DATA_OPTIONS.heldOut,
  captionTemplate: DATA_OPTIONS.captionTemplate,
  imageSize: { type: "integer", min: 16, max: 256, default: 64, description: "side of the packed images in pixels" },
  download: { type: "flag", default: true, description: "fetching what is missing" },
  imageList: {
    type: "text",
    placeholder: "FILE",
    description: "write the images as CLASS/IMAGE, a line each, in the data set's order: that of the rows of --image-features",
  },
  export: {
    type: "text",
    placeholder: "DIR",
    description: "write the images (PNG, as packed) and captions into a new folder, in the layout that --layout names",
  },
  sheet: {
    type: "text",
    placeholder: "DIR",
    description: "where the contact sheet goes: 64 images with their captions, counts, words and what was left out, as a page and a PNG",
    defaultText: "beside the packed file",
  },
  ...RANK_OPTIONS,
  skipped: { type: "flag", description: "list every file that was left out, not only some of each kind" },
} as const;

export const prepare = defineCommand({
  name: "prepare",
  summary: "fetch and pack a data set ahead of training, and show what is in it",
  details: "Training does this by itself when it must. The packed file is kept in the cache folder and used again.",
  options: OPTIONS,
  examples: [
    ["prepare --dataset flowers", "Oxford-102 with captions: fetch, unpack, resize once"],
    ["prepare --dataset flowers --data-dir ~/flowers --captions fa", "archives that are here already, Persian captions"],
    ["prepare --dataset ./my-photos", "a folder of your own: it says how it was read"],
    ["prepare --dataset ./my-photos --layout beside --held-out .2", "captions in a .txt beside each image, a fifth of the images held out"],
    ["prepare --export petals-set --layout imagefolder", "petals as a folder for other programs"],
  ],
  async run(given, context) {
    const values = withDefaults(OPTIONS, given);
    const { dataset, dataDir, captions, layout, heldOut, captionTemplate, imageSize, download, skipped, imageList } = values;
    const exported = values.export;
    if (exported !== undefined && layout === undefined)
      throw new UserError(`--export ${exported} needs a layout to write: --layout ${LAYOUT_NAMES.join("|")}`);
    // Loaded here, so that --help needs no image decoder.
    const { ownOptions } = await import("../node/datasets/run-data.js");
    const { openWithProgress } = await import("../node/datasets/open-with-progress.js");
    const { exportDataset, requireEmpty } = await import("../node/datasets/export/export-dataset.js");
    if (exported !== undefined) await requireEmpty(exported);
    await inWorld(values, context, async (own) => {
      const { world, print } = own;
      const signal = own.catchInterrupt("stopping; what is done of a folder or archive is kept, and the same command goes on");
      const shared = world.size > 1 ? await sharedDecoding(own) : undefined;
      if (world.rank > 0) return;
      const progress = new Progress(own.progress);
      try {
        let packed = "";
        const wanted = {
          size: imageSize,
          onPacked: (file: string) => void (packed = file),
          download,
          ...(shared && { decoding: shared }),
          ...(dataDir !== undefined && { dataDir }),
          ...(captions !== undefined && { captions }),
          // Where the data set is exported, its own layout is as it looks.
          ...ownOptions({ layout: exported === undefined ? layout : undefined, heldOut, captionTemplate }),
        };
        const opened = await openWithProgress(dataset, wanted, { onEvent: (event) => show(progress, event), signal });
        await shared?.end();
        progress.end();
        describe(opened, own, skipped === true);
        await drawSheet(opened, values.sheet, packed, own);
        if (imageList !== undefined) listImages(opened, imageList, own);
        if (exported !== undefined) {
          const { images, notes } = await exportDataset(opened, exported, layout!, {
            onProgress: (done, total) => show(progress, { kind: "work", what: `writing ${exported}`, unit: "images", done, total }),
            signal,
          });
          progress.end();
          print(`${exported}: ${images} images in layout ${layout}`);
          for (const note of notes) print(note);
        }
      } finally {
        progress.end();
      }
    });
  },
});

/** Rank 0's decoder, which hands images out; the others come back when it has no more. */
async function sharedDecoding({ world }: RankContext) {
  const { decodeForFirst, SharedDecoding } = await import("../node/datasets/shared-decoding.js");
  const { decodeImage } = await import("../node/datasets/decode.js");
  if (world.rank === 0) return new SharedDecoding(world, decodeImage);
  await decodeForFirst(world, decodeImage);
  return undefined;
}

function listImages(dataset: Dataset, path: string, context: Context): void {
  const lines = Array.from({ length: dataset.images }, (_, i) => `${nameOf(dataset, i)}\n`);
  try {
    writeFileAtomic(path, lines.join(""));
  } catch (error) {
    throw new UserError(`${path} cannot be written: ${fileProblemOr(error)}`);
  }
  context.print(path);
}

/** Where no folder is asked for, a sheet that cannot be written is no failure: it is said. */
async function drawSheet(dataset: Dataset, folder: string | undefined, packed: string, context: Context): Promise<void> {
  const { writeContactSheet } = await import("../node/datasets/contact-sheet.js");
  try {
    const page = writeContactSheet(dataset, folder ?? dirname(packed), basename(packed, ".packed"));
    context.print(`look at it: ${page}`);
  } catch (error) {
    const reason = `the contact sheet cannot be written: ${fileProblemOr(error)}`;
    if (folder !== undefined) throw new UserError(`${folder}: ${reason}`);
    context.print(reason);
  }
}

function describe(dataset: Dataset, context: Context, all: boolean): void {
  const { train, test } = dataset.split;
  const { report } = dataset;
  context.print(`${dataset.name}: ${dataset.images} images of ${dataset.size}x${dataset.size}, ${dataset.captions} captions`);
  const classes = (count: number): string => (dataset.classless ? "" : `${count} classes, `);
  context.print(`training: ${classes(train.length)}${dataset.imagesOfSplit("train").length} images`);
  context.print(`test: ${classes(test.length)}${dataset.imagesOfSplit("test").length} images, never trained on`);
  for (const note of report.notes) context.print(note);
  if (report.skipped.length === 0) return context.print("nothing was left out");
  context.print(`${report.skipped.length} files were left out:`);
  const lines = all ? report.skipped.map(({ file, reason }) => `${file}: ${reason}`) : leftOut(report.skipped, 10);
  for (const line of lines) context.print(`  ${line}`);
}
