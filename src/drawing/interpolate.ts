/** Interpolation between sentences, between styles, or between both at once (Reed et al. 2016, section 5.4). */
import { UserError } from "../errors.js";
import { joined } from "../tensor/rows.js";
import { normalNoise } from "../train/gan/noise.js";
import { outer } from "../train/gan/painter.js";
import type { DrawingModel } from "./drawing-model.js";
import type { StyledModel, StyleReading } from "./styled-model.js";
import { type Path, walk } from "./walk.js";

/** Where a style comes from: the noise of a seed, or a photograph [3, size, size] in [−1, 1]. */
export type StyleSource = { readonly seed: number } | { readonly photo: Float32Array };

/** A walk between two points, or points to stay at, each on a line of its own. */
export type Course<Point> = { readonly from: Point; readonly to: Point } | { readonly at: readonly Point[] };

/** Between what and what to walk, in how many steps. */
export interface InterpolationOptions extends StyleReading {
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

/** A walk's images as a grid. */
export interface Interpolation {
  /** [rows × columns, 3, size, size] in [−1, 1], row by row: the columns walk between the texts, or between the styles where the text stays. */
  readonly images: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly size: number;
}

/** The ends of a walk, or the points to stay at. */
export const points = <P>(course: Course<P>): readonly P[] => ("at" in course ? course.at : [course.from, course.to]);

/** @param styled The same model with its style encoder, where a style is a photograph's. */
export async function interpolate(drawing: DrawingModel, options: InterpolationOptions, styled?: StyledModel): Promise<Interpolation> {
  const { texts, styles, steps, path } = options;
  const { imageSize, noiseSize, textSize } = drawing.model.generator.options;
  const vectors = (of: Float32Array, size: number, course: Course<unknown>, usual: Path) =>
    "at" in course ? of : walk(of.subarray(0, size), of.subarray(size), steps, path ?? usual);
  const text = vectors(await drawing.embed(points(texts)), textSize, texts, "linear");
  const noise = vectors(await styleVectors(points(styles), options, noiseSize, styled), noiseSize, styles, "spherical");
  const [textCount, noiseCount] = [text.length / textSize, noise.length / noiseSize];
  const alongTexts = !("at" in texts);
  const pairs = alongTexts ? outer(noise, noiseSize, text, textSize) : outer(text, textSize, noise, noiseSize);
  const images = alongTexts ? await drawing.paint(pairs.rows, pairs.columns) : await drawing.paint(pairs.columns, pairs.rows);
  const [rows, columns] = alongTexts ? [noiseCount, textCount] : [textCount, noiseCount];
  return { images, rows, columns, size: imageSize };
}

/** [sources, noiseSize] */
async function styleVectors(
  sources: readonly StyleSource[],
  options: InterpolationOptions,
  noiseSize: number,
  styled: StyledModel | undefined,
): Promise<Float32Array> {
  const vectors: Float32Array[] = [];
  for (const source of sources) {
    if ("seed" in source) vectors.push(normalNoise(1, noiseSize, source.seed, options.truncation));
    else if (styled) vectors.push((await styled.read(source.photo, options)).styles);
    else throw new UserError("a photograph's style needs the model's style encoder");
  }
  return joined(vectors);
}

/** The images of each column, together: the frames of an animation. */
export function frames({ images, rows, columns, size }: Pick<Interpolation, "images" | "rows" | "columns" | "size">): Float32Array[] {
  const each = 3 * size * size;
  const image = (row: number, column: number) => images.subarray((row * columns + column) * each, (row * columns + column + 1) * each);
  return Array.from({ length: columns }, (_, column) => joined(Array.from({ length: rows }, (_unused, row) => image(row, column))));
}
