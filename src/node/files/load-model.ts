/** A trained model as the drawing commands want it: from a run's folder or a model file, with the averaged or the raw generator. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "../../command-line.js";
import { UserError } from "../../errors.js";
import type { TextEncoder } from "../../models/text-encoder.js";
import { type GanFile, type GeneratorFile, readGan, readGenerator } from "../../train/gan/model-file.js";
import { MODEL_NAME } from "../../train/run/names.js";
import { loadNetwork } from "../../train/run/network-file.js";
import type { GeneratorKind } from "../../train/gan/options.js";
import { RunFolder } from "../../train/run/run-folder.js";
import { readBytes, readPath } from "./read-bytes.js";

interface Loaded {
  /** The file that the generator came from. */
  readonly path: string;
  /** What the user should know: that a damaged checkpoint was passed over, that another tool wrote the file. */
  readonly warnings: readonly string[];
}

/** A model that takes sentences. */
export interface LoadedModel extends GanFile, Loaded {}

/** A model that takes embeddings, whether or not it has a text encoder. */
export type LoadedGenerator = GeneratorFile & Loaded;

/**
 * @param source A run's folder, or a model file.
 * @param kind Which generator; by default the one that drew the run's samples.
 * @param textEncoder File of the text encoder, of a model that was trained on given embeddings.
 * @throws UserError when there is none, when it is damaged, or when there is no generator of that kind, or no text encoder.
 */
export const loadModel = (source: string, kind?: GeneratorKind, textEncoder?: string): Promise<LoadedModel> =>
  load(source, kind, async (bytes, name) =>
    readGan(bytes, name, textEncoder === undefined ? undefined : { bytes: await readBytes(textEncoder), name: textEncoder }),
  );

/** The same for who brings embeddings. */
export const loadGenerator = (source: string, kind?: GeneratorKind): Promise<LoadedGenerator> => load(source, kind, readGenerator);

async function load<File extends GeneratorFile>(
  source: string,
  kind: GeneratorKind | undefined,
  read: (bytes: Uint8Array, name: string) => Promise<File>,
): Promise<File & Loaded> {
  if (!existsSync(source)) throw new UserError(`${source}: no such run or model file`);
  const isRun = statSync(source).isDirectory();
  const path = isRun ? join(source, MODEL_NAME) : source;
  if (!existsSync(path))
    throw new UserError(
      `${source} has no ${MODEL_NAME} yet: it is written with the first checkpoint (${commandLine("train", "--resume", source)})`,
    );
  const file = await readPath(path, read);
  const model: File & Loaded = { ...file, path, warnings: file.fileWarnings ?? [] };
  if (kind === undefined) return model;
  if (isRun) return fromRun(source, model, kind);
  if (model.kind === kind) return model;
  const held = model.kind ? `the ${model.kind} generator only` : "one generator, and does not say which";
  throw new UserError(`${source} holds ${held}: for --generator ${kind} give the run's folder, whose checkpoint holds what was trained`);
}

async function fromRun<Model extends LoadedGenerator>(run: string, model: Model, kind: GeneratorKind): Promise<Model> {
  const folder = RunFolder.open(run);
  const drawn = folder.readConfig().ema > 0 ? "ema" : "raw";
  if (kind === drawn) return { ...model, kind };
  if (kind === "ema") throw new UserError(`${run} was trained with --ema 0: it has no averaged generator, only --generator raw`);
  const { tensors, path, refused } = await folder.loadCheckpoint();
  loadNetwork("generator", model.generator, tensors, path);
  // A text encoder that is trained with the GAN goes with its generator.
  if ("encoder" in model && tensors.has("text.project.weight")) loadNetwork("text", model.encoder as TextEncoder, tensors, path);
  return { ...model, kind, path, warnings: [...model.warnings, ...refused] };
}
