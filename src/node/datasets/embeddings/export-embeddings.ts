/** The embeddings of a data set's captions as a file for others: raw, as the encoder gives them. */
import { extname } from "node:path";
import type { Dataset } from "../../../data/dataset.js";
import { writeNpy } from "../../../formats/npy.js";
import type { Device } from "../../../gpu/device.js";
import type { Sharing } from "../../../tensor/sharing.js";
import { CaptionEncoder, type TextModel } from "../../../train/text/captions.js";
import { writeSafetensors } from "../../../formats/safetensors.js";
import { nameOf } from "../../../data/embeddings/embedded-dataset.js";

/** A file of embeddings, and what it holds. */
export interface ExportedEmbeddings {
  readonly bytes: Uint8Array;
  /** [captions, size] */
  readonly shape: readonly [number, number];
}

/**
 * Embeds every caption, in the data set's order: by class, then by image, then as in the caption file.
 * @param path Its ending decides: .npy the array alone, .safetensors the array `embeddings` with the images' names in the metadata.
 * @param onProgress Called with the number of different captions done, and of all of them: each is embedded once.
 * @param share Who embeds which of them, where several ranks do.
 */
export async function exportEmbeddings(
  device: Device,
  dataset: Dataset,
  { encoder, alphabet }: Omit<TextModel, "normalisation">,
  path: string,
  onProgress: (done: number, total: number) => void,
  share?: Sharing,
): Promise<ExportedEmbeddings> {
  const captions = new CaptionEncoder(device, encoder, alphabet, undefined, share);
  const rowOf = new Map<string, number>();
  const rows = Array.from({ length: dataset.captions }, (_, i) => {
    const text = dataset.caption(i);
    if (!rowOf.has(text)) rowOf.set(text, rowOf.size);
    return rowOf.get(text)!;
  });
  const distinct = await captions.encode([...rowOf.keys()], (done) => onProgress(done, rowOf.size));
  await captions.destroy();
  const { embedding: size } = encoder.options;
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, i) => data.set(distinct.subarray(row * size, (row + 1) * size), i * size));
  const shape = [dataset.captions, size] as const;
  if (extname(path).toLowerCase() === ".npy") return { bytes: writeNpy(shape, data), shape };
  const images = Array.from({ length: dataset.images }, (_, image) => [nameOf(dataset, image), dataset.captionsOf(image).length]);
  const metadata = { dataset: dataset.name, images: JSON.stringify(images) };
  return { bytes: await writeSafetensors([["embeddings", { dtype: "F32", shape, data }]], metadata), shape };
}
