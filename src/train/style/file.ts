/** A finished style encoder as a safetensors file, and taking it from the folder of the run whose generator it inverts. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RandomStream } from "../../random/philox.js";
import { commandLine } from "../../command-line.js";
import { UserError } from "../../errors.js";
import { ganInitializers } from "../../models/initializers.js";
import { StyleEncoder, type StyleEncoderOptions } from "../../models/style-encoder.js";
import type { LoadedModel } from "../../node/files/load-model.js";
import { FORMAT, openModelFile, setting } from "../gan/model-file.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER } from "../run/names.js";
import type { GeneratorKind } from "../gan/options.js";
import { loadNetwork, networkDigest, networkTensors } from "../run/network-file.js";
import { writeSafetensors } from "../../formats/safetensors.js";

export interface StyleFile {
  readonly style: StyleEncoder;
  /** Digest of the generator it was trained to invert, and which of the run's it was. */
  readonly generator: string;
  readonly kind: GeneratorKind;
}

/** The bytes of a style encoder's file. */
export async function encodeStyle({ style, generator, kind }: StyleFile): Promise<Uint8Array> {
  const metadata = {
    format: FORMAT,
    "style.options": JSON.stringify(style.options),
    "style.generator": JSON.stringify(generator),
    "style.generator.kind": JSON.stringify(kind),
  };
  return writeSafetensors(await networkTensors("style", style), metadata);
}

/** @throws UserError when the file is missing, damaged, or no style encoder */
export async function readStyle(path: string): Promise<StyleFile> {
  const file = await openModelFile(path);
  const style = new StyleEncoder(setting<StyleEncoderOptions>(file, path, "style.options"), ganInitializers(new RandomStream(0)));
  loadNetwork("style", style, file.tensors, path);
  const kind = setting<GeneratorKind>(file, path, "style.generator.kind");
  return { style, generator: setting<string>(file, path, "style.generator"), kind };
}

/** The style encoder of a run. @throws UserError when the run has none yet */
export async function styleOfRun(run: string): Promise<StyleFile> {
  const path = join(run, STYLE_FOLDER, STYLE_ENCODER_NAME);
  if (existsSync(path)) return readStyle(path);
  // Named as what it is: a model file has no style encoder, a run can get one.
  const isRun = existsSync(join(run, "config.json"));
  throw new UserError(
    isRun
      ? `${run} has no style encoder yet: ${commandLine("train-style", "--run", run)}`
      : `${run} holds no run, and only a run has a style encoder`,
  );
}

/** What the user should know when styles of one are drawn by the other. */
export async function mismatch({ generator }: StyleFile, model: LoadedModel): Promise<string | undefined> {
  if (generator === (await networkDigest(model.generator))) return undefined;
  return `the style encoder was trained with another generator than ${model.path} holds: styles will be off (${commandLine("train-style")})`;
}
