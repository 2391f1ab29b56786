/** A trained text encoder as others use it: with the normalisation that the GAN wants of its embeddings. */
import type { Device } from "../gpu/device.js";
import { CaptionEncoder, normalisationOf } from "./captions.js";
import type { TextEncoderFile } from "./model-file.js";
import type { JointEmbedding } from "./text-encoder.js";
import { similarityOf } from "./text-objectives.js";

/** The encoder as it is now, normalised by the first caption of every image of the training classes. */
export async function finishedEncoder(device: Device, joint: JointEmbedding): Promise<TextEncoderFile> {
  const { text: encoder, image, data, options } = joint;
  const { dataset, symbols: alphabet } = data;
  const sample = dataset.imagesOfSplit("train").flatMap((i) => dataset.captionsOf(i).slice(0, 1));
  const captions = new CaptionEncoder(device, encoder, alphabet);
  const normalisation = normalisationOf(await captions.encode(sample), encoder.options.embedding);
  await captions.destroy();
  return { encoder, alphabet, normalisation, image, similarity: similarityOf(options.objective) };
}
