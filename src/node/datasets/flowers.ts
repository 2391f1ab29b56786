/** Oxford-102 flowers (Nilsback and Zisserman 2008) with the captions of Reed et al. 2016: its split, and where it comes from. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DataError } from "../../data/dataset.js";
import { download, type Remote } from "./download.js";
import { findSources, type LayoutDefinition } from "./layout.js";
import type { OpenOptions } from "./options.js";

/** Test classes are 1 to 20 (Reed et al. 2016, section 5: 82 training and 20 test classes). */
const TEST_CLASSES = 20;

const IMAGES_PAGE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/";
const CAPTIONS_PAGE = "https://drive.google.com/file/d/0B0ywwgffWnLLcms2WWJQRFNSWXM/view?resourcekey=0-Av8zFbeDDvNcF1sSjDR32w";

/** The two archives that the data set is made of. */
export const FLOWERS_REMOTES: { readonly images: Remote; readonly captions: Remote } = {
  images: {
    file: "102flowers.tgz",
    url: `${IMAGES_PAGE}102flowers.tgz`,
    md5: "52808999861908f626f3c1f4e79d11fa",
  },
  captions: {
    file: "cvpr2016_flowers.tar.gz",
    url: "https://drive.usercontent.google.com/download?id=0B0ywwgffWnLLcms2WWJQRFNSWXM&resourcekey=0-Av8zFbeDDvNcF1sSjDR32w&export=download&confirm=t",
  },
};

export const flowers: LayoutDefinition = {
  name: "flowers",
  defaultTestClasses: (classes) =>
    classes.filter((className) => {
      const number = Number(/\d+$/.exec(className)?.[0]);
      return number >= 1 && number <= TEST_CLASSES;
    }),
  defaultSplitNote: "the usual split, classes 21 to 102 for training and 1 to 20 for testing",
  wayOut: (dataDir) =>
    [
      `Fetch with a browser, and put into ${resolve(dataDir)} (archives or unpacked):`,
      `  102flowers.tgz             the images, 330 MB, from ${IMAGES_PAGE}102flowers.tgz`,
      `  cvpr2016_flowers.tar.gz    the captions, from ${CAPTIONS_PAGE}`,
      "or name another folder with --data-dir. `--dataset petals` needs nothing.",
    ].join("\n"),
};

/**
 * Fetches what is missing of the data set into a folder: the captions first, since they are small and may be refused, then the images, resumed
 * where an earlier attempt stopped.
 * @throws DataError that says what to fetch by hand, from where, and where to put it.
 */
export async function downloadFlowers(
  dataDir: string,
  { captions, onProgress, signal }: Pick<OpenOptions, "captions" | "onProgress" | "signal"> = {},
  remotes: typeof FLOWERS_REMOTES = FLOWERS_REMOTES,
): Promise<void> {
  const there = await findSources(dataDir, captions);
  if (there.captions === undefined && captions !== undefined && captions !== "en") {
    throw new DataError(
      `flowers: captions "${captions}" cannot be fetched; only the English ones have a public archive. ${flowers.wayOut(dataDir)}`,
    );
  }
  await mkdir(dataDir, { recursive: true });
  for (const part of ["captions", "images"] as const) {
    if (there[part] === undefined) {
      const remote = remotes[part];
      try {
        await download(remote, join(dataDir, remote.file), { onProgress, signal });
      } catch (error) {
        if (!(error instanceof DataError)) {
          throw error;
        }
        throw new DataError(`flowers: ${error.message}\n${flowers.wayOut(dataDir)}`, { cause: error });
      }
    }
  }
}
