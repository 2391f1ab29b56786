/**
 * A text encoder as a safetensors file: the encoder (`text.`), the centre and the scale of its embeddings, and the image side of its
 * training (`image.`) where there was one. A whole model's file (gan/model-file.ts) holds the first two in the same form.
 */
import { UserError } from "../../errors.js";
import { type SafetensorsFile, writeSafetensors } from "../../formats/safetensors.js";
import { FeatureEncoder, ImageEncoder } from "../../models/image-encoder.js";
import { TextEncoder } from "../../models/text-encoder.js";
import { RandomStream } from "../../random/philox.js";
import { FORMAT, readModelFile } from "../run/model-format.js";
import { choiceIn, imageOptions, scaleIn, symbolsIn, textOptions } from "../run/model-settings.js";
import { floats, type NamedTensor, networkFrom, networkTensors, storeTensors } from "../run/network-file.js";
import type { Normalisation, TextModel } from "./captions.js";
import { SIMILARITIES, type Similarity } from "./objectives.js";

/** The network of images that a text encoder was trained with. */
export type ImageSide = ImageEncoder | FeatureEncoder;

/** A text encoder with the image side it was trained with; undefined where it was trained on captions alone. */
export interface TextEncoderFile extends TextModel {
  readonly image: ImageSide | undefined;
  /** By what the two fit; default cosine. */
  readonly similarity?: Similarity;
}

/** What a generator knows of its texts: how their embeddings were normalised, and the encoder, unless it was trained on given embeddings. */
export type ModelTexts = TextModel | Pick<TextModel, "normalisation">;

export function textMetadata(texts: ModelTexts): Record<string, string> {
  return {
    format: FORMAT,
    "text.scale": String(texts.normalisation.scale),
    ...("encoder" in texts && { "text.options": JSON.stringify(texts.encoder.options), "text.alphabet": JSON.stringify(texts.alphabet) }),
  };
}

export async function textTensors(texts: ModelTexts): Promise<NamedTensor[]> {
  const { center } = texts.normalisation;
  const encoder = "encoder" in texts ? await storeTensors("text", texts.encoder.parameters) : [];
  return [...encoder, ["text.center", { dtype: "F32", shape: [center.length], data: center }]];
}

/** The bytes of a text encoder's file. */
export async function encodeTextEncoder(model: TextEncoderFile): Promise<Uint8Array> {
  const { image, similarity = "cosine" } = model;
  const tensors = [...(await textTensors(model)), ...(image ? await networkTensors("image", image) : [])];
  return writeSafetensors(tensors, {
    ...textMetadata(model),
    similarity: JSON.stringify(similarity),
    ...(image && { "image.options": JSON.stringify(image.options) }),
  });
}

/** @param size Length of the embeddings. @throws UserError when they are missing, of another size, or not finite */
export function normalisationIn(file: SafetensorsFile, name: string, size: number): Normalisation {
  const found = file.tensors.get("text.center");
  if (!found || !/^B?F/.test(found.dtype) || found.data.length !== size)
    throw new UserError(`${name}: text.center is missing or of another size`);
  const center = floats(found);
  if (!center.every(Number.isFinite)) throw new UserError(`${name}: text.center holds values that are not finite`);
  return { center, scale: scaleIn(file, name) };
}

/** The text encoder in a file that is open. @throws UserError when it has none, or an unsound one */
export function textModelIn(file: SafetensorsFile, name: string): TextModel {
  const options = textOptions(file, name);
  const alphabet = symbolsIn(file, name, options.alphabet);
  const encoder = networkFrom("text", file.tensors, name, () => new TextEncoder(options, new RandomStream(0)));
  return { encoder, alphabet, normalisation: normalisationIn(file, name, encoder.options.embedding) };
}

/**
 * The text encoder of a file of its own, or of a whole model's.
 * @param name The file, for messages.
 * @throws UserError when it is damaged, or has none
 */
export async function readTextModel(bytes: Uint8Array, name: string): Promise<TextModel> {
  return textModelIn(await readModelFile(bytes, name), name);
}

function imageSide(file: SafetensorsFile, name: string, embedding: number): ImageSide | undefined {
  if (!file.metadata.has("image.options")) return undefined;
  const options = imageOptions(file, name);
  if (options.embedding !== embedding)
    throw new UserError(`${name}: its texts have embeddings of ${embedding}, its images some of ${options.embedding}`);
  return networkFrom<ImageSide>("image", file.tensors, name, () =>
    "features" in options ? new FeatureEncoder(options, new RandomStream(0)) : new ImageEncoder(options, new RandomStream(0)),
  );
}

/** The same with the image side of its training. @throws UserError when it is damaged, or no text encoder */
export async function readTextEncoder(bytes: Uint8Array, name: string): Promise<TextEncoderFile> {
  const file = await readModelFile(bytes, name);
  // Files older than the hinges have no such setting: they were trained on cosines.
  const similarity = file.metadata.has("similarity") ? choiceIn(file, name, "similarity", SIMILARITIES) : "cosine";
  const text = textModelIn(file, name);
  return { ...text, image: imageSide(file, name, text.encoder.options.embedding), similarity };
}
