/** A finished style encoder as a safetensors file, or as a part of its model's. */
import { RandomStream } from "../../random/philox.js";
import { commandLine } from "../../command-line.js";
import { UserError } from "../../errors.js";
import { type SafetensorsFile, writeSafetensors } from "../../formats/safetensors.js";
import { ganInitializers } from "../../models/initializers.js";
import type { Network } from "../../models/layers.js";
import { StyleEncoder } from "../../models/style-encoder.js";
import { FORMAT, readModelFile } from "../run/model-format.js";
import { type GeneratorKind, GENERATORS } from "../gan/options.js";
import { choiceIn, setting, styleOptions } from "../run/model-settings.js";
import { type FilePart, hasPart, networkDigest, networkFrom, networkTensors } from "../run/network-file.js";

/** A style encoder, and which generator it inverts. */
export interface StyleFile {
  readonly style: StyleEncoder;
  /** Digest of the generator it was trained to invert, and which of the run's it was. */
  readonly generator: string;
  readonly kind: GeneratorKind;
}

/** The bytes of a style encoder's file. */
export async function encodeStyle(file: StyleFile): Promise<Uint8Array> {
  const { tensors, metadata } = await stylePart(file);
  return writeSafetensors(tensors, { format: FORMAT, ...metadata });
}

/** A style encoder as a part of a model's file, where `readStyle` finds it too. */
export async function stylePart({ style, generator, kind }: StyleFile): Promise<FilePart> {
  const metadata = {
    "style.options": JSON.stringify(style.options),
    "style.generator": JSON.stringify(generator),
    "style.generator.kind": JSON.stringify(kind),
  };
  return { tensors: await networkTensors("style", style), metadata };
}

/** @param name The file, for messages. @throws UserError when it is damaged, or no style encoder */
export async function readStyle(bytes: Uint8Array, name: string): Promise<StyleFile> {
  return styleIn(await readModelFile(bytes, name), name);
}

/** The same, or undefined of a model that has none. @throws UserError when it is damaged, or half of one */
export async function readStylePart(bytes: Uint8Array, name: string): Promise<StyleFile | undefined> {
  const file = await readModelFile(bytes, name);
  return hasPart(file, "style") ? styleIn(file, name) : undefined;
}

function styleIn(file: SafetensorsFile, name: string): StyleFile {
  const options = styleOptions(file, name);
  const style = networkFrom("style", file.tensors, name, () => new StyleEncoder(options, ganInitializers(new RandomStream(0))));
  const generator = setting(file, name, "style.generator");
  if (typeof generator !== "string") throw new UserError(`${name}: its metadata's style.generator is no digest`);
  return { style, generator, kind: choiceIn(file, name, "style.generator.kind", GENERATORS) };
}

/** What the user should know when styles are drawn by another generator than they were read for. @param name What holds that generator. */
export async function mismatch(file: StyleFile, generator: Network, name: string): Promise<string | undefined> {
  if (file.generator === (await networkDigest(generator))) return undefined;
  return `the style encoder was trained with another generator than ${name} holds: styles will be off (${commandLine("train-style")})`;
}
