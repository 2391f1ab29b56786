/** Images for sentences, G(z, φ(t)). */
import type { GeneratorFile } from "../train/gan/model-file.js";
import { normalNoise } from "../train/gan/noise.js";
import { outer } from "../train/gan/painter.js";
import { normalise } from "../train/text/captions.js";
import type { DrawingModel } from "./drawing-model.js";

/** How many images a sentence gets, and from which noise. */
export interface SampleOptions {
  /** Images of each sentence, from different noise. */
  readonly count: number;
  /** The same seed gives sentence after sentence the same noise. */
  readonly seed: number;
  /** No noise lies further from 0 than this; by default nothing is truncated. */
  readonly truncation?: number;
}

/** @returns [texts × count, 3, size, size] in [−1, 1], all images of the first sentence first */
export async function sample(drawing: DrawingModel, texts: readonly string[], options: SampleOptions): Promise<Float32Array> {
  return draw(drawing, await drawing.embed(texts), options);
}

/**
 * The same from embeddings that no encoder here has made.
 * @param embeddings [N, textSize], as their encoder gave them.
 */
export function sampleEmbeddings(
  drawing: DrawingModel<GeneratorFile>,
  embeddings: Float32Array,
  options: SampleOptions,
): Promise<Float32Array> {
  return draw(drawing, normalise(embeddings.slice(), drawing.model.normalisation), options);
}

function draw(
  drawing: DrawingModel<GeneratorFile>,
  texts: Float32Array,
  { count, seed, truncation }: SampleOptions,
): Promise<Float32Array> {
  const { noiseSize, textSize } = drawing.model.generator.options;
  const { rows, columns } = outer(texts, textSize, normalNoise(count, noiseSize, seed, truncation), noiseSize);
  return drawing.paint(columns, rows);
}
