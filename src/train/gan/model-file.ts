/**
 * A finished model as one safetensors file: the generator that draws the samples (`generator.`), its text encoder (`text.`) and how to
 * use both (metadata). It may also hold the discriminator (`discriminator.`), the generator as it was trained beside its average (`raw.`),
 * and the style encoder (`style.`, read by style/file.ts). A text encoder alone is a file of its own (text/encoder-file.ts).
 */
import { UserError } from "../../errors.js";
import { type SafetensorsFile, writeSafetensors } from "../../formats/safetensors.js";
import { Discriminator } from "../../models/discriminator.js";
import { Generator, type GeneratorOptions } from "../../models/generator.js";
import { ganInitializers } from "../../models/initializers.js";
import type { Network } from "../../models/layers.js";
import { RandomStream } from "../../random/philox.js";
import { readModelFile } from "../run/model-format.js";
import { discriminatorOptions, generatorOptions, textsIn } from "../run/model-settings.js";
import { type FilePart, hasPart, inPrecision, networkFrom, networkTensors, type Precision } from "../run/network-file.js";
import type { TextModel } from "../text/captions.js";
import { type ModelTexts, normalisationIn, textMetadata, textModelIn, textTensors } from "../text/encoder-file.js";
import { type GeneratorKind, GENERATORS } from "./options.js";

interface GeneratorPart {
  readonly generator: Generator;
  /** Which generator that is; files of earlier versions do not say. */
  readonly kind?: GeneratorKind;
  /** Captions of the data set, as examples. */
  readonly examples: readonly string[];
  /** Which judges images and texts, where the file has it. */
  readonly discriminator?: Discriminator;
  /** The generator as it was trained, where the file has it beside its average; of the same options. */
  readonly raw?: Generator;
  /** What who draws with it should know of the file it came from. */
  readonly fileWarnings?: readonly string[];
}

/** A whole model. */
export interface GanFile extends TextModel, GeneratorPart {}

/** A generator, with or without a text encoder. */
export type GeneratorFile = GeneratorPart & ModelTexts;

/** How a model's file is written. */
export interface ModelEncoding {
  /** Of the weights: f16 makes half the size (default f32). */
  readonly precision?: Precision;
  /** A part of another room's that goes into the same file: that of a style encoder. */
  readonly part?: FilePart;
}

/** The bytes of a whole model's file. */
export async function encodeGan(model: GeneratorFile, { precision = "f32", part }: ModelEncoding = {}): Promise<Uint8Array> {
  const { discriminator, raw } = model;
  const tensors = [
    ...(await networkTensors("generator", model.generator)),
    ...(await textTensors(model)),
    ...(discriminator ? await networkTensors("discriminator", discriminator) : []),
    ...(raw ? await networkTensors("raw", raw) : []),
    ...(part?.tensors ?? []),
  ];
  const metadata = {
    ...textMetadata(model),
    "generator.options": JSON.stringify(model.generator.options),
    ...(model.kind && { "generator.kind": model.kind }),
    examples: JSON.stringify(model.examples),
    ...(discriminator && { "discriminator.options": JSON.stringify(discriminator.options) }),
    ...part?.metadata,
  };
  return writeSafetensors(inPrecision(precision, tensors), metadata);
}

/** What to tell who draws with a file that is not as petalgrad wrote it. */
const wordOn = ({ sealed }: SafetensorsFile, name: string): readonly string[] =>
  sealed ? [] : [`${name} has no SHA-256 of petalgrad's: another tool wrote it, and nothing tells whether it is whole`];

/** What to tell of tensors that no part of a model reads: the style encoder's are read by style/file.ts. */
function wordOnRest(file: SafetensorsFile, name: string, networks: Readonly<Record<string, Network | undefined>>): readonly string[] {
  const read = new Set(["text.center"]);
  for (const [prefix, network] of Object.entries(networks))
    for (const store of network ? [network.parameters, network.statistics] : [])
      for (const entry of store.entries) read.add(`${prefix}.${entry.name}`);
  const rest = [...file.tensors.keys(), ...file.unread.keys()].filter((tensor) => !read.has(tensor) && !tensor.startsWith("style."));
  if (rest.length === 0) return [];
  const more = rest.length > 1 ? ` and ${rest.length - 1} more` : "";
  return [`${name} holds tensors that this version does not read: ${rest[0]}${more}`];
}

/** @throws UserError when it is damaged, or judges other images or texts than the generator draws */
function discriminatorIn(file: SafetensorsFile, name: string, { imageSize, textSize }: GeneratorOptions): Discriminator | undefined {
  if (!hasPart(file, "discriminator")) return undefined;
  const options = discriminatorOptions(file, name);
  if (options.imageSize !== imageSize || options.textSize !== textSize)
    throw new UserError(
      `${name}: its discriminator takes images of ${options.imageSize} and embeddings of ${options.textSize}, its generator ` +
        `draws ${imageSize} from ${textSize}`,
    );
  return networkFrom("discriminator", file.tensors, name, () => new Discriminator(options, ganInitializers(new RandomStream(0))));
}

/**
 * A generator, with its text encoder where it was trained with one, and what else the file holds.
 * @param name The file, for messages.
 * @throws UserError when it is damaged, or has none
 */
export async function readGenerator(bytes: Uint8Array, name: string): Promise<GeneratorFile> {
  const file = await readModelFile(bytes, name);
  const options = generatorOptions(file, name);
  const build = () => new Generator(options, ganInitializers(new RandomStream(0)));
  const generator = networkFrom("generator", file.tensors, name, build);
  const discriminator = discriminatorIn(file, name, options);
  const raw = hasPart(file, "raw") ? networkFrom("raw", file.tensors, name, build) : undefined;
  const text = file.metadata.has("text.options") ? textModelIn(file, name) : undefined;
  const networks = { generator, discriminator, raw, text: text?.encoder };
  const kind = GENERATORS.find((known) => known === file.metadata.get("generator.kind"));
  const part = {
    generator,
    ...(kind && { kind }),
    examples: textsIn(file, name, "examples"),
    ...(discriminator && { discriminator }),
    ...(raw && { raw }),
    fileWarnings: [...wordOn(file, name), ...wordOnRest(file, name, networks)],
  };
  if (!text) return { ...part, normalisation: normalisationIn(file, name, options.textSize) };
  const { embedding } = text.encoder.options;
  if (embedding !== options.textSize)
    throw new UserError(`${name}: its text encoder gives embeddings of ${embedding}, its generator takes some of ${options.textSize}`);
  return { ...part, ...text };
}

/** A file's bytes, and its name for messages. */
export interface NamedBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/**
 * A whole model, which takes sentences.
 * @param name The file, for messages.
 * @param textEncoder File of the encoder of a generator that was trained on given embeddings: the one that they came from.
 * @throws UserError when a file is damaged, or the generator has no text encoder, or does not need the one that is given
 */
export async function readGan(bytes: Uint8Array, name: string, textEncoder?: NamedBytes): Promise<GanFile> {
  const file = await readGenerator(bytes, name);
  if ("encoder" in file) {
    if (textEncoder !== undefined) throw new UserError(`${name} has its own text encoder: leave --text-encoder out`);
    return file;
  }
  if (textEncoder === undefined)
    throw new UserError(
      `${name} was trained on given embeddings and has no text encoder: name the one that made them (sample --text-encoder FILE), or draw ` +
        "from embeddings (sample --embeddings PATH --pick NAME)",
    );
  const text = await readModelFile(textEncoder.bytes, textEncoder.name);
  const { encoder, alphabet } = textModelIn(text, textEncoder.name);
  const { textSize } = file.generator.options;
  if (encoder.options.embedding !== textSize)
    throw new UserError(
      `${textEncoder.name} gives embeddings of ${encoder.options.embedding}, and ${name} was trained on some of ${textSize}`,
    );
  return { ...file, encoder, alphabet, fileWarnings: [...(file.fileWarnings ?? []), ...wordOn(text, textEncoder.name)] };
}
