/** `petalgrad evaluate --text-encoder`: files of text encoders, measured on a data set. */
import { basename, dirname } from "node:path";
import { evaluateTextEncoders, type TextReport } from "../../evaluate/text-encoders.js";
import { openDevice } from "../../gpu/device.js";
import { ImageEncoder } from "../../models/image-encoder.js";
import { readTextEncoder } from "../../train/text/encoder-file.js";
import type { TrainHooks } from "../../train/run/events.js";
import { TEXT_ENCODER_NAME } from "../../train/run/names.js";
import { openImageFeatures } from "../datasets/image-features.js";
import { ownOptions, type OwnGiven } from "../datasets/run-data.js";
import { openWithProgress } from "../datasets/open-with-progress.js";
import { readPath } from "../files/read-bytes.js";

/** Which text encoders are evaluated, and on what. */
export interface TextEvaluationRequest extends OwnGiven {
  /** Files of text encoders, the first the one in question. */
  readonly files: readonly string[];
  readonly dataset: string;
  readonly dataDir?: string | undefined;
  readonly captions?: string | undefined;
  readonly imageFeatures?: string | undefined;
  /** Of the draws of sentences. */
  readonly seed: number;
}

/** @throws UserError when a file is no text encoder, or the data set has no unseen classes */
export async function evaluateTextEncoderFiles(request: TextEvaluationRequest, hooks: TrainHooks): Promise<TextReport> {
  const { files, captions, imageFeatures, seed } = request;
  const models = await Promise.all(files.map((file) => readPath(file, readTextEncoder)));
  const sized = models.find(({ image }) => image instanceof ImageEncoder)?.image as ImageEncoder | undefined;
  const wanted = {
    ...(sized && { size: sized.options.imageSize }),
    ...(request.dataDir !== undefined && { dataDir: request.dataDir }),
    ...(captions !== undefined && { captions }),
    ...ownOptions(request),
  };
  const dataset = await openWithProgress(request.dataset, wanted, hooks);
  const features = imageFeatures === undefined ? undefined : await openImageFeatures(imageFeatures, dataset);
  const encoders = models.map((model, i) => ({ model, file: files[i]!, name: nameOf(files[i]!) }));
  const device = await openDevice();
  try {
    return await evaluateTextEncoders(device, dataset, encoders, { language: captions, features, seed }, hooks);
  } finally {
    device.destroy();
  }
}

/** The run's folder, or the file itself where it has another name. */
const nameOf = (file: string): string =>
  basename(file) === TEXT_ENCODER_NAME ? basename(dirname(file)) : basename(file).replace(/\.safetensors$/, "");
