/**
 * How good a text encoder is on held-out classes while it trains: on training classes that are held out for this, so that the test classes
 * stay unseen. A sample of their captions is enough to choose a step by. Without classes images are held out, and captions find theirs.
 */
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import type { Device } from "../../gpu/device.js";
import { alone, type Sharing } from "../../tensor/sharing.js";
import { CaptionEncoder } from "./captions.js";
import { ImageEmbedder } from "./image-embedder.js";
import type { JointEmbedding } from "./joint-embedding.js";
import { similarityOf } from "./objectives.js";
import { dotProducts, normalizeEmbeddings, zeroShot } from "./zero-shot.js";

/** Captions of a class that are embedded. */
const CAPTIONS = 40;
/** Images whose captions are told apart, where no images are used or no classes known. */
const PAIRS = 400;

export interface Validation {
  /** Shares from 0 to 1, by name. */
  readonly measures: Readonly<Record<string, number>>;
  /** By which steps are compared: the mean of the measures. */
  readonly score: number;
}

/** The classes held out of the training ones: the same for every seed, so that trainings can be compared. */
export function heldOut(classes: readonly number[], count: number): readonly number[] {
  return new RandomStream(0, StreamPurpose.validation).shuffle([...classes], count).slice(0, count);
}

export class Validator {
  private constructor(
    readonly measure: () => Promise<Validation>,
    readonly destroy: () => Promise<void>,
  ) {}

  /** @param classes The held-out ones; at least two with images. @param share Who embeds what. */
  static async create(device: Device, joint: JointEmbedding, classes: readonly number[], share: Sharing = alone): Promise<Validator> {
    const { dataset, symbols, features } = joint.data;
    const { similarity, embedding: size } = {
      similarity: similarityOf(joint.options.objective),
      embedding: joint.model.text.options.embedding,
    };
    const random = new RandomStream(0, StreamPurpose.validation, 1);
    const captions = new CaptionEncoder(device, joint.model.text, symbols, undefined, share);
    const used = classes.filter((c) => dataset.imagesOfClass(c).length > 0);
    const images = used.flatMap((c) => dataset.imagesOfClass(c));
    if (!joint.model.image) {
      const pairs = random
        .shuffle(
          images.filter((i) => dataset.captionsOf(i).length > 1),
          PAIRS,
        )
        .slice(0, PAIRS);
      const measure = async () => {
        const [first, second] = [0, 1].map((k) => pairs.map((i) => dataset.captionsOf(i)[k]!));
        // One after the other: ranks that share them need an order.
        const products = dotProducts(await captions.encode(first!), await captions.encode(second!), size);
        const recall1 = ownIsBest(products, pairs.length);
        return { measures: { recall1 }, score: recall1 };
      };
      return new Validator(measure, () => captions.destroy());
    }
    const embedder = await ImageEmbedder.create(device, dataset, joint.model.image, features, share);
    const destroy = async () => {
      embedder.destroy();
      await captions.destroy();
    };
    if (dataset.classless) {
      const asked = images.slice(0, PAIRS);
      const sentences = asked.map((image) => random.pick(dataset.captionsOf(image)));
      const measure = async () => {
        const seen = await embedder.embed(asked);
        if (similarity === "cosine") normalizeEmbeddings(seen, size);
        const recall1 = ownIsBest(dotProducts(await captions.encode(sentences), seen, size), asked.length);
        return { measures: { recall1 }, score: recall1 };
      };
      return new Validator(measure, destroy);
    }
    const texts = used.flatMap((c, i) => {
      const all = dataset.imagesOfClass(c).flatMap((image) => dataset.captionsOf(image));
      return random
        .shuffle(all, CAPTIONS)
        .slice(0, CAPTIONS)
        .map((text) => ({ text, class: i }));
    });
    const classOf = new Map(used.map((c, i) => [c, i]));
    const imageClasses = images.map((i) => classOf.get(dataset.classOf(i))!);
    const measure = async () => {
      const embedded = {
        images: { values: await embedder.embed(images), classes: imageClasses },
        texts: { values: await captions.encode(texts.map(({ text }) => text)), classes: texts.map((t) => t.class) },
      };
      const { top1, ap50 } = zeroShot(embedded.images, embedded.texts, used.length, size, similarity);
      return { measures: { top1, ap50 }, score: (top1 + ap50) / 2 };
    };
    return new Validator(measure, destroy);
  }
}

/** Share of the rows of [n, n] whose largest value is on the diagonal, alone. */
function ownIsBest(scores: Float32Array, n: number): number {
  let hits = 0;
  for (let i = 0; i < n; i++) {
    const row = scores.subarray(i * n, (i + 1) * n);
    if (row.every((score, j) => j === i || score < row[i]!)) hits++;
  }
  return hits / n;
}
