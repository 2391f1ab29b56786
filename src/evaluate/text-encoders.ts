/** Text encoders measured on the classes (images, where there are no classes) they were not trained on, beside chance and each other. */
import { captionNumbers, type Dataset } from "../data/dataset.js";
import { UserError } from "../errors.js";
import type { Device } from "../gpu/device.js";
import { type BySentences, bySentences, chance, instanceRecall, mostAp50, pairRecall, type Recall } from "../metrics/retrieval.js";
import type { TextEncoderOptions } from "../models/text-encoder.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";
import type { TextEncoderFile } from "../train/text/encoder-file.js";
import type { TrainHooks } from "../train/run/events.js";
import { CaptionEncoder } from "../train/text/captions.js";
import { ImageEmbedder } from "../train/text/image-embedder.js";
import type { ImageFeatures } from "../train/text/image-features.js";
import type { Similarity } from "../train/text/objectives.js";
import { cutCaptionsNote } from "../train/text/sentences.js";
import type { ZeroShot } from "../train/text/zero-shot.js";
import { attributesByChance, attributesInText, type TextAttributes } from "./text-attributes.js";

/** An encoder to be measured. */
export interface NamedEncoder {
  readonly model: TextEncoderFile;
  /** Its file, and a short name for it. */
  readonly file: string;
  readonly name: string;
}

export interface TextQuestions {
  /** Which of the data set's captions these are, for the report. */
  readonly language?: string | undefined;
  /** Of the images, for encoders whose image side takes given features. */
  readonly features?: ImageFeatures | undefined;
  /** Of the draws of sentences. */
  readonly seed: number;
}

/** All shares from 0 to 1. */
export interface EncoderReport {
  /** The file, and a short name for it. */
  readonly file: string;
  readonly name: string;
  readonly encoder: Required<TextEncoderOptions>;
  /** What the encoder's symbols are. */
  readonly unit: string;
  readonly similarity: Similarity;
  readonly captionsPerSecond: number;
  /** The paper's protocol: all test captions of a class. Absent, as the next three, where the encoder knows no images; it and the next where there are no classes. */
  readonly zeroShot?: ZeroShot;
  readonly bySentences?: readonly BySentences[];
  readonly captionToImage?: Recall;
  readonly imageToCaption?: Recall;
  /** From one caption of an image to another one. */
  readonly captionToCaption: Recall;
  /** Where images have attributes, on petals. */
  readonly attributes?: TextAttributes;
}

/** What text encoders can do, beside chance. */
export interface TextReport {
  readonly dataset: string;
  /** Which captions were asked for. */
  readonly language: string | null;
  /** True where the data set has no classes: nothing is measured by them then. */
  readonly classless?: boolean;
  /** Unseen classes (each image one, where there are none), their images and captions. */
  readonly classes: number;
  readonly images: number;
  readonly captions: number;
  readonly chance: {
    readonly zeroShot?: ZeroShot;
    readonly captionToImage: Recall;
    readonly imageToCaption: Recall;
    readonly captionToCaption: Recall;
    readonly attributes?: TextAttributes;
  };
  /** The most that AP@50 can be: less than 1 where a class has fewer than 50 images. */
  readonly mostAp50: number;
  readonly encoders: readonly EncoderReport[];
}

/** @throws UserError when the data set has no unseen classes; the signal's reason when aborted */
export async function evaluateTextEncoders(
  device: Device,
  dataset: Dataset,
  encoders: readonly NamedEncoder[],
  { language, features, seed }: TextQuestions,
  hooks: TrainHooks,
): Promise<TextReport> {
  const unseen = unseenOf(dataset);
  const reports: EncoderReport[] = [];
  for (const encoder of encoders) reports.push(await measure(device, unseen, encoder, features, seed, hooks));
  const { classes, images, captions } = unseen;
  const own = Math.round(captions.length / images.length);
  return {
    ...{ dataset: dataset.name, language: language ?? null, ...(dataset.classless && { classless: true }) },
    ...{ classes: classes.length, images: images.length, captions: captions.length },
    chance: {
      ...(!dataset.classless && { zeroShot: chance.zeroShot(classes.length) }),
      captionToImage: chance.captionToImage(images.length),
      imageToCaption: chance.imageToCaption(own, captions.length),
      captionToCaption: chance.captionToImage(unseen.pairs.length),
      ...(dataset.attributes && { attributes: attributesByChance() }),
    },
    mostAp50: dataset.classless
      ? 1
      : mostAp50({ images: { values: new Float32Array(0), classes: unseen.classOfImage }, classes: classes.length }),
    encoders: reports,
  };
}

/** The classes that nothing was trained on. Images and captions are numbered as the data set numbers them, classes from 0. */
interface Unseen {
  readonly dataset: Dataset;
  readonly classes: readonly number[];
  readonly images: readonly number[];
  readonly classOfImage: readonly number[];
  readonly captions: readonly number[];
  /** Row of each caption's image in `images`. */
  readonly imageOfCaption: readonly number[];
  /** Two captions of each image that has two. */
  readonly pairs: readonly (readonly [number, number])[];
}

function unseenOf(dataset: Dataset): Unseen {
  const all = dataset.split.test.filter((c) => dataset.imagesOfClass(c).length > 0);
  const classes = dataset.classless ? someOf(all) : all;
  if (classes.length < 2 && dataset.classless)
    throw new UserError(`${dataset.name} has ${all.length} held-out images, and two or more are told apart; see --held-out`);
  if (classes.length < 2)
    throw new UserError(
      `${dataset.name} has ${classes.length} unseen classes with images, and two or more are told apart; see its class lists`,
    );
  const images = classes.flatMap((c) => dataset.imagesOfClass(c));
  const placeOf = new Map(classes.map((c, place) => [c, place]));
  const random = new RandomStream(0, StreamPurpose.sentences);
  return {
    ...{ dataset, classes, images },
    classOfImage: images.map((image) => placeOf.get(dataset.classOf(image))!),
    captions: captionNumbers(dataset, images),
    imageOfCaption: images.flatMap((image, row) => dataset.captionsOf(image).map(() => row)),
    pairs: images.flatMap((image): [number, number][] => {
      const [first, second] = random.shuffle(captionNumbers(dataset, [image]), 2);
      return second === undefined ? [] : [[first!, second]];
    }),
  };
}

/** Without classes every held-out image may be asked for among all others: of many, a thousand, as published for MS-COCO. */
const MOST_IMAGES = 1000;

const someOf = (images: readonly number[]): number[] =>
  new RandomStream(0, StreamPurpose.sentences, MOST_IMAGES)
    .shuffle([...images], MOST_IMAGES)
    .slice(0, MOST_IMAGES)
    .sort((a, b) => a - b);

async function measure(
  device: Device,
  unseen: Unseen,
  { model, file, name }: NamedEncoder,
  features: ImageFeatures | undefined,
  seed: number,
  { onEvent, signal }: TrainHooks,
): Promise<EncoderReport> {
  const { dataset, classes, images, captions } = unseen;
  const { encoder, alphabet, image, similarity = "cosine" } = model;
  const { embedding: size } = encoder.options;
  const sentences = captions.map((i) => dataset.caption(i));
  const cut = cutCaptionsNote(sentences, alphabet, encoder.options.length);
  if (cut !== undefined) onEvent({ kind: "warning", text: `${name}: ${cut}` });
  const texts = new CaptionEncoder(device, encoder, alphabet);
  // The first batch compiles what the rate should not count.
  await texts.encode(sentences.slice(0, 1));
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const embedded = await texts.encode(sentences, (done) => {
    signal.throwIfAborted();
    onEvent({ kind: "work", what: `${name}: captions`, unit: "captions", done, total: captions.length, rate: done / seconds() });
  });
  const captionsPerSecond = captions.length / seconds();
  const encode = (some: readonly number[]) => texts.encode(some.map((i) => dataset.caption(i)));
  const attributes = dataset.attributes && (await attributesInText(device, dataset, encode, { captions, values: embedded }, seed, signal));
  await texts.destroy();
  const rowOf = new Map(captions.map((caption, row) => [caption, row]));
  const take = (wanted: readonly number[]) => {
    const out = new Float32Array(wanted.length * size);
    wanted.forEach((caption, i) => out.set(embedded.subarray(rowOf.get(caption)! * size, (rowOf.get(caption)! + 1) * size), i * size));
    return out;
  };
  const [first, second] = [0, 1].map((k) => take(unseen.pairs.map((pair) => pair[k]!)));
  const report: EncoderReport = {
    ...{ file, name, encoder: encoder.options, unit: alphabet.unit, similarity, captionsPerSecond },
    captionToCaption: pairRecall(first!, second!, { size, similarity }),
    ...(attributes && { attributes }),
  };
  if (!image) return report;
  const embedder = await ImageEmbedder.create(device, dataset, image, features);
  const seen = await embedder.embed(images, (done) =>
    onEvent({ kind: "work", what: `${name}: images`, unit: "images", done, total: images.length }),
  );
  embedder.destroy();
  signal.throwIfAborted();
  const retrieval = instanceRecall(seen, embedded, unseen.imageOfCaption, { size, similarity });
  if (dataset.classless) return { ...report, ...retrieval };
  const results = bySentences(
    {
      images: { values: seen, classes: unseen.classOfImage },
      texts: { values: embedded, classes: unseen.imageOfCaption.map((row) => unseen.classOfImage[row]!) },
      ...{ classes: classes.length, size, similarity },
    },
    { seed },
  );
  const { top1, ap50 } = results.at(-1)!;
  return {
    ...report,
    ...{ zeroShot: { top1, ap50 }, bySentences: results },
    ...retrieval,
  };
}
