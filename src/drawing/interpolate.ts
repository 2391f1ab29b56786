/** Interpolation between sentences, between styles, or between both at once (Reed et al. 2016, section 5.4). */
import { readPhoto } from "../node/datasets/decode.js";
import { DrawingModel } from "./drawing-model.js";
import type { DrawingRequest, TrainHooks } from "../train/run/events.js";
import { normalNoise } from "../train/gan/noise.js";
import { outer } from "../train/gan/painter.js";
import { type Path, walk } from "./walk.js";
import { type StyleReading, StyledModel } from "./restyle.js";
import { joined } from "../tensor/rows.js";

/** Where a style comes from: the noise of a seed, or an image file. */
export type StyleSource = { readonly seed: number } | { readonly image: string };

/** A walk between two points, or points to stay at, each on a line of its own. */
export type Course<Point> = { readonly from: Point; readonly to: Point } | { readonly at: readonly Point[] };

export interface InterpolateRequest extends DrawingRequest, StyleReading {
  /** At least one of both courses is a walk. */
  readonly texts: Course<string>;
  readonly styles: Course<StyleSource>;
  /** Points of a walk, both ends included; at least 2. */
  readonly steps: number;
  /** By default a line between texts, an arc between styles. */
  readonly path?: Path;
  /** For noise of seeds: none lies further from 0 than this. */
  readonly truncation?: number;
}

export interface Interpolation {
  /** [rows × columns, 3, size, size] in [−1, 1], row by row: the columns walk between the texts, or between the styles where the text stays. */
  readonly images: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly size: number;
  /** What drew them, for the user. */
  readonly model: string;
  readonly warnings: readonly string[];
}

const points = <P>(course: Course<P>): readonly P[] => ("at" in course ? course.at : [course.from, course.to]);

/** @throws UserError for an image that cannot be read, or without a style encoder where one is needed */
export async function interpolate(request: InterpolateRequest, onEvent?: TrainHooks["onEvent"]): Promise<Interpolation> {
  const { texts, styles, steps, path } = request;
  const reads = points(styles).some((source) => "image" in source);
  const styled = reads ? await StyledModel.open(request, onEvent) : undefined;
  const drawing = styled?.drawing ?? (await DrawingModel.open(request, onEvent));
  try {
    const { imageSize, noiseSize, textSize } = drawing.model.generator.options;
    const vectors = (of: Float32Array, size: number, course: Course<unknown>, usual: Path) =>
      "at" in course ? of : walk(of.subarray(0, size), of.subarray(size), steps, path ?? usual);
    const text = vectors(await drawing.embed(points(texts)), textSize, texts, "linear");
    const noise = vectors(await styleVectors(points(styles), request, drawing, styled), noiseSize, styles, "spherical");
    const [textCount, noiseCount] = [text.length / textSize, noise.length / noiseSize];
    const alongTexts = !("at" in texts);
    const pairs = alongTexts ? outer(noise, noiseSize, text, textSize) : outer(text, textSize, noise, noiseSize);
    const images = alongTexts ? await drawing.paint(pairs.rows, pairs.columns) : await drawing.paint(pairs.columns, pairs.rows);
    const [rows, columns] = alongTexts ? [noiseCount, textCount] : [textCount, noiseCount];
    return { images, rows, columns, size: imageSize, model: drawing.model.path, warnings: drawing.warnings };
  } finally {
    drawing.destroy();
  }
}

/** [sources, noiseSize] */
async function styleVectors(
  sources: readonly StyleSource[],
  request: InterpolateRequest,
  drawing: DrawingModel,
  styled: StyledModel | undefined,
): Promise<Float32Array> {
  const { imageSize, noiseSize } = drawing.model.generator.options;
  const vectors: Float32Array[] = [];
  for (const source of sources) {
    if ("seed" in source) vectors.push(normalNoise(1, noiseSize, source.seed, request.truncation));
    else vectors.push((await styled!.read(await readPhoto(source.image, imageSize), request)).styles);
  }
  return joined(vectors);
}

/** The images of each column, together: the frames of an animation. */
export function frames({ images, rows, columns, size }: Pick<Interpolation, "images" | "rows" | "columns" | "size">): Float32Array[] {
  const each = 3 * size * size;
  const image = (row: number, column: number) => images.subarray((row * columns + column) * each, (row * columns + column + 1) * each);
  return Array.from({ length: columns }, (_, column) => joined(Array.from({ length: rows }, (_unused, row) => image(row, column))));
}
