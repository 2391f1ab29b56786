/** Style verification of runs (Reed et al. 2016, section 5.2): the pairs, which all runs share, and what each run's style encoder makes of them. */
import { commandLine } from "../../command-line.js";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { captionNumbers, type Dataset } from "../../data/dataset.js";
import type { Device } from "../../gpu/device.js";
import type { StyleEncoder } from "../../models/style-encoder.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER } from "../../train/run/names.js";
import { networkDigest } from "../../train/run/network-file.js";
import type { GeneratorKind } from "../../train/gan/options.js";
import { readStyle } from "../../train/style/file.js";
import { StyleReader } from "../../train/style/reader.js";
import { backgrounds, type PairList, pairsByCluster, poses, verify } from "../../evaluate/disentangling.js";
import { joined } from "../../tensor/rows.js";
import { realImages } from "../../evaluate/pictures.js";
import type { StyleCurve, Value } from "../../evaluate/report.js";
import type { RunUnderTest } from "./subject.js";
import { readPath } from "../files/read-bytes.js";

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

  /**
   * The areas by style, where the run has a style encoder, and by text.
   * @param kind The generator whose column this is: the style belongs to the one it was trained to invert.
   */
  async of(device: Device, run: RunUnderTest, kind: GeneratorKind): Promise<Record<string, Value>> {
    const first = run.generators[0]![0];
    const found = await styleOf(run);
    const values: Record<string, Value> = {};
    if (kind === first) {
      const texts = await this.#texts(run);
      this.#verify(values, `${run.name} text`, "text", texts, run.captions.size);
      if (!found) this.notes.push(`${run.name} has no style encoder: ${commandLine("train-style", "--run", run.folder.path)}`);
      else if (!found.kind)
        this.notes.push(`${run.name}: its style encoder was trained with another generator than the run has now; styles will be off`);
    }
    if (found && (found.kind ?? first) === kind) {
      const reader = await StyleReader.create(device, found.style);
      const parts: Float32Array[] = [];
      for (const images of realImages(this.dataset, this.images)) parts.push(await reader.read(images));
      reader.destroy();
      this.#verify(values, `${run.name} style`, "style", joined(parts), found.style.options.noiseSize);
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
  async #texts({ captions }: RunUnderTest): Promise<Float32Array> {
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

/** A run's style encoder, and which of the run's generators it inverts, if any. */
async function styleOf({
  folder,
  generators,
}: RunUnderTest): Promise<{ style: StyleEncoder; kind: GeneratorKind | undefined } | undefined> {
  const path = folder.inside(join(STYLE_FOLDER, STYLE_ENCODER_NAME));
  if (!existsSync(path)) return undefined;
  const { style, generator: inverted } = await readPath(path, readStyle);
  for (const [kind, generator] of generators) if ((await networkDigest(generator)) === inverted) return { style, kind };
  return { style, kind: undefined };
}
