/** Style transfer (Reed et al. 2016, section 5.3), which the paper shows in pictures, as a number: what comes over of an image's background. */
import type { Dataset } from "../data/dataset.js";
import { borderColours, carriedOver } from "../metrics/ground.js";
import type { Sharing } from "../tensor/sharing.js";
import { shorten } from "../train/style/reader.js";
import { type Parts, realImages } from "./pictures.js";
import type { Artist } from "./subject.js";

/**
 * Draws each image's style with a caption of the image half a list away, as `restyle` does, and compares the borders of both.
 * @param styles [images, Z], as S reads them.
 * @returns the share of the variance of the drawn borders' colours that those of the images tell, as of `carriedOver`
 */
export async function backgroundCarried(
  artist: Artist,
  dataset: Dataset,
  images: readonly number[],
  styles: Float32Array,
  share: Sharing,
): Promise<number> {
  const { noiseSize, imageSize } = artist.painter.generator.options;
  const others = images.map((_, i) => dataset.firstCaption(images[(i + (images.length >> 1)) % images.length]!));
  const drawn = await artist.drawFrom(shorten(styles.slice(), noiseSize, 1), others);
  const borders = async (parts: Parts) =>
    (await share("borders", parts.count, async (i) => borderColours(await parts.at(i), imageSize))).flatMap((part) => [...part]);
  return carriedOver(await borders(realImages(dataset, images)), await borders(drawn));
}
