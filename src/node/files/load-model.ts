/** A trained model as the drawing commands want it: from a run's folder or a model file, with the averaged or the raw generator. */
import { existsSync, statSync } from "node:fs";
import { UserError } from "../../errors.js";
import { type GanFile, type GeneratorFile, readGan, readGenerator } from "../../train/gan/model-file.js";
import type { GeneratorKind } from "../../train/gan/options.js";
import { GAN_RUN } from "../../train/gan/run-kind.js";
import { type ModelReader, modelOfRun } from "../../train/gan/run-model.js";
import { Run } from "../../train/run/run.js";
import { FolderStore } from "./folder-store.js";
import { readBytes, readPath } from "./read-bytes.js";
import { openRun } from "./run-folder.js";

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
  read: ModelReader<File>,
): Promise<File & Loaded> {
  if (!existsSync(source)) throw new UserError(`${source}: no such run or model file`);
  if (statSync(source).isDirectory()) {
    // A folder with a model in it is enough, unless more is asked for than the model.
    const run = await (kind === undefined ? Run.in(new FolderStore(source), GAN_RUN) : openRun(source));
    const { model, path, warnings } = await modelOfRun(run, kind, read);
    return { ...model, path, warnings };
  }
  const model = await readPath(source, read);
  const loaded = { path: source, warnings: model.fileWarnings ?? [] };
  if (kind === "raw" && model.raw) return { ...model, ...loaded, ...{ generator: model.raw, kind } };
  if (kind !== undefined && model.kind !== kind) {
    const held = model.kind ? `the ${model.kind} generator only` : "one generator, and does not say which";
    throw new UserError(`${source} holds ${held}: for --generator ${kind} give the run's folder, whose checkpoint holds what was trained`);
  }
  return { ...model, ...loaded };
}
