/** What openDataset is asked for. */
import type { Decoding } from "../../data/layouts/decode-images.js";
import type { DataProgress, LayoutOptions } from "../../data/layouts/options.js";

export type { DataProgress };

/** How a data set is opened: which images, which captions, from where. */
export interface OpenOptions extends LayoutOptions {
  /** Side of the images in pixels (default 64). */
  readonly size?: number;
  /**
   * Folder that holds the data set, archives or unpacked. Default: $PETALGRAD_DATA/<name> or $PETALGRAD_DATA where one of them exists,
   * else ./data/<name>. Not for petals.
   */
  readonly dataDir?: string;
  /** What a folder's data set is called (default: as the folder is). */
  readonly name?: string;
  /** Folder for packed files (default: $PETALGRAD_CACHE, or petalgrad/ under $XDG_CACHE_HOME or ~/.cache). */
  readonly cacheDir?: string;
  /** Fetch a missing data set from its public addresses (default true). */
  readonly download?: boolean;
  /** petals: seed of the data set (default 0). */
  readonly seed?: number;
  /** petals: images of each class (default 40). */
  readonly imagesPerClass?: number;
  /** One line for a person to read: that a damaged cache was made anew, how many files were skipped. */
  readonly onMessage?: (line: string) => void;
  /** How images are decoded, and how many at a time (default: here, as many as there are cores). */
  readonly decoding?: Pick<Decoding, "decode" | "atOnce">;
  /** Told the packed file of the data set that is opened, whether or not it could be written. */
  readonly onPacked?: (file: string) => void;
}
