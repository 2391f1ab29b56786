/** A trained text encoder as others use it: with the normalisation that the GAN wants of its embeddings. */
import type { Device } from "../../gpu/device.js";
import type { Dataset } from "../../data/dataset.js";
import { alone, type Sharing } from "../../tensor/sharing.js";
import { CaptionEncoder, type Normalisation, normalisationOf, type TextModel } from "./captions.js";
import type { TextEncoderFile } from "./encoder-file.js";
import type { JointEmbedding } from "./joint-embedding.js";
import { similarityOf } from "./objectives.js";

/** The normalisation by the first caption of every image of the training classes. */
export async function normalisationFor(
  device: Device,
  dataset: Dataset,
  { encoder, alphabet }: Omit<TextModel, "normalisation">,
  share: Sharing = alone,
): Promise<Normalisation> {
  const sample = dataset.imagesOfSplit("train").flatMap((i) => dataset.captionsOf(i).slice(0, 1));
  const captions = new CaptionEncoder(device, encoder, alphabet, undefined, share);
  const normalisation = normalisationOf(await captions.encode(sample), encoder.options.embedding);
  await captions.destroy();
  return normalisation;
}

/** An encoder of elsewhere comes without a normalisation: a run that uses it makes its own. */
export const isNormalised = ({ normalisation: { center, scale } }: TextModel): boolean =>
  scale !== 1 || center.some((value) => value !== 0);

/** The encoder as it is now, normalised by its training captions. */
export async function finishedEncoder(device: Device, joint: JointEmbedding, share: Sharing = alone): Promise<TextEncoderFile> {
  const { data, options } = joint;
  const { text: encoder, image } = joint.model;
  const { dataset, symbols: alphabet } = data;
  const normalisation = await normalisationFor(device, dataset, { encoder, alphabet }, share);
  return { encoder, alphabet, normalisation, image, similarity: similarityOf(options.objective) };
}
