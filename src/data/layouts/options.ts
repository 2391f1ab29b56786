/** What the preparing of captioned images is asked for, wherever they lie. */
import { Alphabet } from "../alphabet.js";
import type { LayoutName } from "../layout-names.js";
import type { PreparedImage } from "../packed.js";

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

/** How captioned images are read. */
export interface LayoutOptions {
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
  readonly onProgress?: (progress: DataProgress) => void;
  /** Stops a download or a preparation, which goes on the next time. */
  readonly signal?: AbortSignal;
}

export function chooseAlphabet(kind: NonNullable<LayoutOptions["alphabet"]>, images: readonly PreparedImage[]): Alphabet {
  if (kind === "original") {
    return Alphabet.original();
  }
  const captions = images.flatMap((image) => image.captions);
  return kind === "captions" ? Alphabet.fromCaptions(captions) : Alphabet.suiting(captions);
}
