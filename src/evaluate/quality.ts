/** Quality and variety of images by the features of a classifier: distances to real images, an inception-style score. */
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import { frechetDistance, type Gaussian, gaussianOf } from "../metrics/frechet.js";
import { inceptionScore, softmaxRows } from "../metrics/inception-score.js";
import { kernelDistance } from "../metrics/kernel-distance.js";
import type { Observation } from "./observer.js";
import type { Value } from "./report.js";

/** Below this many images a side the kernel distance, unbiased as it is, scatters more than generators differ. */
const FEW_FOR_KERNEL = 100;

/** What a reader should know of distances between so many images a side, if anything. */
export function fewImages(what: string, count: number, features: number): string | undefined {
  if (count > features && count >= FEW_FOR_KERNEL) return undefined;
  return (
    `${what} stand on ${count} images a side with ${features} features: with so few the Fréchet distance is mostly bias and the kernel ` +
    "distance mostly chance. Compare them within this table only, and small differences not at all."
  );
}

/** The real images that others are held against. */
export class Reference {
  readonly #gaussian: Gaussian;

  /** @param features [N, size] */
  constructor(
    readonly features: Float32Array,
    readonly size: number,
  ) {
    this.#gaussian = gaussianOf(features, size);
  }

  get count(): number {
    return this.features.length / this.size;
  }

  /** @param features [M, size] */
  distances(features: Float32Array, seed: number): { fid: Value; kid: Value } {
    return {
      fid: { value: frechetDistance(this.#gaussian, gaussianOf(features, this.size)) },
      kid: { value: kernelDistance(this.features, features, this.size, new RandomStream(seed, StreamPurpose.kernelSubsets)) },
    };
  }
}

/**
 * The distances take as many images as the reference has, so that all columns have the same bias.
 * @param seen By the classifier of real images.
 * @param classes How many its outputs are of; undefined where they are of none, which leaves the inception-style score out.
 */
export function quality(reference: Reference, seen: Observation, classes: number | undefined, seed: number): Record<string, Value> {
  const distances = reference.distances(seen.features.subarray(0, reference.features.length), seed);
  if (classes === undefined) return distances;
  // Ten parts as published where there are images enough; a part with few images a class would score low for that alone.
  const parts = Math.max(1, Math.min(10, Math.floor(seen.outputs.length / classes / (10 * classes))));
  const { mean, deviation } = inceptionScore(softmaxRows(seen.outputs, classes), classes, parts);
  return {
    ...distances,
    inception: { value: mean, ...(parts > 1 && { deviation }) },
  };
}
