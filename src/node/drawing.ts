/** Drawing as the commands want it: from a run's folder or a model file, photographs from image files, on a device that goes when it is done. */
import { embeddingOf } from "../data/embeddings/pick.js";
import { DrawingModel } from "../drawing/drawing-model.js";
import {
  type Course,
  interpolate as interpolateWith,
  type Interpolation,
  type InterpolationOptions,
  points,
} from "../drawing/interpolate.js";
import { restyle as restyleWith, type Restyled } from "../drawing/restyle.js";
import { sample as sampleWith, sampleEmbeddings, type SampleOptions } from "../drawing/sample.js";
import { StyledModel, type StyleReading } from "../drawing/styled-model.js";
import { UserError } from "../errors.js";
import { openDevice } from "../gpu/device.js";
import { joined } from "../tensor/rows.js";
import type { GeneratorFile } from "../train/gan/model-file.js";
import type { GeneratorKind } from "../train/gan/options.js";
import { tuneModeFor, type TuneMode } from "../train/run/options.js";
import type { TrainHooks } from "../train/run/events.js";
import { sharedBy } from "../train/run/shared-work.js";
import { installKnown } from "../train/run/tuning.js";
import { ALONE, type World } from "../train/run/world.js";
import { readPhoto } from "./datasets/decode.js";
import type { GivenEmbeddings } from "../data/embeddings/given.js";
import { openEmbeddings } from "./datasets/embeddings/given-embeddings.js";
import { cacheFolder } from "./files/cache-folder.js";
import { type LoadedGenerator, loadGenerator, loadModel } from "./files/load-model.js";
import { styleOfRun } from "./files/style-of-run.js";

/** A trained model wanted for drawing. */
export interface DrawingRequest {
  /** A run's folder, or a model file. */
  readonly source: string;
  /** By default the one that drew the run's samples. */
  readonly generator?: GeneratorKind;
  /** How kernels are chosen; by default as training chooses them. */
  readonly tune?: TuneMode;
  /** The ranks that draw together: all get all images. By default one draws alone. */
  readonly world?: World;
}

/** What was drawn, with what the user should be told. */
export interface Drawn {
  readonly size: number;
  /** What drew them: "runs/petals-1/model.safetensors". */
  readonly model: string;
  readonly warnings: readonly string[];
}

/** Sentences drawn by a model on disk. */
export interface SampleRequest extends DrawingRequest, SampleOptions {
  /** Sentences to draw, or names of embeddings, each a row of the grid. */
  readonly texts: readonly string[];
  /** Text encoder of a model that was trained on given embeddings: a file. */
  readonly textEncoder?: string;
  /** Embeddings among which `texts` name some: a file or folder. */
  readonly embeddings?: string;
}

/** Images of sentences, with what the user should be told. */
export interface Samples extends Drawn {
  /** [texts × count, 3, size, size] in [−1, 1], all images of the first sentence first. */
  readonly images: Float32Array;
}

/** Sentences drawn in the styles of image files. */
export interface RestyleRequest extends DrawingRequest, StyleReading {
  /** Image files, each a row of the grid. */
  readonly styles: readonly string[];
  /** Sentences, each a column of the grid after the first, which shows the images. */
  readonly texts: readonly string[];
}

/** A style's source as a user names it: a seed, or an image file. */
export type StyleFileSource = { readonly seed: number } | { readonly image: string };

/** A walk by a model on disk; styles may be image files. */
export interface InterpolateRequest extends DrawingRequest, Omit<InterpolationOptions, "styles"> {
  readonly styles: Course<StyleFileSource>;
}

type OnEvent = TrainHooks["onEvent"];

/** Draws on a device of its own. */
async function drawingWith<Model extends LoadedGenerator, Result>(
  model: Model,
  { tune, world = ALONE }: DrawingRequest,
  onEvent: OnEvent | undefined,
  draw: (drawing: DrawingModel<Model>) => Promise<Result>,
): Promise<Result & Drawn> {
  const device = await openDevice();
  try {
    await installKnown(device, tune ?? tuneModeFor(device.traits), (event) => onEvent?.(event), cacheFolder(), world);
    const drawing = new DrawingModel(device, model, model.path, model.warnings, sharedBy(world));
    const drawn = await draw(drawing);
    return { ...drawn, size: model.generator.options.imageSize, model: model.path, warnings: drawing.warnings };
  } finally {
    device.destroy();
  }
}

/**
 * @param onEvent Told of tuning, where that is asked for and takes a while.
 * @throws UserError when there is no model, or it is damaged
 */
export async function sample(request: SampleRequest, onEvent?: OnEvent): Promise<Samples> {
  if (request.embeddings === undefined) {
    const model = await loadModel(request.source, request.generator, request.textEncoder);
    return drawingWith(model, request, onEvent, async (drawing) => ({ images: await sampleWith(drawing, request.texts, request) }));
  }
  const given = await openEmbeddings(request.embeddings);
  const model = await loadGenerator(request.source, request.generator);
  const rows = pick(given, request.texts, model, model.path);
  return drawingWith(model, request, onEvent, async (drawing) => ({ images: await sampleEmbeddings(drawing, rows, request) }));
}

/** The embeddings of these names, as they were given. @throws UserError when they are of another length, or one is not there */
function pick(given: GivenEmbeddings, names: readonly string[], { generator }: GeneratorFile, path: string): Float32Array {
  const { textSize } = generator.options;
  if (given.size !== textSize)
    throw new UserError(`${given.path} holds embeddings of ${given.size}, and ${path} was trained on some of ${textSize}`);
  const rows = new Float32Array(names.length * textSize);
  names.forEach((name, i) => rows.set(embeddingOf(given, name), i * textSize));
  return rows;
}

/** @throws UserError when the run has no style encoder, or an image cannot be read */
export async function restyle(request: RestyleRequest, onEvent?: OnEvent): Promise<Restyled & Drawn> {
  const { styles: files, texts, captions } = request;
  if (captions && captions.length !== files.length)
    throw new UserError(`--caption says what each --style shows: ${captions.length} for ${files.length} of them`);
  const { style, model } = await styledModel(request);
  return drawingWith(model, request, onEvent, async (drawing) => {
    // One after the other: a photograph may be large.
    const photos: Float32Array[] = [];
    for (const file of files) photos.push(await readPhoto(file, model.generator.options.imageSize));
    return restyleWith(await StyledModel.create(drawing, style), joined(photos), texts, request);
  });
}

/** @throws UserError for an image that cannot be read, or without a style encoder where one is needed */
export async function interpolate(request: InterpolateRequest, onEvent?: OnEvent): Promise<Interpolation & Drawn> {
  const reads = points(request.styles).some((source) => "image" in source);
  const { style, model } = reads
    ? await styledModel(request)
    : { style: undefined, model: await loadModel(request.source, request.generator) };
  const { imageSize } = model.generator.options;
  const read = async (source: StyleFileSource) => ("seed" in source ? source : { photo: await readPhoto(source.image, imageSize) });
  const { styles } = request;
  return drawingWith(model, request, onEvent, async (drawing) => {
    const course =
      "at" in styles ? { at: await Promise.all(styles.at.map(read)) } : { from: await read(styles.from), to: await read(styles.to) };
    return interpolateWith(drawing, { ...request, styles: course }, style && (await StyledModel.create(drawing, style)));
  });
}

/** The run's style encoder, with the generator that it was trained to invert unless another is asked for. */
async function styledModel({ source, generator }: DrawingRequest) {
  const style = await styleOfRun(source);
  return { style, model: await loadModel(source, generator ?? style.kind) };
}
