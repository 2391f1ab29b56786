/** What openDataset is asked for. */
import type { LayoutName } from "../../data/layout-names.js";

/** How far a long preparation or download has come. */
export interface DataProgress {
  readonly phase: "download" | "prepare";
  /** What is being fetched or prepared: a file name or the data set's name. */
  readonly what: string;
  /** Bytes (download) or images (prepare) done. */
  readonly done: number;
  /** Of how many, where that is known. */
  readonly total?: number;
}

/** How a data set is opened: which images, which captions, from where. */
export interface OpenOptions {
  /** Side of the images in pixels (default 64). */
  readonly size?: number;
  /**
   * Folder that holds the data set, archives or unpacked. Default: $PETALGRAD_DATA/<name> or $PETALGRAD_DATA where one of them exists,
   * else ./data/<name>. Not for petals.
   */
  readonly dataDir?: string;
  /** What a folder's data set is called (default: as the folder is). */
  readonly name?: string;
  /** Which captions, where a data set has several side by side: a language tag such as "en" or "fa", or an archive or folder. Default: "en", or the only ones there. Not for petals. */
  readonly captions?: string;
  /** How a folder of one's own keeps its captions (default: as it looks). */
  readonly layout?: LayoutName;
  /** Share of the images that is held out where there are no classes, by a hash of their names (default: the folder's own split, or a tenth). */
  readonly heldOut?: number;
  /** The caption of images that have a class folder and no captions (default: "a photo of a {class}"). */
  readonly captionTemplate?: string;
  /** The alphabet: the original 70 symbols, one made of the captions, or (default) whichever suits the captions. */
  readonly alphabet?: "auto" | "original" | "captions";
  /** Folder for packed files (default: $PETALGRAD_CACHE, or petalgrad/ under $XDG_CACHE_HOME or ~/.cache). */
  readonly cacheDir?: string;
  /** Fetch a missing data set from its public addresses (default true). */
  readonly download?: boolean;
  /** petals: seed of the data set (default 0). */
  readonly seed?: number;
  /** petals: images of each class (default 40). */
  readonly imagesPerClass?: number;
  readonly onProgress?: (progress: DataProgress) => void;
  /** One line for a person to read: that a damaged cache was made anew, how many files were skipped. */
  readonly onMessage?: (line: string) => void;
  /** Stops a download or a preparation; nothing half-made stays. */
  readonly signal?: AbortSignal;
}
