/** How much of its noise a generated image still tells the style encoder: the coefficient of determination R², by dimension. */
import { splitName } from "../../data/dataset.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import type { CaptionTable } from "../text/caption-table.js";
import { normalNoise } from "../gan/noise.js";
import type { Painter } from "../gan/painter.js";
import type { StyleReader } from "./reader.js";

export interface Recovery {
  /** R² of each dimension of the noise: 1 where S finds it exactly, 0 where it knows no more than the mean. */
  readonly byDimension: readonly number[];
  readonly mean: number;
  /** Generated images that were looked at. */
  readonly images: number;
  /** Whose captions they were drawn from. */
  readonly captions: string;
}

/**
 * R² = 1 − Σᵢ (zᵢ − ẑᵢ)² / Σᵢ (zᵢ − z̄)² of each dimension.
 * @param truth z, [N, size]
 * @param found ẑ, [N, size]
 */
export function determination(truth: Float32Array, found: Float32Array, size: number): number[] {
  const rows = truth.length / size;
  return Array.from({ length: size }, (_, d) => {
    let mean = 0;
    for (let i = d; i < truth.length; i += size) mean += truth[i]! / rows;
    let [residual, total] = [0, 0];
    for (let i = d; i < truth.length; i += size) {
      residual += (truth[i]! - found[i]!) ** 2;
      total += (truth[i]! - mean) ** 2;
    }
    return 1 - residual / total;
  });
}

/** Images of held-out captions and noise of its own, drawn once; measured again and again. */
export class RecoveryTest {
  private constructor(
    readonly noise: Float32Array,
    readonly images: Float32Array,
    readonly captions: Recovery["captions"],
  ) {}

  /** @param count Images, of captions of unseen classes where the data set has some. */
  static async create(painter: Painter, captions: CaptionTable, seed: number, count: number): Promise<RecoveryTest> {
    const { dataset } = captions;
    const unseen = dataset.imagesOfSplit("test");
    const random = new RandomStream(seed, StreamPurpose.recoveryCaptions);
    const chosen = Array.from({ length: count }, () => {
      const image = random.pick(unseen.length > 0 ? unseen : dataset.imagesOfSplit("train"));
      return dataset.firstCaption(image) + random.below(dataset.captionsOf(image).length);
    });
    await captions.need(chosen);
    // Another seed than the grid's noise has.
    const noise = normalNoise(count, painter.generator.options.noiseSize, random.uint32());
    const images = await painter.paint(noise, captions.means(Uint32Array.from(chosen), 1));
    return new RecoveryTest(noise, images, splitName(unseen.length > 0 ? "test" : "train", dataset.classless));
  }

  async measure(reader: StyleReader): Promise<Recovery> {
    const size = reader.style.options.noiseSize;
    const byDimension = determination(this.noise, await reader.read(this.images), size);
    const mean = byDimension.reduce((a, b) => a + b) / size;
    return { byDimension, mean, images: this.noise.length / size, captions: this.captions };
  }
}
