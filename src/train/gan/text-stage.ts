/** Stage 1 of a run: a text encoder, given, kept from an earlier run, or trained now. */
import { type Dataset, trainingClasses } from "../../data/dataset.js";
import type { Symbols } from "../../data/symbols.js";
import { Vocabulary } from "../../data/vocabulary.js";
import { UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { DOCUMENT_LENGTHS } from "../../models/text-encoder.js";
import { datasetDigest, keep, keyOf } from "../run/cache.js";
import type { TrainHooks } from "../run/events.js";
import { encodeTextEncoder, readTextEncoder, type TextEncoderFile } from "../text/encoder-file.js";
import type { TrainOptions } from "./options.js";
import type { Run } from "../run/run.js";
import { pathIn, type RunStore } from "../run/store.js";
import { readSafetensors, writeSafetensors } from "../../formats/safetensors.js";
import { JointEmbedding } from "../text/joint-embedding.js";
import { type JointTraining, PLAIN_TRAINING } from "../text/joint-training.js";
import { ALONE, type World } from "../run/world.js";
import { finishedEncoder } from "../text/text-model.js";

/** A text encoder that is not finished yet, in the run's folder. */
const PART_NAME = "text-encoder.part.safetensors";

/** Raised with every change that makes encoders of the same settings come out different. */
const VERSION = 2;

/** Width of the image network that is trained beside a text encoder. */
const IMAGE_WIDTH: Readonly<Record<TrainOptions["preset"], number>> = { tiny: 8, small: 16, medium: 32, paper: 64, "coco-paper": 64 };

/** Words that occur less often in the training captions are unknown. */
const LEAST_OFTEN = 5;

/** How the run's options train a text encoder. */
export function jointTraining(options: TrainOptions): JointTraining {
  const { textForm: form, textWidth: width, textSize: embedding, textCell: cell, textNgrams, textSteps: steps, seed } = options;
  const imageWidth = IMAGE_WIDTH[options.preset];
  if (form === "bag-of-words") {
    // A single layer bears a larger rate, and four captions cost little more than one.
    const text = { form, width: 0, embedding, length: textNgrams * DOCUMENT_LENGTHS[form] };
    return { ...PLAIN_TRAINING, learningRate: 3e-3, numCaptions: 4, steps, seed, text, imageWidth };
  }
  // Kept encoders' names are made of this as it is written: the paper's form says nothing of itself.
  const text = { ...(form !== "char-cnn-rnn" && { form }), width, embedding, ...(form.endsWith("-rnn") && { cell }) };
  return { ...PLAIN_TRAINING, steps, seed, text, imageWidth };
}

/** Characters of the data set, or words of its training captions. @throws UserError where captions hold no words */
export function symbolsOf(dataset: Dataset, { textForm: form, textNgrams }: Pick<TrainOptions, "textForm" | "textNgrams">): Symbols {
  if (form.startsWith("char")) return dataset.alphabet;
  const captions = dataset.imagesOfSplit("train").flatMap((image) => dataset.captionsOf(image));
  const words = (minimum: number) => Vocabulary.fromCaptions(captions, minimum, form === "bag-of-words" ? textNgrams : 1);
  try {
    return words(LEAST_OFTEN);
  } catch {
    // A handful of captions.
  }
  try {
    return words(1);
  } catch {
    throw new UserError(`the captions of ${dataset.name} hold no words: read characters (--text-form char-cnn-rnn)`);
  }
}

/** The name under which a text encoder of these options is kept for later runs with the same data, once it is trained. */
export function keptTextEncoder(dataset: Dataset, options: TrainOptions, ranks = 1): string {
  // Which of the captions' words are read is said for words only: encoders of characters keep the names that they have had.
  const words = options.textForm.startsWith("char") ? [] : [{ leastOften: LEAST_OFTEN, ngrams: options.textNgrams }];
  // One that ranks trained together has other bits: batch norm is of each one's rows.
  const together = ranks > 1 ? [{ ranks }] : [];
  return `text-encoder-${keyOf(VERSION, datasetDigest(dataset), jointTraining(options), ...words, ...together)}.safetensors`;
}

/** The ranks that train the encoder together. Where a batch has fewer rows than there are ranks, each trains it by itself, all alike. */
function togetherIn(world: World, dataset: Dataset, options: TrainOptions): World {
  return Math.min(jointTraining(options).batch, trainingClasses(dataset).length) < world.size ? ALONE : world;
}

/** True where there is nothing to train. */
export async function isTextEncoderKept(
  dataset: Dataset,
  options: TrainOptions,
  cache: RunStore | undefined,
  world: World,
): Promise<boolean> {
  const name = keptTextEncoder(dataset, options, togetherIn(world, dataset, options).size);
  return cache !== undefined && (await cache.read(name)) !== undefined;
}

/**
 * A text encoder kept from an earlier run with the same data and settings, or a new one.
 * @param run Where an interrupted training is kept, and its losses are written.
 * @param cache Where finished encoders are kept for later runs.
 * @param ranks Those that train it together.
 * @returns undefined when the signal ended the training.
 */
export async function obtainTextEncoder(
  device: Device,
  dataset: Dataset,
  options: TrainOptions,
  run: Run<TrainOptions>,
  cache: RunStore | undefined,
  { onEvent, signal, pace }: TrainHooks,
  ranks: World = ALONE,
): Promise<TextEncoderFile | undefined> {
  const training = jointTraining(options);
  const world = togetherIn(ranks, dataset, options);
  const name = keptTextEncoder(dataset, options, world.size);
  const kept = await cache?.read(name);
  if (cache && kept) {
    try {
      const model = await readTextEncoder(kept, pathIn(cache, name));
      onEvent({ kind: "message", text: `text encoder: kept from an earlier run with the same data and settings (${pathIn(cache, name)})` });
      return model;
    } catch (error) {
      onEvent({ kind: "warning", text: `${(error as Error).message}; it is trained anew` });
    }
  }
  const symbols = symbolsOf(dataset, options);
  onEvent({ kind: "message", text: `text encoder: ${options.textForm} of ${symbols.size} ${symbols.unit}, ${training.steps} steps` });
  const joint = new JointEmbedding(device, { dataset, symbols, classes: dataset.split.train }, training, world);
  const part = await run.readFile(PART_NAME);
  if (part) {
    try {
      const { tensors, metadata } = await readSafetensors(part, run.inside(PART_NAME), { sealed: true });
      joint.restore(Number(metadata.get("step")), tensors, run.inside(PART_NAME));
    } catch (error) {
      onEvent({ kind: "warning", text: `${(error as Error).message}; the text encoder is trained from the start` });
    }
  }
  await run.truncateMetrics("text encoder", joint.step, (text) => onEvent({ kind: "warning", text }));
  // Captions of one class have nothing to be told apart by: every loss would be 0.
  const steps = trainingClasses(dataset).length > 1 ? training.steps : 0;
  if (steps === 0)
    onEvent({
      kind: "warning",
      text: `${dataset.name} has one training ${dataset.classless ? "image" : "class"}: its text encoder learns nothing, and stays as it began`,
    });
  let last = performance.now();
  const report = async (step: number, loss: number, rows: number): Promise<void> => {
    const now = performance.now();
    const imagesPerSecond = (1000 * rows) / (now - last);
    last = now;
    await run.appendMetrics({ stage: "text encoder", step, loss });
    onEvent({ kind: "step", stage: "text encoder", step, steps, imagesPerSecond, metrics: { loss } });
  };
  const stop = joint.stopping(signal);
  if (joint.step < steps) await joint.prepare();
  while (joint.step < steps && !stop.aborted) {
    const next = (Math.floor(joint.step / options.checkpointEvery) + 1) * options.checkpointEvery;
    await joint.train(Math.min(steps, next), report, signal, pace);
    await joint.meet();
    if (joint.step < steps)
      await run.writeFile(PART_NAME, await writeSafetensors(await joint.model.tensors(), { step: String(joint.step) }));
  }
  await joint.destroy();
  if (joint.step < steps) return undefined;
  const model = await finishedEncoder(device, joint);
  if (cache) await keep(cache, name, await encodeTextEncoder(model), onEvent);
  await run.removeFile(PART_NAME);
  return model;
}
