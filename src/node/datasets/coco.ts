/**
 * MS-COCO captions (Lin et al. 2014, Chen et al. 2015): 82,783 images with five captions each, and 40,504 to validate. `coco` is the paper's
 * (section 5.5), of 2014; `coco2017` the same images, 118,287 of them to train on. The archives are read without unpacking.
 */
import { mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DataError } from "../../data/dataset.js";
import { nameForm } from "../../data/names.js";
import { download, type Remote } from "./download.js";
import type { OpenOptions } from "./options.js";

const HOST = "http://images.cocodataset.org";

/** Years by data set. */
export const COCO_YEARS = { coco: "2014", coco2017: "2017" } as const;
export type CocoName = keyof typeof COCO_YEARS;

export const isCoco = (name: string): name is CocoName => name in COCO_YEARS;

/** Captions, images to train on, images to hold out. */
export type CocoRemotes = Readonly<Record<"annotations" | "train" | "val", Remote & { readonly size: string }>>;

/** The host's certificate is another's, so it is asked by http; the sums say that the files are whole. */
export const COCO_REMOTES: Readonly<Record<CocoName, CocoRemotes>> = {
  coco: {
    annotations: {
      ...{ file: "annotations_trainval2014.zip", url: `${HOST}/annotations/annotations_trainval2014.zip`, size: "253 MB" },
      md5: "0a379cfc70b0e71301e0f377548639bd",
    },
    train: { file: "train2014.zip", url: `${HOST}/zips/train2014.zip`, md5: "0da8c0bd3d6becc4dcb32757491aca88", size: "13.5 GB" },
    val: { file: "val2014.zip", url: `${HOST}/zips/val2014.zip`, md5: "a3d79f5ed8d289b7a7554ce06a5782b3", size: "6.6 GB" },
  },
  coco2017: {
    annotations: {
      ...{ file: "annotations_trainval2017.zip", url: `${HOST}/annotations/annotations_trainval2017.zip`, size: "253 MB" },
      md5: "f4bbac642086de4f52a3fdda2de5fa2c",
    },
    train: { file: "train2017.zip", url: `${HOST}/zips/train2017.zip`, md5: "cced6f7f71b7629ddf16f17bbcfab6b2", size: "19.3 GB" },
    val: { file: "val2017.zip", url: `${HOST}/zips/val2017.zip`, md5: "442b8da7639aecaf257c1dceb8ba8c80", size: "0.8 GB" },
  },
};

const PARTS = ["annotations", "train", "val"] as const;

/** Parts that a folder lacks, as archives or unpacked. */
export async function missingOfCoco(name: CocoName, dataDir: string): Promise<(keyof CocoRemotes)[]> {
  const there = new Set((await readdir(dataDir).catch(() => [])).map(nameForm));
  const inside = new Set(await readdir(join(dataDir, "annotations")).catch(() => []));
  const year = COCO_YEARS[name];
  return PARTS.filter((part) => {
    const unpacked = part === "annotations" ? inside.has(`captions_train${year}.json`) : there.has(`${part}${year}`);
    return !unpacked && !there.has(COCO_REMOTES[name][part].file);
  });
}

/** What a person does who has to fetch them by hand. */
export const wayToCoco = (name: CocoName, dataDir: string): string =>
  [
    `Fetch, and put into ${resolve(dataDir)} (archives or unpacked):`,
    ...PARTS.map((part) => {
      const { file, size, url } = COCO_REMOTES[name][part];
      return `  ${file.padEnd(30)}${size.padStart(8)}, from ${url}`;
    }),
    "or name another folder with --data-dir. `--dataset petals` needs nothing.",
  ].join("\n");

/**
 * Fetches what is missing, each archive resumed where an earlier attempt stopped: the captions first, since they are small.
 * @throws DataError that says what to fetch by hand, from where, and where to put it
 */
export async function downloadCoco(
  name: CocoName,
  dataDir: string,
  { onProgress, signal }: Pick<OpenOptions, "onProgress" | "signal"> = {},
  remotes: CocoRemotes = COCO_REMOTES[name],
): Promise<void> {
  const missing = await missingOfCoco(name, dataDir);
  await mkdir(dataDir, { recursive: true });
  for (const part of missing) {
    const remote = remotes[part];
    try {
      await download(remote, join(dataDir, remote.file), { onProgress, signal });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      throw new DataError(`${name}: ${error.message}\n${wayToCoco(name, dataDir)}`, { cause: error });
    }
  }
}

/** Whether a file of the folder belongs to the data set: the other year's may lie beside. */
export function ofCocoYear(name: CocoName): (path: string) => boolean {
  const year = COCO_YEARS[name];
  return (path) => {
    const found = [...path.matchAll(/(?:^|[/_])(?:train|val|trainval|test)(20\d\d)(?=[/_.])/g)].map((match) => match[1]);
    return found.length === 0 || found.includes(year);
  };
}
