/** A finished style encoder as a safetensors file, and taking it from the folder of the run whose generator it inverts. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RandomStream } from "../data/philox.js";
import { UserError } from "../errors.js";
import { ganInitializers } from "../models/initializers.js";
import { StyleEncoder, type StyleEncoderOptions } from "../models/style-encoder.js";
import type { LoadedModel } from "./load-model.js";
import { FORMAT, openModelFile, setting } from "./model-file.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER } from "./names.js";
import { loadNetwork, networkDigest, networkTensors } from "./network-file.js";
import { writeSafetensors } from "./safetensors.js";

export interface StyleFile {
  readonly style: StyleEncoder;
  /** Digest of the generator it was trained to invert. */
  readonly generator: string;
}

/** The bytes of a style encoder's file. */
export async function encodeStyle({ style, generator }: StyleFile): Promise<Uint8Array> {
  const metadata = { format: FORMAT, "style.options": JSON.stringify(style.options), "style.generator": JSON.stringify(generator) };
  return writeSafetensors(await networkTensors("style", style), metadata);
}

/** @throws UserError when the file is missing, damaged, or no style encoder */
export async function readStyle(path: string): Promise<StyleFile> {
  const file = await openModelFile(path);
  const style = new StyleEncoder(setting<StyleEncoderOptions>(file, path, "style.options"), ganInitializers(new RandomStream(0)));
  loadNetwork("style", style, file.tensors, path);
  return { style, generator: setting<string>(file, path, "style.generator") };
}

/**
 * The style encoder of a run.
 * @returns it, and what the user should know: that the generator is another now than when it was trained.
 * @throws UserError when the run has none yet
 */
export async function styleOfRun(run: string, model: LoadedModel): Promise<{ style: StyleEncoder; warnings: readonly string[] }> {
  const path = join(run, STYLE_FOLDER, STYLE_ENCODER_NAME);
  if (!existsSync(path)) throw new UserError(`${run} has no style encoder yet: npm run train-style -- --run ${run}`);
  const { style, generator } = await readStyle(path);
  const same = generator === (await networkDigest(model.generator));
  return { style, warnings: same ? [] : [`${path} was trained with another generator than ${model.path} holds: styles will be off`] };
}
