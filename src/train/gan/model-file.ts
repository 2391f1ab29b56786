/**
 * A finished model as one safetensors file: the generator that draws the samples (`generator.`), its text encoder (`text.`) and how to
 * use both (metadata). A text encoder alone is the same file without the generator, with the image side of its training (`image.`) where
 * there was one.
 */
import { readFile } from "node:fs/promises";
import { RandomStream } from "../../random/philox.js";
import { fileProblemOr } from "../../node/files/file-problem.js";
import { UserError } from "../../errors.js";
import { Generator } from "../../models/generator.js";
import { FeatureEncoder, ImageEncoder } from "../../models/image-encoder.js";
import { ganInitializers } from "../../models/initializers.js";
import { TextEncoder } from "../../models/text-encoder.js";
import type { Normalisation, TextModel } from "../text/captions.js";
import { choiceIn, generatorOptions, imageOptions, scaleIn, symbolsIn, textOptions, textsIn } from "../run/model-settings.js";
import { type GeneratorKind, GENERATORS } from "./options.js";
import { floats, type NamedTensor, networkFrom, networkTensors, storeTensors } from "../run/network-file.js";
import { readSafetensors, type SafetensorsFile, writeSafetensors } from "../../formats/safetensors.js";
import { SIMILARITIES, type Similarity } from "../text/objectives.js";

/** Metadata of every file that petalgrad writes models to. */
export const FORMAT = "petalgrad 1";

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

interface GeneratorPart {
  readonly generator: Generator;
  /** Which generator that is; files of earlier versions do not say. */
  readonly kind?: GeneratorKind;
  /** Captions of the data set, as examples. */
  readonly examples: readonly string[];
  /** What who draws with it should know of the file it came from. */
  readonly fileWarnings?: readonly string[];
}

/** A whole model. */
export interface GanFile extends TextModel, GeneratorPart {}

/** A generator, with or without a text encoder. */
export type GeneratorFile = GeneratorPart & ModelTexts;

function textMetadata(texts: ModelTexts): Record<string, string> {
  return {
    format: FORMAT,
    "text.scale": String(texts.normalisation.scale),
    ...("encoder" in texts && { "text.options": JSON.stringify(texts.encoder.options), "text.alphabet": JSON.stringify(texts.alphabet) }),
  };
}

async function textTensors(texts: ModelTexts): Promise<NamedTensor[]> {
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

/** The bytes of a whole model's file. */
export async function encodeGan(model: GeneratorFile): Promise<Uint8Array> {
  const tensors = [...(await networkTensors("generator", model.generator)), ...(await textTensors(model))];
  const metadata = {
    ...textMetadata(model),
    "generator.options": JSON.stringify(model.generator.options),
    ...(model.kind && { "generator.kind": model.kind }),
    examples: JSON.stringify(model.examples),
  };
  return writeSafetensors(tensors, metadata);
}

/** The bytes checked, the format compared. @throws UserError when the file is missing, damaged, or no model */
export async function openModelFile(path: string): Promise<SafetensorsFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${fileProblemOr(error)}`);
  }
  const file = await readSafetensors(bytes, path);
  const format = file.metadata.get("format");
  if (format !== FORMAT)
    throw new UserError(`${path} is ${format ? `of the format "${format}"` : "no model of petalgrad"}; this version reads "${FORMAT}"`);
  return file;
}

/** What to tell who draws with a file that is not as petalgrad wrote it. */
const wordOn = ({ sealed }: SafetensorsFile, path: string): readonly string[] =>
  sealed ? [] : [`${path} has no SHA-256 of petalgrad's: another tool wrote it, and nothing tells whether it is whole`];

function normalisationIn(file: SafetensorsFile, path: string, size: number): Normalisation {
  const found = file.tensors.get("text.center");
  if (!found || !/^B?F/.test(found.dtype) || found.data.length !== size)
    throw new UserError(`${path}: text.center is missing or of another size`);
  const center = floats(found);
  if (!center.every(Number.isFinite)) throw new UserError(`${path}: text.center holds values that are not finite`);
  return { center, scale: scaleIn(file, path) };
}

function textModel(file: SafetensorsFile, path: string): TextModel {
  const options = textOptions(file, path);
  const alphabet = symbolsIn(file, path, options.alphabet);
  const encoder = networkFrom("text", file.tensors, path, () => new TextEncoder(options, new RandomStream(0)));
  return { encoder, alphabet, normalisation: normalisationIn(file, path, encoder.options.embedding) };
}

/** The text encoder of a file of its own, or of a whole model's. @throws UserError when the file is missing, damaged, or has none */
export async function readTextModel(path: string): Promise<TextModel> {
  return textModel(await openModelFile(path), path);
}

function imageSide(file: SafetensorsFile, path: string, embedding: number): ImageSide | undefined {
  if (!file.metadata.has("image.options")) return undefined;
  const options = imageOptions(file, path);
  if (options.embedding !== embedding)
    throw new UserError(`${path}: its texts have embeddings of ${embedding}, its images some of ${options.embedding}`);
  return networkFrom<ImageSide>("image", file.tensors, path, () =>
    "features" in options ? new FeatureEncoder(options, new RandomStream(0)) : new ImageEncoder(options, new RandomStream(0)),
  );
}

/** @throws UserError when the file is missing, damaged, or no text encoder */
export async function readTextEncoder(path: string): Promise<TextEncoderFile> {
  const file = await openModelFile(path);
  // Files older than the hinges have no such setting: they were trained on cosines.
  const similarity = file.metadata.has("similarity") ? choiceIn(file, path, "similarity", SIMILARITIES) : "cosine";
  const text = textModel(file, path);
  return { ...text, image: imageSide(file, path, text.encoder.options.embedding), similarity };
}

/** A generator, with its text encoder where it was trained with one. @throws UserError when the file is missing, damaged, or has none */
export async function readGenerator(path: string): Promise<GeneratorFile> {
  const file = await openModelFile(path);
  const options = generatorOptions(file, path);
  const generator = networkFrom("generator", file.tensors, path, () => new Generator(options, ganInitializers(new RandomStream(0))));
  const kind = GENERATORS.find((known) => known === file.metadata.get("generator.kind"));
  const part = { generator, ...(kind && { kind }), examples: textsIn(file, path, "examples"), fileWarnings: wordOn(file, path) };
  if (!file.metadata.has("text.options")) return { ...part, normalisation: normalisationIn(file, path, options.textSize) };
  const text = textModel(file, path);
  const { embedding } = text.encoder.options;
  if (embedding !== options.textSize)
    throw new UserError(`${path}: its text encoder gives embeddings of ${embedding}, its generator takes some of ${options.textSize}`);
  return { ...part, ...text };
}

/**
 * A whole model.
 * @param textEncoder File of the encoder of a generator that was trained on given embeddings: the one that they came from.
 * @throws UserError when a file is missing or damaged, or the generator has no text encoder, or does not need the one that is given
 */
export async function readGan(path: string, textEncoder?: string): Promise<GanFile> {
  const file = await readGenerator(path);
  if ("encoder" in file) {
    if (textEncoder !== undefined) throw new UserError(`${path} has its own text encoder: leave --text-encoder out`);
    return file;
  }
  if (textEncoder === undefined)
    throw new UserError(
      `${path} was trained on given embeddings and has no text encoder: name the one that made them (sample --text-encoder FILE), or draw ` +
        "from embeddings (sample --embeddings PATH --pick NAME)",
    );
  const text = await openModelFile(textEncoder);
  const { encoder, alphabet } = textModel(text, textEncoder);
  const { textSize } = file.generator.options;
  if (encoder.options.embedding !== textSize)
    throw new UserError(`${textEncoder} gives embeddings of ${encoder.options.embedding}, and ${path} was trained on some of ${textSize}`);
  return { ...file, encoder, alphabet, fileWarnings: [...(file.fileWarnings ?? []), ...wordOn(text, textEncoder)] };
}
