/** The questions that the images of one split are asked, the same for every generator, for real images and for noise. */
import { type Dataset, type SplitName, splitName } from "../data/dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import type { Device } from "../gpu/device.js";
import { CaptionEncoder } from "../train/text/captions.js";
import { checkerboard } from "../metrics/checkerboard.js";
import type { ColourClassifier } from "../metrics/colour-histogram.js";
import { type ColourTask, coloursRight, colourTask, trainColours } from "./colours.js";
import { borderColours, varianceShares } from "../metrics/ground.js";
import { isHeldOut } from "./lessons.js";
import type { EvaluationNetworks } from "./networks.js";
import { joined } from "../tensor/rows.js";
import { alone, type Sharing } from "../tensor/sharing.js";
import { Observer, observeAll } from "./observer.js";
import { drawPairs, halves, noiseImages, type Parts, realImages } from "./pictures.js";
import { fewImages, quality, Reference } from "./quality.js";
import type { Value, Values } from "./report.js";
import { attributesRight, textMatch, textMatchByChance, textMatchNotes } from "./text-match.js";
import { pixelDeviation, withinDistance } from "../metrics/variety.js";

/** Where a column's images come from. */
export interface Pictures {
  /** An image of each caption; a drawn one from the noise vector of its place, whatever the captions. */
  of(captions: readonly number[]): Parts | Promise<Parts>;
  /** `each` different images of each caption, one caption's after the other's. */
  groups(captions: readonly number[], each: number): Parts | Promise<Parts>;
}

/** The networks, ready to look. */
export interface Observers {
  readonly classifier: Observer;
  readonly matching: Observer;
  readonly reader?: Observer;
}

export async function openObservers(device: Device, networks: EvaluationNetworks): Promise<Observers> {
  return {
    classifier: await Observer.create(device, networks.classifier),
    matching: await Observer.create(device, networks.matching.image),
    ...(networks.reader && { reader: await Observer.create(device, networks.reader) }),
  };
}

export function closeObservers(observers: Observers): void {
  for (const observer of Object.values(observers) as Observer[]) observer.destroy();
}

/** So many captions, and images of each, show the variety within a caption; fewer where classes are small. */
export const VARIETY = { captions: 24, each: 10 };

/** With fewer images a split has no halves that could be held against each other. */
export const LEAST_IMAGES = 4;

/** So many noise vectors, each under all those captions, show what decides the background. */
const GROUND_NOISES = 32;

export class Trial {
  private constructor(
    readonly dataset: Dataset,
    readonly split: SplitName,
    readonly observers: Observers,
    readonly seed: number,
    /** By number. */
    readonly captions: readonly number[],
    /** The captions' embeddings by the matching encoder. */
    readonly texts: Float32Array,
    readonly reference: Reference,
    /** Real images, as many as the reference's and none of them. */
    readonly peers: readonly number[],
    /** Captions of different classes. */
    readonly varied: { readonly captions: readonly number[]; readonly each: number },
    readonly colours: { readonly task: ColourTask; readonly classifier: ColourClassifier | undefined } | undefined,
    /** Who draws and looks at which images. */
    readonly share: Sharing,
  ) {}

  /**
   * One trial for each split that has images enough.
   * @param samples Captions a split.
   */
  static async prepare(
    device: Device,
    dataset: Dataset,
    networks: EvaluationNetworks,
    observers: Observers,
    samples: number,
    seed: number,
    share: Sharing = alone,
  ): Promise<Trial[]> {
    const encoder = new CaptionEncoder(device, networks.matching.encoder, networks.matching.alphabet, undefined, share);
    // On petals the reader knows better than any rule on hues.
    const classifier = dataset.attributes ? undefined : trainColours(dataset);
    const trials: Trial[] = [];
    for (const [i, split] of (["train", "test"] as const).entries()) {
      if (dataset.imagesOfSplit(split).length < LEAST_IMAGES) continue;
      const asked = askedImages(dataset, split);
      const { captions } = drawPairs(dataset, asked, samples, new RandomStream(seed, StreamPurpose.evaluatedPairs, i));
      const [held, peers] = halves(dataset, split, samples, seed);
      const [seen] = await observeAll([observers.classifier], realImages(dataset, held), share);
      const task = dataset.attributes ? undefined : colourTask(dataset, asked, samples, seed);
      trials.push(
        new Trial(
          ...([dataset, split, observers, seed, captions] as const),
          await encoder.encode(captions.map((caption) => dataset.caption(caption))),
          new Reference(seen!.features, observers.classifier.featureSize),
          peers,
          variedCaptions(dataset, split, new RandomStream(seed, StreamPurpose.variedCaptions, i)),
          task && { task, classifier },
          share,
        ),
      );
    }
    await encoder.destroy();
    return trials;
  }

  /** What a reader of its numbers should know: what there were too few captions or images for. */
  get notes(): string[] {
    const few = fewImages("FID and KID", this.reference.count, this.reference.size);
    const notes = [...textMatchNotes(this.dataset, this.captions), ...(few === undefined ? [] : [few])];
    return notes.map((note) => `${splitName(this.split, this.dataset.classless)}: ${note}`);
  }

  /** What drawn images get. */
  async ofDrawn(pictures: Pictures): Promise<Values> {
    const { observers, captions, share } = this;
    const [classifier, matching, reader] = await observeAll(Object.values(observers) as Observer[], await pictures.of(captions), share);
    return this.#named({
      ...this.#match(matching!.outputs, reader?.outputs),
      ...(await this.#colours(pictures)),
      ...quality(this.reference, classifier!, this.#classes, this.seed),
      ...(await this.#variety(pictures)),
      ...(await this.#ground(pictures)),
    });
  }

  /** What real images get: the captions' own for the match, and others than the reference's for the distances, whose floor they are. */
  async ofReal(): Promise<Values> {
    const { dataset, observers, captions, peers, share } = this;
    const pictures = realPictures(dataset);
    const looking = [observers.matching, ...(observers.reader ? [observers.reader] : [])];
    const [matching, reader] = await observeAll(looking, await pictures.of(captions), share);
    const [classifier] = await observeAll([observers.classifier], realImages(dataset, peers), share);
    return this.#named({
      ...this.#match(matching!.outputs, reader?.outputs),
      ...(await this.#colours(pictures)),
      ...quality(this.reference, classifier!, this.#classes, this.seed),
      // Without classes no other real images show what a caption says.
      ...(dataset.classless ? {} : await this.#variety(pictures)),
    });
  }

  /** What noise gets, by chance or by looking at it: the other end of each scale. */
  async ofNoise(): Promise<Values> {
    const { dataset, observers, reference, seed } = this;
    const [seen] = await observeAll([observers.classifier], noiseImages(dataset.size, reference.count, seed), this.share);
    return this.#named({
      ...textMatchByChance(dataset, this.captions),
      ...quality(reference, seen!, this.#classes, seed),
    });
  }

  /** Of the classifier's outputs. */
  get #classes(): number | undefined {
    return this.dataset.classless ? undefined : this.observers.classifier.outputSize;
  }

  #match(matching: Float32Array, reader: Float32Array | undefined): Record<string, Value> {
    const { dataset, texts, captions, observers, seed } = this;
    return {
      ...textMatch(dataset, matching, texts, captions, observers.matching.outputSize, seed),
      ...(reader && attributesRight(dataset, reader, captions)),
    };
  }

  async #colours(pictures: Pictures): Promise<Record<string, Value>> {
    if (!this.colours) return {};
    const { task, classifier } = this.colours;
    return coloursRight(await pictures.of(task.captions), task, classifier, this.dataset.size, this.share);
  }

  async #variety(pictures: Pictures): Promise<Record<string, Value>> {
    const { captions, each } = this.varied;
    if (each < 2) return {};
    const { classifier } = this.observers;
    const drawn = await pictures.groups(captions, each);
    const images = joined(await this.share("groups of images drawn", drawn.count, drawn.at));
    const { features } = await classifier.observe(images, this.share);
    return {
      variety: { value: withinDistance(features, classifier.featureSize, each) },
      pixels: { value: pixelDeviation(images, 3 * this.dataset.size ** 2, each) },
      checkerboard: { value: checkerboard(images, this.dataset.size) },
    };
  }

  /** What decides the background of drawn images. */
  async #ground(pictures: Pictures): Promise<Record<string, Value>> {
    const { captions } = this.varied;
    if (captions.length < 2) return {};
    const drawn: Parts[] = [];
    for (const caption of captions) drawn.push(await pictures.of(new Array<number>(GROUND_NOISES).fill(caption)));
    const found = await this.share("backgrounds looked at", captions.length, async (i) => {
      const parts: Float32Array[] = [];
      for (const part of drawn[i]!) parts.push(await part);
      return Float64Array.from(borderColours(joined(parts), this.dataset.size));
    });
    const colours = found.flatMap((each) => [...each]);
    const shares = varianceShares(colours, captions.length, GROUND_NOISES, 3);
    return { groundByNoise: { value: shares.columns }, groundByText: { value: shares.rows } };
  }

  /** Ids of the report's rows. */
  #named(values: Record<string, Value>): Values {
    return Object.fromEntries(Object.entries(values).map(([id, value]) => [`${id}.${this.split}`, value]));
  }
}

/** The images whose captions a split is asked about: of the training classes those that no network here has learnt. */
function askedImages(dataset: Dataset, split: SplitName): readonly number[] {
  const images = dataset.imagesOfSplit(split);
  const held = split === "train" ? images.filter(isHeldOut(dataset)) : images;
  return held.length > 0 ? held : images;
}

/** Captions of classes that have images enough; of any images where there are no classes. */
function variedCaptions(dataset: Dataset, split: SplitName, random: RandomStream): Trial["varied"] {
  if (dataset.classless)
    return { captions: drawPairs(dataset, dataset.imagesOfSplit(split), VARIETY.captions, random).captions, each: VARIETY.each };
  const sizes = dataset.split[split].map((c) => dataset.imagesOfClass(c).length);
  const each = Math.min(VARIETY.each, Math.max(...sizes));
  const classes = random.shuffle(dataset.split[split].filter((_, i) => sizes[i]! >= each)).slice(0, VARIETY.captions);
  const captions = classes.map((c) => {
    const image = random.pick(dataset.imagesOfClass(c));
    return dataset.firstCaption(image) + random.below(dataset.captionsOf(image).length);
  });
  return { captions, each };
}

/** A caption's own image; and, as a group, images of its class. */
function realPictures(dataset: Dataset): Pictures {
  return {
    of: (captions) =>
      realImages(
        dataset,
        captions.map((caption) => dataset.imageOfCaption(caption)),
      ),
    groups: (captions, each) =>
      realImages(
        dataset,
        captions.flatMap((caption) => dataset.imagesOfClass(dataset.classOf(dataset.imageOfCaption(caption))).slice(0, each)),
      ),
  };
}
