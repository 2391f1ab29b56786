/**
 * Training a text encoder: jointly with an image network, on batches of different classes, or on captions alone (text-objectives.ts says
 * by what). A step is a pure function of (seed, step) and of the state, so a training that is resumed has the same bits.
 */
import { grad } from "../../autograd/grad.js";
import { fillCaptions, fillImages } from "../../data/batch.js";
import { CaptionPairSampler } from "../../data/caption-pairs.js";
import type { Dataset } from "../../data/dataset.js";
import { RandomStream } from "../../random/philox.js";
import { KeyStream, StreamPurpose } from "../../random/streams.js";
import { type Augmentation, JointSampler } from "../../data/sampler.js";
import type { Symbols } from "../../data/symbols.js";
import { NonFiniteError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { FeatureEncoder, ImageEncoder } from "../../models/image-encoder.js";
import { TextEncoder, type TextEncoderOptions } from "../../models/text-encoder.js";
import { compile } from "../../tensor/compile.js";
import { mul, sub } from "../../tensor/elementwise.js";
import { reshape, slice } from "../../tensor/layout.js";
import { normalizeRows } from "../../tensor/losses.js";
import type { Adam, RmsProp } from "../../tensor/optimizers.js";
import type { Program } from "../../tensor/program.js";
import { dropout, keyInput, randomKey } from "../../tensor/random.js";
import { mean } from "../../tensor/reduce.js";
import { input, type Tensor, tensor } from "../../tensor/tensor.js";
import { assign, Store } from "../../tensor/variables.js";
import { fillFeatures, type ImageFeatures } from "./image-features.js";
import type { Pace } from "../run/events.js";
import { trainSteps } from "../run/loop.js";
import type { ImageSide } from "./encoder-file.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "../run/network-file.js";
import type { SafeTensor } from "../../formats/safetensors.js";
import { epochOf, objectiveLoss, type ObjectiveOptions, RECIPES, type Schedule, scheduledRate, similarityOf } from "./objectives.js";

export interface JointTraining extends Schedule, ObjectiveOptions, Required<Augmentation> {
  readonly seed: number;
  /** Rows a batch, each of another class (text-only: another image); fewer where the data set has fewer. */
  readonly batch: number;
  readonly text: Omit<TextEncoderOptions, "alphabet">;
  /** Width of the image network. */
  readonly imageWidth: number;
  /** Captions of an image whose embeddings are averaged in its row. */
  readonly numCaptions: number;
  /** Only the first so many captions of an image are trained on; null: all. */
  readonly sentences: number | null;
  /** Probability with which an element of the layers before the embeddings is left out. */
  readonly dropout: number;
  /** Decoupled (Loshchilov and Hutter 2019): a step takes learning rate × this of every weight; biases and norms are spared. */
  readonly weightDecay: number;
}

/** The training of the default objective; how large and how long is for the caller to say. */
export const PLAIN_TRAINING: Omit<JointTraining, "text" | "imageWidth" | "steps" | "seed"> = {
  ...{ objective: "info-nce", margin: 1, others: "sum", batch: 40, numCaptions: 1, sentences: null, dropout: 0, weightDecay: 0 },
  ...{ schedule: "cosine", learningRate: 1e-3, warmUp: 100, lrDecay: 1, lrDecayEvery: 1 },
  ...{ mirror: true, shift: 4, crop: 1, light: 0 },
};

/** What a text encoder is trained on. */
export interface TextData {
  readonly dataset: Dataset;
  /** What the encoder reads: the data set's alphabet, or a vocabulary. */
  readonly symbols: Symbols;
  /** The classes to train on. */
  readonly classes: readonly number[];
  /** Features of the images, instead of an image network of our own. */
  readonly features?: ImageFeatures | undefined;
}

/** What differs from step to step: the columns of the captions, and the values of the program's inputs. */
interface Batch {
  readonly columns: number;
  readonly values: Record<string, ArrayLike<number>>;
}

export class JointEmbedding {
  readonly text: TextEncoder;
  /** Undefined where no image is used. */
  readonly image: ImageSide | undefined;
  /** Logarithm of InfoNCE's inverse temperature. */
  readonly #temperature = new Store("temperature");
  readonly #logScale: Tensor;
  readonly #optimizers: readonly (Adam | RmsProp)[];
  readonly #programs = new Map<number, Promise<Program<{ loss: Tensor }>>>();
  readonly #batchOf: (step: number) => Batch;
  readonly #batch: number;
  readonly #epoch: number;
  #step = 0;

  constructor(
    readonly device: Device,
    readonly data: TextData,
    readonly options: JointTraining,
  ) {
    const { dataset, symbols, features } = data;
    const { objective, seed, text, imageWidth } = options;
    const random = new RandomStream(seed, StreamPurpose.textValues);
    const { initial, optimizer } = RECIPES[objective];
    this.text = new TextEncoder({ ...text, alphabet: symbols.size }, random, initial(random));
    const { embedding } = text;
    if (objective !== "text-only") {
      this.image = features
        ? new FeatureEncoder({ features: features.size, embedding }, random)
        : new ImageEncoder({ imageSize: dataset.size, width: imageWidth, embedding }, random);
    }
    this.#logScale = this.#temperature.variable("log_scale", [1], (values) => values.fill(Math.log(10)));
    const stores = [
      this.text.parameters,
      ...(this.image ? [this.image.parameters] : []),
      ...(this.#learnsScale ? [this.#temperature] : []),
    ];
    this.#optimizers = stores.filter((store) => store.entries.length > 0).map(optimizer);
    const classes = data.classes.filter((c) => dataset.imagesOfClass(c).length > 0);
    const images = classes.flatMap((c) => dataset.imagesOfClass(c));
    this.#batch = Math.min(options.batch, objective === "text-only" ? images.length : classes.length);
    this.#epoch = epochOf(objective, dataset.classless ? undefined : classes.length, images.length, this.#batch);
    this.#batchOf = objective === "text-only" ? this.#captionPairs(images) : this.#imagesAndCaptions(classes);
  }

  /** All variables: of both networks, the temperature and the optimizers. */
  get stores(): readonly Store[] {
    const networks = [this.text, ...(this.image ? [this.image] : [])].flatMap(({ parameters, statistics }) => [parameters, statistics]);
    return [...networks, this.#temperature, ...this.#optimizers.flatMap(momentsOf)];
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** All that a later `restore` needs to go on with the same bits. */
  async tensors(): Promise<NamedTensor[]> {
    const moments = this.#optimizers.flatMap(momentsOf).map((store) => storeTensors(store.name, store));
    const [weights, temperature, ...rest] = await Promise.all([this.weights(), storeTensors("temperature", this.#temperature), ...moments]);
    return [weights, temperature, ...rest].flat();
  }

  /** The networks alone. */
  async weights(): Promise<NamedTensor[]> {
    return [...(await networkTensors("text", this.text)), ...(this.image ? await networkTensors("image", this.image) : [])];
  }

  /** Goes back to a saved state. @throws UserError when the tensors are of another training */
  restore(step: number, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    this.restoreWeights(tensors, file);
    loadStore("temperature", this.#temperature, tensors, file);
    for (const moment of this.#optimizers.flatMap(momentsOf)) loadStore(moment.name, moment, tensors, file);
    this.#step = step;
  }

  /** The reverse of `weights`. @throws UserError */
  restoreWeights(tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    loadNetwork("text", this.text, tensors, file);
    if (this.image) loadNetwork("image", this.image, tensors, file);
  }

  /**
   * Trains up to a step.
   * @param onStep Called after each step; a promise is waited for.
   * @param signal Ends the training early when aborted.
   * @throws NonFiniteError
   */
  async train(
    until: number,
    onStep: (step: number, loss: number, rows: number) => unknown,
    signal: AbortSignal,
    pace?: Pace,
  ): Promise<void> {
    const { dropout, weightDecay, seed } = this.options;
    this.#step = await trainSteps({
      ...{ done: this.#step, until, signal, pace },
      inputs: async (step) => {
        const { columns, values } = this.#batchOf(step);
        return { values, program: await this.program(columns) };
      },
      run: ({ values, program }, step) => {
        const learningRate = scheduledRate(this.options, step, this.#epoch);
        return program.run({
          ...values,
          rate: this.#optimizers[0]!.rate(learningRate, step),
          ...(dropout > 0 && { key: randomKey(seed, step) }),
          ...(weightDecay > 0 && { decay: [learningRate * weightDecay] }),
        });
      },
      record: (step, { loss }) => {
        if (!Number.isFinite(loss[0]))
          throw new NonFiniteError(`text encoder: the loss is ${loss[0]} at step ${step}; try a smaller learning rate`);
        return onStep(step, loss[0]!, this.#batch);
      },
    });
  }

  get #learnsScale(): boolean {
    return this.options.objective === "info-nce";
  }

  /** One image and some captions of each of several classes. */
  #imagesAndCaptions(classes: readonly number[]): (step: number) => Batch {
    const { dataset, symbols, features } = this.data;
    const { seed, numCaptions, sentences, mirror, shift, crop, light } = this.options;
    const { length: most } = this.text.options;
    const sampler = new JointSampler(dataset, {
      ...{ batch: this.#batch, seed, classes, captionsPerImage: numCaptions, mirror, shift, crop, light },
      ...(sentences !== null && { sentences }),
      lengthOf: (caption) => symbols.lengthOf(caption, most),
    });
    return (step) => {
      const { images, captions, views, length } = sampler.batch(step);
      const { columns } = this.text.window(length);
      const view = new RandomStream(seed, StreamPurpose.textValues, step);
      const seen = features ? fillFeatures(features, images, () => view.below(features.views)) : fillImages(dataset, images, views);
      return { columns, values: { images: seen, index: fillCaptions(dataset, captions, columns, undefined, symbols) } };
    };
  }

  /** Two captions of each of several images. */
  #captionPairs(images: readonly number[]): (step: number) => Batch {
    const { dataset, symbols } = this.data;
    const { seed, sentences } = this.options;
    const { length: most } = this.text.options;
    const sampler = new CaptionPairSampler(dataset, { batch: this.#batch, seed, images, ...(sentences !== null && { sentences }) });
    return (step) => {
      const { first, second } = sampler.batch(step);
      const captions = Uint32Array.of(...first, ...second);
      const length = captions.reduce((longest, i) => Math.max(longest, symbols.lengthOf(dataset.caption(i), most)), 0);
      const { columns } = this.text.window(length);
      return { columns, values: { index: fillCaptions(dataset, captions, columns, undefined, symbols) } };
    };
  }

  /** One step on captions of a TextWindow's columns, compiled once. Inputs: `images`, `index` and `rate` [2]. */
  program(columns: number): Promise<Program<{ loss: Tensor }>> {
    let program = this.#programs.get(columns);
    if (!program) {
      program = compile(this.device, () => this.#iteration(columns));
      this.#programs.set(columns, program);
    }
    return program;
  }

  #iteration(columns: number): { loss: Tensor } {
    const { dropout: rate, weightDecay } = this.options;
    const key = rate > 0 ? keyInput() : undefined;
    const drop = (stream: number) => (x: Tensor) => (key ? dropout(x, rate, key, stream) : x);
    const [images, texts] = this.#pair(columns, drop);
    const loss = objectiveLoss(images, texts, this.options, this.#logScale);
    const step = input("rate", [2]);
    // All gradients before any update: they belong to the values the loss was computed with.
    const stores = this.#optimizers.map(({ parameters }) => parameters.entries.map((e) => e.tensor));
    const gradients = grad(loss, stores.flat());
    const decay = weightDecay > 0 ? input("decay", [1]) : undefined;
    let at = 0;
    this.#optimizers.forEach((optimizer, i) => {
      if (decay && optimizer.parameters !== this.#temperature) decayWeights(optimizer.parameters, decay);
      optimizer.step(gradients.slice(at, (at += stores[i]!.length)), step);
    });
    return { loss };
  }

  /** Embeddings [B, E] of the images (text-only: of other captions) and of the captions. */
  #pair(columns: number, drop: (stream: number) => (x: Tensor) => Tensor): [Tensor, Tensor] {
    const batch = this.#batch;
    const { numCaptions, objective } = this.options;
    const { embedding } = this.text.options;
    const { size } = this.data.dataset;
    if (!this.image) {
      const both = reshape(this.text.call(input("index", [2 * batch, columns], "u32"), drop(KeyStream.text.text)), [2, batch, embedding]);
      return [half(both, 0), half(both, 1)];
    }
    const images =
      this.image instanceof ImageEncoder
        ? this.image.call(input("images", [batch, 3, size, size]), "train", drop(KeyStream.text.image))
        : this.image.call(input("images", [batch, this.image.options.features]));
    this.image.updateStatistics();
    const texts = this.text.call(input("index", [batch * numCaptions, columns], "u32"), drop(KeyStream.text.text));
    if (numCaptions === 1) return [images, texts];
    const rows = similarityOf(objective) === "cosine" ? normalizeRows(texts) : texts;
    return [images, mean(reshape(rows, [batch, numCaptions, embedding]), [1])];
  }

  /** Frees the programs; the networks stay. */
  async destroy(): Promise<void> {
    for (const program of this.#programs.values()) (await program).destroy();
    this.#programs.clear();
  }
}

/** Row i of [2, B, E]. */
const half = (x: Tensor, i: number): Tensor => reshape(slice(x, 0, i, i + 1), x.shape.slice(1));

const momentsOf = (optimizer: Adam | RmsProp): Store[] => ("first" in optimizer ? [optimizer.first, optimizer.second] : [optimizer.second]);

/** Records w ← w − decay·w for the weights of a store: all variables of two dimensions or more. */
function decayWeights(store: Store, decay: Tensor): void {
  const weights = new Float32Array(store.length);
  for (const { tensor: variable, offset } of store.entries) if (variable.rank > 1) weights.fill(1, offset, offset + variable.size);
  assign(store.flat, mul(store.flat, sub(1, mul(tensor(weights), decay))));
}
