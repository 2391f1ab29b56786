/** Stage 1 of a run: a text encoder (given, kept from an earlier run, or trained now) and the embeddings of all captions. */
import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultCacheDir } from "../data/open.js";
import type { Dataset } from "../data/dataset.js";
import { UserError } from "../errors.js";
import type { Device } from "../gpu/device.js";
import { writeFileAtomic } from "./atomic-file.js";
import { CaptionEncoder, normalisationOf, normalise, type TextModel } from "./captions.js";
import type { TrainHooks } from "./hooks.js";
import { encodeTextEncoder, readTextEncoder, type TextEncoderFile } from "./model-file.js";
import type { TrainOptions } from "./options.js";
import type { RunFolder } from "./run-folder.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { JointEmbedding, type JointTraining } from "./text-encoder.js";

/** A text encoder that is not finished yet, in the run's folder. */
const PART_NAME = "text-encoder.part.safetensors";

/** Raised with every change that makes encoders of the same settings come out different. */
const VERSION = 1;

/** Width of the image network that is trained beside a text encoder. */
const IMAGE_WIDTH: Readonly<Record<TrainOptions["preset"], number>> = { tiny: 8, small: 16, medium: 32, paper: 64 };

/** How the run's options train a text encoder. */
export function jointTraining(options: TrainOptions): JointTraining {
  return {
    ...{ steps: options.textSteps, seed: options.seed, batch: 40, learningRate: 1e-3, warmUp: 100, shift: 4 },
    text: { width: options.textWidth, embedding: options.textSize, cell: options.textCell },
    imageWidth: IMAGE_WIDTH[options.preset],
  };
}

/**
 * The run's text encoder: `--text-encoder FILE`, or one kept from an earlier run with the same data and settings, or a new one.
 * @param folder Where an interrupted training is kept, and its losses are written.
 * @returns undefined when the signal ended the training.
 */
export async function obtainTextEncoder(
  device: Device,
  dataset: Dataset,
  options: TrainOptions,
  folder: RunFolder,
  { onEvent, signal }: TrainHooks,
): Promise<TextEncoderFile | undefined> {
  if (options.textEncoder) {
    const model = await readTextEncoder(options.textEncoder);
    if (model.alphabet.size !== dataset.alphabet.size)
      onEvent({ kind: "warning", text: `${options.textEncoder} was trained with another alphabet` });
    return model;
  }
  const training = jointTraining(options);
  const kept = join(defaultCacheDir(), `text-encoder-${digest(VERSION, fingerprint(dataset), training)}.safetensors`);
  if (existsSync(kept)) {
    try {
      const model = await readTextEncoder(kept);
      onEvent({ kind: "message", text: `text encoder: kept from an earlier run with the same data and settings (${kept})` });
      return model;
    } catch (error) {
      onEvent({ kind: "warning", text: `${(error as Error).message}; it is trained anew` });
    }
  }
  const joint = new JointEmbedding(device, dataset, training);
  const part = folder.inside(PART_NAME);
  if (existsSync(part)) {
    try {
      const { tensors, metadata } = await readSafetensors(await readFile(part), part, { sealed: true });
      joint.restore(Number(metadata.get("step")), tensors, part);
    } catch (error) {
      onEvent({ kind: "warning", text: `${(error as Error).message}; the text encoder is trained from the start` });
    }
  }
  folder.truncateMetrics("text encoder", joint.step);
  const { steps } = training;
  let last = performance.now();
  const report = (step: number, loss: number, rows: number): void => {
    const now = performance.now();
    const imagesPerSecond = (1000 * rows) / (now - last);
    last = now;
    folder.appendMetrics({ stage: "text encoder", step, loss });
    onEvent({ kind: "step", stage: "text encoder", step, steps, imagesPerSecond, metrics: { loss } });
  };
  while (joint.step < steps && !signal.aborted) {
    const next = (Math.floor(joint.step / options.checkpointEvery) + 1) * options.checkpointEvery;
    await joint.train(Math.min(steps, next), report, signal);
    if (joint.step < steps) folder.writeFile(PART_NAME, await writeSafetensors(await joint.tensors(), { step: String(joint.step) }));
  }
  await joint.destroy();
  if (joint.step < steps) return undefined;
  const raw: TextModel = {
    encoder: joint.text,
    alphabet: dataset.alphabet,
    normalisation: { center: new Float32Array(options.textSize), scale: 1 },
  };
  const trainImages = dataset.imagesOfSplit("train");
  const sample = trainImages.flatMap((image) => dataset.captionsOf(image).slice(0, 1));
  const captions = new CaptionEncoder(device, raw.encoder, raw.alphabet);
  const normalisation = normalisationOf(await captions.encode(sample), options.textSize);
  await captions.destroy();
  const model = { ...raw, normalisation, image: joint.image };
  await keep(kept, await encodeTextEncoder(model), onEvent);
  rmSync(part, { force: true });
  return model;
}

/** Normalised embeddings of all the data set's captions, [captions, size]; kept on disk under a key that changes with the encoder. */
export async function embedCaptions(
  device: Device,
  dataset: Dataset,
  model: TextModel,
  file: Uint8Array,
  { onEvent }: TrainHooks,
): Promise<Float32Array> {
  const size = model.encoder.options.embedding;
  const kept = join(
    defaultCacheDir(),
    `captions-${digest(VERSION, fingerprint(dataset), createHash("sha256").update(file).digest("hex"))}.safetensors`,
  );
  if (existsSync(kept)) {
    try {
      const { tensors } = await readSafetensors(await readFile(kept), kept, { sealed: true });
      const table = tensors.get("embeddings");
      if (table?.dtype === "F32" && table.data.length === dataset.captions * size) return table.data;
      throw new UserError(`${kept} holds something else`);
    } catch (error) {
      onEvent({ kind: "warning", text: `${(error as Error).message}; the captions are embedded anew` });
    }
  }
  const texts = Array.from({ length: dataset.captions }, (_, i) => dataset.caption(i));
  // Many captions occur more than once.
  const distinct = [...new Set(texts)];
  const place = new Map(distinct.map((text, i) => [text, i]));
  const encoder = new CaptionEncoder(device, model.encoder, model.alphabet);
  const started = performance.now();
  const raw = await encoder.encode(distinct, (done) =>
    onEvent({ kind: "work", what: "embedding captions", unit: "captions", done, total: distinct.length }),
  );
  await encoder.destroy();
  const rate = (1000 * distinct.length) / (performance.now() - started);
  onEvent({ kind: "message", text: `${distinct.length} captions embedded, ${rate.toFixed(0)} a second` });
  normalise(raw, model.normalisation);
  const table = new Float32Array(texts.length * size);
  texts.forEach((text, i) => table.set(raw.subarray(place.get(text)! * size, (place.get(text)! + 1) * size), i * size));
  await keep(kept, await writeSafetensors([["embeddings", { dtype: "F32", shape: [texts.length, size], data: table }]], {}), onEvent);
  return table;
}

async function keep(path: string, bytes: Uint8Array, onEvent: TrainHooks["onEvent"]): Promise<void> {
  try {
    await mkdir(defaultCacheDir(), { recursive: true });
    writeFileAtomic(path, bytes);
  } catch (error) {
    onEvent({ kind: "warning", text: `${path} cannot be kept for the next run (${(error as Error).message})` });
  }
}

const prints = new WeakMap<Dataset, string>();

/** Changes with any image or caption. */
function fingerprint(dataset: Dataset): string {
  const known = prints.get(dataset);
  if (known) return known;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([dataset.size, dataset.classes, dataset.split, dataset.alphabet]));
  for (let image = 0; image < dataset.images; image++) {
    hash.update(dataset.pixels(image));
    hash.update(JSON.stringify(dataset.captionsOf(image)));
  }
  const print = hash.digest("hex");
  prints.set(dataset, print);
  return print;
}

const digest = (...parts: unknown[]): string => createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
