/** The model that a run has made so far, with the averaged or the raw generator. */
import { commandLine } from "../../command-line.js";
import { UserError } from "../../errors.js";
import { Discriminator } from "../../models/discriminator.js";
import { Generator } from "../../models/generator.js";
import { ganInitializers } from "../../models/initializers.js";
import type { TextEncoder } from "../../models/text-encoder.js";
import { RandomStream } from "../../random/philox.js";
import { MODEL_NAME } from "../run/names.js";
import { loadNetwork, networkFrom } from "../run/network-file.js";
import type { Run } from "../run/run.js";
import { type GanFile, type GeneratorFile, readGan } from "./model-file.js";
import type { GeneratorKind, TrainOptions } from "./options.js";

export interface RunModel<Model extends GeneratorFile> {
  readonly model: Model;
  /** The file that the generator came from. */
  readonly path: string;
  /** What the user should know: that a damaged checkpoint was passed over, that another tool wrote the file. */
  readonly warnings: readonly string[];
}

/** Reads a model file's bytes; `name` names it in messages. */
export type ModelReader<Model> = (bytes: Uint8Array, name: string) => Promise<Model>;

/**
 * @param kind Which generator; by default the one that drew the run's samples.
 * @throws UserError when there is no model yet, when it is damaged, or when the run has no generator of that kind
 */
export function modelOfRun(run: Run<TrainOptions>, kind?: GeneratorKind): Promise<RunModel<GanFile>>;
export function modelOfRun<Model extends GeneratorFile>(
  run: Run<TrainOptions>,
  kind: GeneratorKind | undefined,
  read: ModelReader<Model>,
): Promise<RunModel<Model>>;
export async function modelOfRun(
  run: Run<TrainOptions>,
  kind?: GeneratorKind,
  read: ModelReader<GeneratorFile> = readGan,
): Promise<RunModel<GeneratorFile>> {
  const bytes = await run.readFile(MODEL_NAME);
  if (!bytes)
    throw new UserError(
      `${run.path} has no ${MODEL_NAME} yet: it is written with the first checkpoint (${commandLine("train", "--resume", run.path)})`,
    );
  const path = run.inside(MODEL_NAME);
  const model = await read(bytes, path);
  const warnings = model.fileWarnings ?? [];
  if (kind === undefined) return { model, path, warnings };
  const drawn = (await run.readConfig()).ema > 0 ? "ema" : "raw";
  if (kind === drawn) return { model: { ...model, kind }, path, warnings };
  if (kind === "ema") throw new UserError(`${run.path} was trained with --ema 0: it has no averaged generator, only --generator raw`);
  const checkpoint = await run.loadCheckpoint();
  loadNetwork("generator", model.generator, checkpoint.tensors, checkpoint.path);
  // A text encoder that is trained with the GAN goes with its generator.
  if ("encoder" in model && checkpoint.tensors.has("text.project.weight"))
    loadNetwork("text", model.encoder as TextEncoder, checkpoint.tensors, checkpoint.path);
  return { model: { ...model, kind }, path: checkpoint.path, warnings: [...warnings, ...checkpoint.refused] };
}

/** What a run's newest checkpoint holds beside what draws its samples. */
export interface RunParts {
  readonly discriminator: Discriminator;
  /** The generator as it was trained; none where that itself draws. */
  readonly raw?: Generator;
  /** What the user should know: that a damaged checkpoint was passed over. */
  readonly warnings: readonly string[];
}

/**
 * The networks of a run that its model file leaves out.
 * @throws UserError when there is no sound checkpoint, or raw is asked for and its texts are not read by the model's encoder
 */
export async function partsOfRun(run: Run<TrainOptions>, { raw = false }: { readonly raw?: boolean } = {}): Promise<RunParts> {
  const options = await run.readConfig();
  const { tensors, path, refused } = await run.loadCheckpoint();
  if (raw && options.ema > 0 && tensors.has("text.project.weight"))
    throw new UserError(
      `${run.path}: its text encoder was trained with the GAN, and each generator has its own; a file holds one of them (--generator raw)`,
    );
  const initial = ganInitializers(new RandomStream(0));
  // A text encoder's file, or embeddings, may be of another length than the option says.
  const textSize = tensors.get("discriminator.text.weight")?.shape[1] ?? options.textSize;
  const trained = { ...options, textSize };
  const judge = () => new Discriminator({ ...trained, width: options.discriminatorWidth }, initial);
  const discriminator = networkFrom("discriminator", tensors, path, judge);
  const drawing = () => new Generator({ ...trained, width: options.generatorWidth }, initial);
  return { discriminator, ...(raw && options.ema > 0 && { raw: networkFrom("generator", tensors, path, drawing) }), warnings: refused };
}
