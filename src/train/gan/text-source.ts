/** What `--text-encoder` says: where a run's text encoder comes from, and whether it is trained with the GAN. */

export const END_TO_END = "end-to-end";
export const FINE_TUNE = "fine-tune";

/** Where a run's text encoder comes from, and whether it is trained with the GAN. */
export interface TextSource {
  /** null: it is made by the run. */
  readonly file: string | null;
  readonly trained: boolean;
  /** True where it begins with random weights. */
  readonly scratch: boolean;
}

/** @param textEncoder `--text-encoder`; null where it was not given. */
export function textSource({ textEncoder }: { readonly textEncoder: string | null }): TextSource {
  if (textEncoder === END_TO_END) return { file: null, trained: true, scratch: true };
  if (textEncoder === FINE_TUNE) return { file: null, trained: true, scratch: false };
  const trained = textEncoder?.startsWith(`${FINE_TUNE}:`) ?? false;
  return { file: trained ? textEncoder!.slice(FINE_TUNE.length + 1) : textEncoder, trained, scratch: false };
}
