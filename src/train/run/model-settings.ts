/**
 * What a model's file says of its networks beside their weights, checked: a file may come from a stranger, and its hash says only that it
 * is whole. Sizes are looked at again when the networks are built, by the shapes of the tensors (`networkFrom`).
 */
import { symbolsFromJson, type Symbols } from "../../data/symbols.js";
import { UserError } from "../../errors.js";
import type { DiscriminatorOptions } from "../../models/discriminator.js";
import type { GeneratorOptions } from "../../models/generator.js";
import type { FeatureEncoderOptions, ImageEncoderOptions } from "../../models/image-encoder.js";
import { CELLS } from "../../models/recurrent.js";
import type { StyleEncoderOptions } from "../../models/style-encoder.js";
import { UPSAMPLINGS } from "../../models/upsampling.js";
import { TEXT_FORMS, TEXT_STATES, type TextEncoderOptions } from "../../models/text-encoder.js";
import { checkOption, type OptionSpec } from "../../option-spec.js";
import type { SafetensorsFile } from "../../formats/safetensors.js";

/** More than any setting's text takes: parsed, it takes many times that. */
const MAX_TEXT = 2 ** 23;

/** The file's metadata value, parsed. @throws UserError */
export function setting(file: Pick<SafetensorsFile, "metadata">, path: string, key: string): unknown {
  const text = file.metadata.get(key);
  if (text === undefined) throw new UserError(`${path} is no model of petalgrad: its metadata lack ${key}`);
  try {
    if (text.length <= MAX_TEXT) return JSON.parse(text) as unknown;
  } catch {
    // Said below.
  }
  throw new UserError(`${path}: its metadata's ${key} is damaged`);
}

type Specs = Readonly<Record<string, OptionSpec & { readonly optional?: true }>>;

const flag = { type: "flag", description: "yes or no" } as const;
const size = { type: "integer", min: 1, max: 2 ** 20, description: "a size" } as const;
/** No command trains larger ones than 256. */
const imageSize = { type: "integer", min: 8, max: 1024, description: "side of the images" } as const;
const choice = <const C extends readonly string[]>(choices: C) => ({ type: "choice", choices, description: "one of these" }) as const;

const GENERATOR = {
  ...{ imageSize, width: size, noiseSize: size, textSize: size, textProjection: size, residual: flag },
  // Older files know transposed layers only.
  upsampling: { ...choice(UPSAMPLINGS), optional: true },
  smoothLayers: { ...size, optional: true },
} as const;
const DISCRIMINATOR = {
  imageSize,
  width: size,
  residual: flag,
  missingLeakyRelu: choice(["keep", "restore"]),
  textSize: size,
  textProjection: size,
  textBatchNorm: flag,
  minibatchDeviation: flag,
} as const;
const IMAGE = { imageSize, width: size, embedding: size } as const;
const FEATURES = { features: size, embedding: size } as const;
const STYLE = { imageSize, width: size, residual: flag, missingLeakyRelu: choice(["keep", "restore"]), noiseSize: size } as const;
const TEXT = {
  alphabet: size,
  // A bag of words has no layer whose width there could be, and says 0.
  width: { ...size, min: 0 },
  embedding: size,
  // Older files know one form and one length.
  form: { ...choice(TEXT_FORMS), optional: true },
  cell: { ...choice(CELLS), optional: true },
  state: { ...choice(TEXT_STATES), optional: true },
  length: { type: "integer", min: 1, max: 4000, description: "symbols that are read", optional: true },
} as const;

function options<T>(file: SafetensorsFile, path: string, key: string, specs: Specs): T {
  const json = setting(file, path, key);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new UserError(`${path}: its metadata's ${key} are not those of a network`);
  const given = new Map(Object.entries(json));
  for (const [name, spec] of Object.entries(specs)) {
    const value: unknown = given.get(name);
    if (value === undefined && spec.optional) continue;
    if (value === undefined) throw new UserError(`${path}: its metadata's ${key} lack ${name}`);
    checkOption(`${path}: ${name} in ${key}`, spec, value);
  }
  // As they stand, in their order, with what else a run wrote beside them: written again, the file has the same bytes.
  return json as T;
}

export const generatorOptions = (file: SafetensorsFile, path: string): GeneratorOptions =>
  options(file, path, "generator.options", GENERATOR);

export const discriminatorOptions = (file: SafetensorsFile, path: string): DiscriminatorOptions =>
  options(file, path, "discriminator.options", DISCRIMINATOR);

export const styleOptions = (file: SafetensorsFile, path: string): StyleEncoderOptions => options(file, path, "style.options", STYLE);

export function textOptions(file: SafetensorsFile, path: string): TextEncoderOptions {
  const read = options<TextEncoderOptions>(file, path, "text.options", TEXT);
  if (read.form !== "bag-of-words") checkOption(`${path}: width in text.options`, size, read.width);
  return read;
}

export function imageOptions(file: SafetensorsFile, path: string): ImageEncoderOptions | FeatureEncoderOptions {
  const json = setting(file, path, "image.options");
  const given = typeof json === "object" && json !== null && "features" in json;
  return given ? options<FeatureEncoderOptions>(file, path, "image.options", FEATURES) : options(file, path, "image.options", IMAGE);
}

/** @throws UserError when it is no alphabet, or of another size than the encoder's */
export function symbolsIn(file: SafetensorsFile, path: string, encoderReads: number): Symbols {
  const json = setting(file, path, "text.alphabet");
  let symbols: Symbols;
  try {
    symbols = symbolsFromJson(json);
  } catch (error) {
    throw new UserError(`${path}: its metadata's text.alphabet is ${(error as Error).message}`);
  }
  if (symbols.size !== encoderReads) throw new UserError(`${path}: an alphabet of ${symbols.size} for ${encoderReads} channels`);
  return symbols;
}

/** By how much embeddings less their centre are multiplied. */
export function scaleIn(file: SafetensorsFile, path: string): number {
  const scale = setting(file, path, "text.scale");
  if (typeof scale !== "number" || !Number.isFinite(scale)) throw new UserError(`${path}: its metadata's text.scale is no number`);
  return scale;
}

export function textsIn(file: SafetensorsFile, path: string, key: string): readonly string[] {
  const texts = setting(file, path, key);
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string"))
    throw new UserError(`${path}: its metadata's ${key} are no texts`);
  return texts;
}

/** @throws UserError when it is none of the choices */
export function choiceIn<const C extends string>(file: SafetensorsFile, path: string, key: string, choices: readonly C[]): C {
  const value = setting(file, path, key);
  checkOption(`${path}: its metadata's ${key}`, choice(choices), value);
  return value as C;
}
