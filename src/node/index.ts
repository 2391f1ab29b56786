/**
 * petalgrad/node: what petalgrad does with files. Data sets on disk, run folders, pictures, drawing from paths, evaluation. What needs no
 * files is in "petalgrad".
 */

// Data sets: flowers, birds, and folders of their layout, prepared once and kept.
export { defaultCacheDir, openDataset, requireDataset } from "./datasets/open.js";
export { DATASET_NAMES } from "../data/dataset-names.js";
export type { DataProgress, OpenOptions } from "./datasets/options.js";
export { readPacked, writePacked } from "./datasets/packed-file.js";

// Embeddings that others made, and ours for others.
export { type ExportedEmbeddings, exportEmbeddings } from "./datasets/embeddings/export-embeddings.js";
export { openEmbeddings } from "./datasets/embeddings/given-embeddings.js";

// Runs and models on disk.
export { FolderStore } from "./files/folder-store.js";
export { type LoadedGenerator, type LoadedModel, loadGenerator, loadModel } from "./files/load-model.js";
export { styleOfRun } from "./files/style-of-run.js";

// A model as one file to give away: the export command.
export {
  type ExportedModel,
  exportModel,
  type ExportRequest,
  MODEL_FORMATS,
  MODEL_PARTS,
  type ModelFormat,
  type ModelPart,
} from "./export.js";

// Pictures as files, photographs as pixels.
export { animation, type AnimationOptions } from "./files/animation.js";
export { encodePng } from "./files/png.js";
export { readPhoto } from "./datasets/decode.js";

// Training in a run's folder, from data sets and files by their paths: the train, train-text and train-style commands.
export { type StyleRequest, type TextTrainRequest, train, type TrainRequest, trainStyle, trainText } from "./train.js";

// Drawing from a run's folder or a model file, on a device that goes when it is done: the sample, restyle and interpolate commands.
export {
  type Drawn,
  type DrawingRequest,
  interpolate,
  type InterpolateRequest,
  restyle,
  type RestyleRequest,
  sample,
  type SampleRequest,
  type Samples,
  type StyleFileSource,
} from "./drawing.js";

// Evaluation: every measure on every generator of some runs, and text encoders beside one another.
export { type EvaluateRequest, evaluateRuns } from "./evaluate/evaluate.js";
export { type Evaluated, evaluateToFiles } from "./evaluate/files.js";
export { evaluateTextEncoderFiles, type TextEvaluationRequest } from "./evaluate/text-encoders.js";
export { type Questions } from "../evaluate/evaluate.js";
export { markdownTable, type Report, textTable } from "../evaluate/report.js";
export type { EncoderReport, TextReport } from "../evaluate/text-encoders.js";
