/**
 * FID, KID and inception score by the published protocol (Heusel et al. 2017; Bińkowski et al. 2018; Salimans et al. 2016): features of a
 * network that the user has, images of 299 × 299 by bilinear enlargement, 50,000 or 10,000 drawn images, captions of the unseen classes
 * (as later papers report Reed's GAN-INT-CLS), all their real images.
 */
import type { Dataset } from "../data/dataset.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import type { TrainHooks } from "../train/run/events.js";
import { inceptionScore, softmaxRows } from "../metrics/inception-score.js";
import { alone, type Sharing } from "../tensor/sharing.js";
import { type Observation, observeAll } from "./observer.js";
import { drawPairs, type Parts, realImages } from "./pictures.js";
import { fewImages, Reference } from "./quality.js";
import type { Value, Values } from "./report.js";
import type { Pictures } from "./trial.js";

/** Length of the features. */
export const FEATURES = 2048;

/** A network whose features and classes are the published ones (Inception v3), however it is run. */
export interface FeatureNetwork {
  /** Named in the report: its file. */
  readonly name: string;
  /**
   * @param images [N, 3, size, size] in [−1, 1]
   * @returns features [N, 2048], and logits [N, classes] of a second output; none where there is none
   */
  observe(images: Float32Array, size: number): Promise<Observation>;
}

export interface PublishedRequest {
  readonly network: FeatureNetwork;
  /** Drawn images a generator. */
  readonly samples: number;
}

export class PublishedMeasures {
  private constructor(
    readonly dataset: Dataset,
    readonly request: PublishedRequest,
    readonly captions: readonly number[],
    readonly reference: Reference,
    readonly seed: number,
    /** What real images get: the inception score. */
    readonly ofReal: Values,
    readonly hooks: TrainHooks,
    readonly share: Sharing,
  ) {}

  /** Looks at the real images. @param share Who draws and looks at which images. */
  static async prepare(
    dataset: Dataset,
    request: PublishedRequest,
    seed: number,
    hooks: TrainHooks,
    share: Sharing = alone,
  ): Promise<PublishedMeasures> {
    const unseen = dataset.imagesOfSplit("test");
    const images = unseen.length > 0 ? unseen : dataset.imagesOfSplit("train");
    const { captions } = drawPairs(dataset, images, request.samples, new RandomStream(seed, StreamPurpose.evaluatedPairs, 9));
    const seen = await look(request.network, realImages(dataset, images), dataset.size, "real images", hooks, share);
    return new PublishedMeasures(dataset, request, captions, new Reference(seen.features, FEATURES), seed, score(seen), hooks, share);
  }

  async ofDrawn(pictures: Pictures, label: string): Promise<Values> {
    const drawn = await pictures.of(this.captions);
    const seen = await look(this.request.network, drawn, this.dataset.size, label, this.hooks, this.share);
    this.hooks.onEvent({ kind: "message", text: `${label}: singular values of a matrix of ${FEATURES} × ${FEATURES}, a minute or two` });
    const { fid, kid } = this.reference.distances(seen.features, this.seed);
    return { fidInception: fid, kidInception: kid, ...score(seen) };
  }

  /** What a reader must know to compare these numbers. */
  get note(): string {
    const few = this.request.samples < 10000 ? "; published figures take 10,000 or 50,000, and FID grows with fewer" : "";
    const counts = `${this.request.samples} drawn and ${this.reference.count} real images`;
    const warning = fewImages("FID and KID", Math.min(this.request.samples, this.reference.count), FEATURES);
    return `FID, KID and inception score by ${this.request.network.name}, ${counts}${few}.${warning ? ` ${warning}` : ""}`;
  }
}

function score({ outputs, features }: Observation): Record<string, Value> {
  if (outputs.length === 0) return {};
  const classes = (outputs.length * FEATURES) / features.length;
  const { mean, deviation } = inceptionScore(softmaxRows(outputs, classes), classes);
  return { inceptionScore: { value: mean, deviation } };
}

async function look(network: FeatureNetwork, parts: Parts, size: number, what: string, hooks: TrainHooks, share: Sharing) {
  let done = 0;
  const observer = {
    async observe(images: Float32Array) {
      hooks.signal.throwIfAborted();
      const seen = await network.observe(images, size);
      done += images.length / (3 * size * size);
      hooks.onEvent({ kind: "work", what: `${what}: features of --features`, unit: "images", done, total: parts.images });
      return seen;
    },
  };
  const [seen] = await observeAll([observer], parts, share);
  return seen!;
}
