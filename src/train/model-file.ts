/**
 * A finished model as one safetensors file: the generator that draws the samples (`generator.`), its text encoder (`text.`) and how to
 * use both (metadata). A text encoder alone is the same file without the generator, with the image side of its training (`image.`).
 */
import { readFile } from "node:fs/promises";
import { Alphabet } from "../data/alphabet.js";
import { RandomStream } from "../data/philox.js";
import { UserError } from "../errors.js";
import { Generator, type GeneratorOptions } from "../models/generator.js";
import { ImageEncoder, type ImageEncoderOptions } from "../models/image-encoder.js";
import { ganInitializers } from "../models/initializers.js";
import { TextEncoder, type TextEncoderOptions } from "../models/text-encoder.js";
import type { TextModel } from "./captions.js";
import { type GeneratorKind, GENERATORS } from "./options.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "./network-file.js";
import { readSafetensors, type SafeTensor, type SafetensorsFile, writeSafetensors } from "./safetensors.js";

/** Metadata of every file that petalgrad writes models to. */
export const FORMAT = "petalgrad 1";

/** A text encoder with the image network it was trained with. */
export interface TextEncoderFile extends TextModel {
  readonly image: ImageEncoder;
}

export interface GanFile extends TextModel {
  readonly generator: Generator;
  /** Which generator that is; files of earlier versions do not say. */
  readonly kind?: GeneratorKind;
  /** Captions of the data set, as examples. */
  readonly examples: readonly string[];
}

function textMetadata({ encoder, alphabet, normalisation }: TextModel): Record<string, string> {
  return {
    format: FORMAT,
    "text.options": JSON.stringify(encoder.options),
    "text.alphabet": JSON.stringify(alphabet),
    "text.scale": String(normalisation.scale),
  };
}

async function textTensors({ encoder, normalisation }: TextModel): Promise<NamedTensor[]> {
  const { center } = normalisation;
  return [...(await storeTensors("text", encoder.parameters)), ["text.center", { dtype: "F32", shape: [center.length], data: center }]];
}

/** The bytes of a text encoder's file. */
export async function encodeTextEncoder(model: TextEncoderFile): Promise<Uint8Array> {
  const tensors = [...(await textTensors(model)), ...(await networkTensors("image", model.image))];
  return writeSafetensors(tensors, { ...textMetadata(model), "image.options": JSON.stringify(model.image.options) });
}

/** The bytes of a whole model's file. */
export async function encodeGan(model: GanFile): Promise<Uint8Array> {
  const tensors = [...(await networkTensors("generator", model.generator)), ...(await textTensors(model))];
  const metadata = {
    ...textMetadata(model),
    "generator.options": JSON.stringify(model.generator.options),
    ...(model.kind && { "generator.kind": model.kind }),
    examples: JSON.stringify(model.examples),
  };
  return writeSafetensors(tensors, metadata);
}

/** The file's metadata value, parsed. @throws UserError */
export function setting<T>(file: SafetensorsFile, path: string, key: string): T {
  const text = file.metadata.get(key);
  if (text === undefined) throw new UserError(`${path} is no model of petalgrad: its metadata lack ${key}`);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new UserError(`${path}: its metadata's ${key} is damaged`);
  }
}

/** The bytes checked, the format compared. @throws UserError when the file is missing, damaged, or no model */
export async function openModelFile(path: string): Promise<SafetensorsFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${(error as Error).message}`);
  }
  const file = await readSafetensors(bytes, path);
  const format = file.metadata.get("format");
  if (format !== FORMAT)
    throw new UserError(`${path} is ${format ? `of the format "${format}"` : "no model of petalgrad"}; this version reads "${FORMAT}"`);
  return file;
}

function textModel(file: SafetensorsFile, path: string): TextModel {
  const encoder = new TextEncoder(setting<TextEncoderOptions>(file, path, "text.options"), new RandomStream(0));
  loadStore("text", encoder.parameters, file.tensors, path);
  const center = file.tensors.get("text.center") as SafeTensor | undefined;
  if (center?.dtype !== "F32" || center.data.length !== encoder.options.embedding)
    throw new UserError(`${path}: text.center is missing or of another size`);
  const alphabet = Alphabet.fromJSON(setting(file, path, "text.alphabet"));
  if (alphabet.size !== encoder.options.alphabet)
    throw new UserError(`${path}: an alphabet of ${alphabet.size} for ${encoder.options.alphabet} channels`);
  return { encoder, alphabet, normalisation: { center: center.data, scale: setting<number>(file, path, "text.scale") } };
}

/** @throws UserError when the file is missing, damaged, or no text encoder */
export async function readTextEncoder(path: string): Promise<TextEncoderFile> {
  const file = await openModelFile(path);
  const image = new ImageEncoder(setting<ImageEncoderOptions>(file, path, "image.options"), new RandomStream(0));
  loadNetwork("image", image, file.tensors, path);
  return { ...textModel(file, path), image };
}

/** @throws UserError when the file is missing, damaged, or no whole model */
export async function readGan(path: string): Promise<GanFile> {
  const file = await openModelFile(path);
  const generator = new Generator(setting<GeneratorOptions>(file, path, "generator.options"), ganInitializers(new RandomStream(0)));
  loadNetwork("generator", generator, file.tensors, path);
  const kind = GENERATORS.find((known) => known === file.metadata.get("generator.kind"));
  return { ...textModel(file, path), generator, ...(kind && { kind }), examples: setting<string[]>(file, path, "examples") };
}
