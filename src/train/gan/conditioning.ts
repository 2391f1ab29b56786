/** What a run's GAN is conditioned on: the data set's captions by a text encoder, or embeddings that the user brought in their place. */
import type { Dataset } from "../../data/dataset.js";
import { UserError } from "../../errors.js";
import { Sha256 } from "../../formats/sha256.js";
import type { Device } from "../../gpu/device.js";
import { TextEncoder } from "../../models/text-encoder.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import { CaptionTable } from "../text/caption-table.js";
import { type BatchTexts, normalisationOf, normalise } from "../text/captions.js";
import { EmbeddedDataset, nameOf, placeVectors } from "../../data/embeddings/embedded-dataset.js";
import type { GivenEmbeddings } from "../../data/embeddings/given.js";
import { GAN_ADAM } from "./gan.js";
import type { TrainHooks } from "../run/events.js";
import { encodeTextEncoder, type ModelTexts, type TextEncoderFile } from "../text/encoder-file.js";
import { isNormalised, normalisationFor } from "../text/text-model.js";
import { TEXT_ENCODER_NAME } from "../run/names.js";
import type { TrainOptions } from "./options.js";
import type { Run } from "../run/run.js";
import type { RunStore } from "../run/store.js";
import type { World } from "../run/world.js";
import { textSource } from "./text-source.js";
import { jointTraining, obtainTextEncoder, symbolsOf } from "./text-stage.js";
import { TrainedText } from "./trained-text.js";

export interface Conditioning {
  /** What is trained on: with given embeddings, the images that have some. */
  readonly dataset: Dataset;
  readonly captions: BatchTexts;
  /** The same, where it is an encoder that is trained with the GAN. */
  readonly trained?: TrainedText;
  /** What goes into the model's file. */
  readonly texts: ModelTexts;
}

/** By the given text encoder, or by one that is obtained now. @returns undefined when the signal ended its training */
export async function conditionedByText(
  device: Device,
  dataset: Dataset,
  options: TrainOptions,
  run: Run<TrainOptions>,
  cache: RunStore | undefined,
  hooks: TrainHooks,
  given: TextEncoderFile | undefined,
  world: World,
): Promise<Conditioning | undefined> {
  const { trained, scratch } = textSource(options);
  const obtain = () => obtainTextEncoder(device, dataset, options, run, cache, hooks, world);
  const text = given ?? (scratch ? newTextEncoder(dataset, options) : await obtain());
  if (!text) return undefined;
  const normalisation = isNormalised(text) ? text.normalisation : await normalisationFor(device, dataset, text);
  if (trained) return conditionedByTraining(device, dataset, { ...text, normalisation }, options, run);
  return conditionedByEncoder(device, dataset, { ...text, normalisation }, run, cache, hooks);
}

/** Random weights, for what is trained with the GAN. */
function newTextEncoder(dataset: Dataset, options: TrainOptions): TextEncoderFile {
  const alphabet = symbolsOf(dataset, options);
  const { text } = jointTraining(options);
  const encoder = new TextEncoder({ ...text, alphabet: alphabet.size }, new RandomStream(options.seed, StreamPurpose.textValues));
  return { encoder, alphabet, normalisation: { center: new Float32Array(text.embedding), scale: 1 }, image: undefined };
}

/** By a text encoder, which is kept in the run. @param cache Where embedded captions are kept for later runs. */
async function conditionedByEncoder(
  device: Device,
  dataset: Dataset,
  text: TextEncoderFile,
  run: Run<TrainOptions>,
  cache: RunStore | undefined,
  hooks: TrainHooks,
): Promise<Conditioning> {
  const file = await encodeTextEncoder(text);
  await run.writeFile(TEXT_ENCODER_NAME, file);
  return { dataset, captions: await CaptionTable.open(device, dataset, text, file, cache, hooks), texts: text };
}

/**
 * By a text encoder that is trained with the GAN and kept in the run as it stands: now, and at each checkpoint.
 * @param start Where it begins.
 */
async function conditionedByTraining(
  device: Device,
  dataset: Dataset,
  start: TextEncoderFile,
  options: TrainOptions,
  run: Run<TrainOptions>,
): Promise<Conditioning> {
  await run.writeFile(TEXT_ENCODER_NAME, await encodeTextEncoder(start));
  const trained = await TrainedText.begin(device, dataset, start, options.numCaptions, options.ema > 0, GAN_ADAM);
  return { dataset, captions: trained, trained, texts: trained.model };
}

/** What a run says of the embeddings that it was begun with. */
const EMBEDDINGS_NAME = "embeddings.json";

/**
 * By given embeddings, which are normalised as captions' are: by the first vector of every image of the training classes.
 * @throws UserError when they do not fit the data set, or are others than those the run was begun with
 */
export async function conditionedByEmbeddings(
  base: Dataset,
  given: GivenEmbeddings,
  run: Run<TrainOptions>,
  { onEvent }: TrainHooks,
): Promise<Conditioning> {
  const { path, size, values } = given;
  const places = placeVectors(given, base);
  const dataset = new EmbeddedDataset(base, places, values.length / size);
  const [train, all] = [dataset.imagesOfSplit("train"), base.imagesOfSplit("train")];
  const lacking = all.find((image) => places.count[image] === 0);
  if (lacking !== undefined)
    onEvent({
      kind: "warning",
      text: `${path}: ${all.length - train.length} of ${all.length} training images have no embeddings and are left out, the first ${nameOf(base, lacking)}`,
    });
  if (places.unknown.length > 0)
    onEvent({ kind: "warning", text: `${path}: ${places.unknown.length} images are not in ${base.name}, the first ${places.unknown[0]}` });

  const digest = new Sha256().update(values).update(places.first).update(places.count).hex();
  const before = await run.readFile(EMBEDDINGS_NAME);
  if (!before)
    await run.writeFile(EMBEDDINGS_NAME, `${JSON.stringify({ path, size, vectors: values.length / size, sha256: digest }, null, 2)}\n`);
  else if ((JSON.parse(new TextDecoder().decode(before)) as { sha256?: string }).sha256 !== digest)
    throw new UserError(`${path} holds other embeddings than those that the run was begun with (${run.inside(EMBEDDINGS_NAME)})`);

  const sample = new Float32Array(train.length * size);
  train.forEach((image, i) => sample.set(values.subarray(places.first[image]! * size, (places.first[image]! + 1) * size), i * size));
  const normalisation = normalisationOf(sample, size);
  onEvent({ kind: "message", text: `embeddings: ${values.length / size} vectors of ${size} from ${path}` });
  return { dataset, captions: CaptionTable.given(dataset, normalise(values, normalisation), size), texts: { normalisation } };
}
