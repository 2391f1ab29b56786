/** Runs on disk as subjects of an evaluation. */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { commandLine } from "../../command-line.js";
import type { Dataset } from "../../data/dataset.js";
import { UserError } from "../../errors.js";
import { styleAmong, type Subject } from "../../evaluate/subject.js";
import type { Device } from "../../gpu/device.js";
import { RandomStream } from "../../random/philox.js";
import { loadGanTensors } from "../../train/gan/checkpoint.js";
import { Gan } from "../../train/gan/gan.js";
import { readTextEncoder } from "../../train/text/encoder-file.js";
import type { TrainHooks } from "../../train/run/events.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER, TEXT_ENCODER_NAME } from "../../train/run/names.js";
import { shareStore } from "../../train/run/ranks.js";
import { sharedBy } from "../../train/run/shared-work.js";
import { ALONE, type World } from "../../train/run/world.js";
import { readStyle } from "../../train/style/file.js";
import { CaptionTable } from "../../train/text/caption-table.js";
import { cutCaptionsNote } from "../../train/text/sentences.js";
import { cacheFolder } from "../files/cache-folder.js";
import { readBytes, readPath } from "../files/read-bytes.js";
import { openRun as openRunFolder } from "../files/run-folder.js";

/** A run that has a checkpoint. */
export interface RunSubject extends Subject {
  readonly captions: CaptionTable;
}

/**
 * @param world The ranks that share the work: each opens the run.
 * @throws UserError where the folder holds no run, or none that has a checkpoint yet
 */
export async function openRun(
  device: Device,
  path: string,
  dataset: Dataset,
  { onEvent }: TrainHooks,
  world: World = ALONE,
): Promise<RunSubject> {
  const run = await openRunFolder(path);
  const options = await run.readConfig();
  if (!run.hasCheckpoint)
    throw new UserError(`${path} has no checkpoint to evaluate yet; go on with: ${commandLine("train", "--resume", path)}`);
  const file = run.inside(TEXT_ENCODER_NAME);
  const bytes = await readBytes(file);
  const text = await readTextEncoder(bytes, file);
  const sentences = Array.from({ length: dataset.captions }, (_, i) => dataset.caption(i));
  const cut = cutCaptionsNote(sentences, text.alphabet, text.encoder.options.length);
  if (cut !== undefined) onEvent({ kind: "warning", text: `${path}: ${cut}` });
  const gan = new Gan({ ...options, textSize: text.encoder.options.embedding }, new RandomStream(0));
  const checkpoint = await run.loadCheckpoint();
  for (const refused of checkpoint.refused) onEvent({ kind: "warning", text: refused });
  loadGanTensors(gan, checkpoint.tensors, checkpoint.path);
  const raw = ["raw", gan.generator] as const;
  const generators = gan.average === gan.generator ? [raw] : [["ema", gan.average] as const, raw];
  const style = run.inside(join(STYLE_FOLDER, STYLE_ENCODER_NAME));
  return {
    ...{ name: basename(resolve(path)), generators },
    captions: await CaptionTable.open(device, dataset, text, bytes, shareStore(world, cacheFolder()), { onEvent }, sharedBy(world)),
    style: existsSync(style) ? await styleAmong(await readPath(style, readStyle), generators) : undefined,
    styleCommand: commandLine("train-style", "--run", path),
  };
}

/** Runs one after the other, as they are asked for; what was embedded of their captions is kept for the next time. */
export async function* openRuns(
  device: Device,
  paths: readonly string[],
  dataset: Dataset,
  hooks: TrainHooks,
  world: World = ALONE,
): AsyncGenerator<RunSubject, void, undefined> {
  for (const path of paths) {
    const run = await openRun(device, path, dataset, hooks, world);
    yield run;
    await run.captions.keep(hooks.onEvent);
  }
}
