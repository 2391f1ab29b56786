/** Style transfer (Reed et al. 2016, section 5.3): the style s = S(x) of one image with the content of any text, G(s, φ(t)). */
import { withFirst } from "../pictures/image-grid.js";
import { outer } from "../train/gan/painter.js";
import type { Inversion } from "./invert.js";
import type { StyledModel, StyleReading } from "./styled-model.js";

/** Photographs and sentences drawn in their styles. */
export interface Restyled {
  /** [photos × (1 + texts), 3, size, size] in [−1, 1], row by row: a photograph, then each text in its style. */
  readonly images: Float32Array;
  /** How near the refined styles came to the images; absent without refinement. */
  readonly inversion?: Inversion;
}

/** @param photos [N, 3, size, size] in [−1, 1] */
export async function restyle(
  model: StyledModel,
  photos: Float32Array,
  texts: readonly string[],
  reading: StyleReading = {},
): Promise<Restyled> {
  const { drawing } = model;
  const { imageSize, noiseSize, textSize } = drawing.model.generator.options;
  // Before the refinement, which takes long: a sentence may be refused.
  const embeddings = await drawing.embed(texts);
  const { styles, inversion } = await model.read(photos, reading);
  const { rows, columns } = outer(styles, noiseSize, embeddings, textSize);
  const images = withFirst(photos, await drawing.paint(rows, columns), photos.length / (3 * imageSize ** 2));
  return { images, ...(inversion && { inversion }) };
}
