/** Variety within groups of images, such as the images drawn for one caption: distances of features, and deviations of pixels. */
import { requireFinite } from "./finite.js";

/**
 * Mean Euclidean distance between two different members of a group, averaged over the groups.
 * @param features [groups of `each` rows, size]
 */
export function withinDistance(features: Float32Array, size: number, each: number): number {
  requireFinite(features, "the features of images");
  const groups = features.length / (size * each);
  let sum = 0;
  for (let group = 0; group < groups; group++) {
    for (let i = 1; i < each; i++) {
      for (let j = 0; j < i; j++) {
        let squared = 0;
        for (let d = 0; d < size; d++)
          squared += (features[(group * each + i) * size + d]! - features[(group * each + j) * size + d]!) ** 2;
        sum += Math.sqrt(squared);
      }
    }
  }
  return sum / (groups * ((each * (each - 1)) / 2));
}

/**
 * Deviation of a pixel's value (its channels in [0, 1]) over the members of a group, averaged over pixels, channels and groups.
 * @param images [groups of `each` images, pixels] in [−1, 1]
 */
export function pixelDeviation(images: Float32Array, pixels: number, each: number): number {
  requireFinite(images, "the pixels of images");
  const groups = images.length / (pixels * each);
  let sum = 0;
  for (let group = 0; group < groups; group++) {
    for (let p = 0; p < pixels; p++) {
      let [total, squares] = [0, 0];
      for (let i = 0; i < each; i++) {
        const value = (images[(group * each + i) * pixels + p]! + 1) / 2;
        total += value;
        squares += value * value;
      }
      sum += Math.sqrt(Math.max(0, squares / each - (total / each) ** 2));
    }
  }
  return sum / (groups * pixels);
}
