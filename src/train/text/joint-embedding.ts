/**
 * Training a text encoder: jointly with an image network, on batches of different classes, or on captions alone (text-objectives.ts says
 * by what). A step is a pure function of (seed, step) and of the state, so a training that is resumed has the same bits.
 */
import { RandomStream } from "../../random/philox.js";
import { KeyStream, StreamPurpose } from "../../random/streams.js";
import { NonFiniteError, UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { FeatureEncoder, ImageEncoder } from "../../models/image-encoder.js";
import { TextEncoder } from "../../models/text-encoder.js";
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
import type { Pace } from "../run/events.js";
import { type Learning, LEARNING_ALONE } from "../run/learning.js";
import { trainSteps } from "../run/loop.js";
import { averageStores, COMPARED_EVERY, requireEqual, spreadStores } from "../run/ranks.js";
import { SharedProgram } from "../run/shared-program.js";
import { ALONE, shareOf, type World } from "../run/world.js";
import type { ImageSide } from "./encoder-file.js";
import { type Batch, captionPairs, imagesAndCaptions } from "./joint-batches.js";
import type { JointTraining, TextData } from "./joint-training.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "../run/network-file.js";
import type { SafeTensor } from "../../formats/safetensors.js";
import { epochOf, objectiveLoss, RECIPES, scheduledRate, similarityOf } from "./objectives.js";

export type TextProgram = Program<{ loss: Tensor }>;

export class JointEmbedding {
  readonly text: TextEncoder;
  /** Undefined where no image is used. */
  readonly image: ImageSide | undefined;
  /** Logarithm of InfoNCE's inverse temperature. */
  readonly #temperature = new Store("temperature");
  readonly #logScale: Tensor;
  readonly #optimizers: readonly (Adam | RmsProp)[];
  /** By columns: a step alone, or together with other ranks. */
  readonly #programs = new Map<number, Promise<TextProgram | SharedProgram>>();
  readonly #batchOf: (step: number) => Batch;
  readonly #batch: number;
  /** This rank's rows of a batch. */
  readonly #own: { readonly begin: number; readonly end: number };
  readonly #epoch: number;
  /** Aborted when all ranks know that one of them is asked to stop. */
  readonly #stopped = new AbortController();
  #step = 0;

  /** @param world The ranks that train together. @throws UserError where a batch has fewer rows than there are ranks */
  constructor(
    readonly device: Device,
    readonly data: TextData,
    readonly options: JointTraining,
    readonly world: World = ALONE,
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
    if (this.#batch < world.size)
      throw new UserError(`a batch has ${this.#batch} rows, too few for ${world.size} ranks: start at most ${this.#batch}`);
    this.#own = shareOf(world, this.#batch);
    this.#epoch = epochOf(objective, dataset.classless ? undefined : classes.length, images.length, this.#batch);
    const drawn = { rows: this.#batch, own: this.#own, text: this.text };
    this.#batchOf =
      objective === "text-only" ? captionPairs(data, options, images, drawn) : imagesAndCaptions(data, options, classes, drawn);
  }

  /** Rows of a batch. */
  get rows(): number {
    return this.#batch;
  }

  /** All variables: of both networks, the temperature and the optimizers. */
  get stores(): readonly Store[] {
    const networks = this.#networks.flatMap(({ parameters, statistics }) => [parameters, statistics]);
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
    const rank = this.world.size === 1 ? undefined : this.world.rank;
    this.#step = await trainSteps({
      ...{ done: this.#step, until, signal: this.stopping(signal), pace },
      inputs: async (step) => {
        const { columns, values } = this.#batchOf(step);
        return { values, program: await this.#program(columns) };
      },
      run: async ({ values, program }, step) => {
        const learningRate = scheduledRate(this.options, step, this.#epoch);
        const inputs = {
          ...values,
          rate: this.#optimizers[0]!.rate(learningRate, step),
          ...(dropout > 0 && { key: randomKey(seed, step, rank) }),
          ...(weightDecay > 0 && { decay: [learningRate * weightDecay] }),
        };
        if (program instanceof SharedProgram) return program.run(inputs, `step ${step}`, signal);
        const { loss } = await program.run(inputs);
        return { numbers: { loss: loss[0]! }, stop: false };
      },
      record: (step, { numbers, stop }) => {
        if (stop) this.#stopped.abort();
        const loss = numbers.loss!;
        if (!Number.isFinite(loss))
          throw new NonFiniteError(`text encoder: the loss is ${loss} at step ${step}; try a smaller learning rate`);
        return onStep(step, loss, this.#batch);
      },
      due: (step) => (step % COMPARED_EVERY === 0 ? [() => requireEqual(this.world, this.#parameters, `step ${step}`)] : []),
    });
  }

  /** What ends the training: the signal alone; together what all ranks know of theirs after each step. */
  stopping(signal: AbortSignal): AbortSignal {
    return this.world.size === 1 ? signal : this.#stopped.signal;
  }

  /** Gives all ranks the same running statistics. @throws UserError where they have not the same parameters */
  async meet(): Promise<void> {
    const statistics = this.#networks.map((network) => network.statistics);
    await averageStores(this.world, statistics, `step ${this.#step}`);
    await requireEqual(this.world, this.#parameters, `step ${this.#step}`);
  }

  get #networks(): readonly (TextEncoder | ImageSide)[] {
    return [this.text, ...(this.image ? [this.image] : [])];
  }

  /** What is learnt. */
  get #parameters(): readonly Store[] {
    return this.#optimizers.map(({ parameters }) => parameters);
  }

  get #learnsScale(): boolean {
    return this.options.objective === "info-nce";
  }

  /**
   * What ranks do before they train: all take rank 0's variables, and compile all programs, since they have no time to speak of kernels later.
   * To be called after `restore`. Alone it does nothing.
   */
  async prepare(): Promise<void> {
    if (this.world.size === 1) return;
    await spreadStores(this.world, this.stores);
    for (const { columns } of this.text.windows) await this.#program(columns);
  }

  /** Compiles one step alone, on captions of a TextWindow's columns. Inputs: `images`, `index` and `rate` [2]. */
  compile(columns: number): Promise<TextProgram> {
    return compile(this.device, () => this.#iteration(columns, LEARNING_ALONE));
  }

  #program(columns: number): Promise<TextProgram | SharedProgram> {
    let program = this.#programs.get(columns);
    if (!program) {
      program =
        this.world.size === 1
          ? this.compile(columns)
          : SharedProgram.compile(this.device, this.world, (learning) => this.#iteration(columns, learning));
      this.#programs.set(columns, program);
    }
    return program;
  }

  #iteration(columns: number, learning: Learning): { loss: Tensor } {
    const { dropout: rate, weightDecay } = this.options;
    const key = rate > 0 ? keyInput("key", learning.rank !== undefined) : undefined;
    const drop = (stream: number) => (x: Tensor) => (key ? dropout(x, rate, key, stream) : x);
    const [images, texts] = learning.gather("the embeddings", this.#batch, this.#pair(columns, drop));
    const loss = objectiveLoss(images!, texts!, this.options, this.#logScale);
    learning.learn({
      ...{ what: "the text encoder's gradients", optimizers: this.#optimizers, loss, rate: input("rate", [2]) },
      numbers: () => ({ loss }),
      before: () => {
        if (weightDecay === 0) return;
        const decay = input("decay", [1]);
        for (const store of this.#parameters) if (store !== this.#temperature) decayWeights(store, decay);
      },
    })();
    return { loss };
  }

  /** Embeddings [own rows, E] of the images (text-only: of other captions) and of the captions. */
  #pair(columns: number, drop: (stream: number) => (x: Tensor) => Tensor): [Tensor, Tensor] {
    const batch = this.#own.end - this.#own.begin;
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
