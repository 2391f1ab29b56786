/** Style verification (Reed et al. 2016, section 5.2): the pairs, which all generators share, and what each one's style encoder makes of them. */
import { captionNumbers, type Dataset } from "../data/dataset.js";
import type { Device } from "../gpu/device.js";
import { joined } from "../tensor/rows.js";
import { alone, type Sharing } from "../tensor/sharing.js";
import type { GeneratorKind } from "../train/gan/options.js";
import { StyleReader } from "../train/style/reader.js";
import { backgrounds, type PairList, pairsByCluster, poses, verify } from "./disentangling.js";
import { realImages } from "./pictures.js";
import type { StyleCurve, Value } from "./report.js";
import { backgroundCarried } from "./style-transfer.js";
import type { Artist, Subject } from "./subject.js";

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
    readonly share: Sharing,
  ) {}

  /** Pairs of real images of the unseen classes; of the training classes where none are unseen. @param share Who reads which images. */
  static prepare(dataset: Dataset, seed: number, share: Sharing = alone): StyleVerification {
    const unseen = dataset.imagesOfSplit("test");
    const images = (unseen.length > 0 ? unseen : dataset.imagesOfSplit("train")).slice(0, IMAGES);
    const pose = poses(dataset, images);
    const tasks = [
      { name: "background", pairs: pairsByCluster(backgrounds(dataset, images), seed) },
      ...(pose ? [{ name: "pose", pairs: pairsByCluster(pose, seed) }] : []),
    ].filter(({ pairs }) => pairs.pairs.length > 0);
    return new StyleVerification(dataset, seed, images, tasks, share);
  }

  /**
   * The areas by style, where there is a style encoder, and by text; and what the styles carry over (style-transfer.ts).
   * @param kind The generator whose column this is: the style belongs to the one it was trained to invert.
   * @param artist That generator.
   */
  async of(device: Device, subject: Subject, kind: GeneratorKind, artist: Artist): Promise<Record<string, Value>> {
    const { name, style, styleCommand } = subject;
    const first = subject.generators[0]![0];
    const values: Record<string, Value> = {};
    if (kind === first) {
      this.#verify(values, `${name} text`, "text", await this.#texts(subject), subject.captions.size);
      if (!style) this.notes.push(`${name} has no style encoder${styleCommand === undefined ? "" : `: ${styleCommand}`}`);
      else if (!style.kind)
        this.notes.push(`${name}: its style encoder was trained with another generator than the run has now; styles will be off`);
    }
    if (style && (style.kind ?? first) === kind) {
      const reader = await StyleReader.create(device, style.encoder);
      const images = realImages(this.dataset, this.images);
      const parts = await this.share("styles read", images.count, (i) => reader.read(images.at(i)));
      reader.destroy();
      const styles = joined(parts);
      this.#verify(values, `${name} style`, "style", styles, style.encoder.options.noiseSize);
      values.groundByStyle = { value: await backgroundCarried(artist, this.dataset, this.images, styles, this.share) };
    }
    return values;
  }

  #verify(values: Record<string, Value>, label: string, by: "style" | "text", vectors: Float32Array, size: number): void {
    for (const { name, pairs } of this.tasks) {
      const { area, curve } = verify(pairs, vectors, size, this.seed);
      values[`${name}.${by}`] = area;
      this.curves.push({ label, task: name, baseline: by === "text", points: curve });
    }
  }

  /** Means of each image's captions' embeddings, [N, size]. */
  async #texts({ captions }: Subject): Promise<Float32Array> {
    const { dataset, images } = this;
    await captions.need(captionNumbers(dataset, images));
    const texts = new Float32Array(images.length * captions.size);
    images.forEach((image, i) => {
      const own = captionNumbers(dataset, [image]);
      texts.set(captions.means(Uint32Array.from(own), own.length), i * captions.size);
    });
    return texts;
  }
}
