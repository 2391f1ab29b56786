/** Style verification of runs (Reed et al. 2016, section 5.2): the pairs, which all runs share, and what each run's style encoder makes of them. */
import type { Dataset } from "../data/dataset.js";
import type { Device } from "../gpu/device.js";
import { backgrounds, type PairList, pairsByCluster, poses, verify } from "./disentangling.js";
import type { StyleCurve, Value } from "./report.js";
import type { RunUnderTest } from "./subject.js";

/** Images that pairs are made of, at most. */
const IMAGES = 2000;

export class StyleVerification {
  readonly curves: StyleCurve[] = [];
  readonly notes: string[] = [];

  private constructor(
    readonly dataset: Dataset,
    readonly seed: number,
    readonly images: readonly number[],
    readonly tasks: readonly { readonly name: string; readonly pairs: PairList }[],
  ) {}

  /** Pairs of real images of the unseen classes; of the training classes where none are unseen. */
  static prepare(dataset: Dataset, seed: number): StyleVerification {
    const unseen = dataset.imagesOfSplit("test");
    const images = (unseen.length > 0 ? unseen : dataset.imagesOfSplit("train")).slice(0, IMAGES);
    const pose = poses(dataset, images);
    const tasks = [
      { name: "background", pairs: pairsByCluster(backgrounds(dataset, images), seed) },
      ...(pose ? [{ name: "pose", pairs: pairsByCluster(pose, seed) }] : []),
    ].filter(({ pairs }) => pairs.pairs.length > 0);
    return new StyleVerification(dataset, seed, images, tasks);
  }

  /** The areas by style, where the run has a style encoder, and by text. */
  async of(_device: Device, run: RunUnderTest): Promise<Record<string, Value>> {
    const texts = await this.#texts(run);
    const values: Record<string, Value> = {};
    for (const { name, pairs } of this.tasks) {
      const { area, curve } = verify(pairs, texts, run.captions.size, this.seed);
      values[`${name}.text`] = area;
      this.curves.push({ label: `${run.name} text`, task: name, baseline: true, points: curve });
    }
    return values;
  }

  /** Means of each image's captions' embeddings, [N, size]. */
  async #texts({ captions }: RunUnderTest): Promise<Float32Array> {
    const { dataset, images } = this;
    const of = (image: number) => dataset.captionsOf(image).map((_, i) => dataset.firstCaption(image) + i);
    await captions.need(images.flatMap(of));
    const texts = new Float32Array(images.length * captions.size);
    images.forEach((image, i) => {
      const own = of(image);
      texts.set(captions.means(Uint32Array.from(own), own.length), i * captions.size);
    });
    return texts;
  }
}
