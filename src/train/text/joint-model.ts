/**
 * What a text encoder is trained with: it and an image network (or it alone), the temperature of their likeness, the optimizers, and the
 * mathematics of a step (objectives.ts says which loss).
 */
import type { SafeTensor } from "../../formats/safetensors.js";
import { FeatureEncoder, ImageEncoder } from "../../models/image-encoder.js";
import { TextEncoder } from "../../models/text-encoder.js";
import { RandomStream } from "../../random/philox.js";
import { KeyStream, StreamPurpose } from "../../random/streams.js";
import { mul, sub } from "../../tensor/elementwise.js";
import { reshape, slice } from "../../tensor/layout.js";
import { normalizeRows } from "../../tensor/losses.js";
import type { Adam, RmsProp } from "../../tensor/optimizers.js";
import { dropout, keyInput } from "../../tensor/random.js";
import { mean } from "../../tensor/reduce.js";
import { input, type Tensor, tensor } from "../../tensor/tensor.js";
import { assign, Store } from "../../tensor/variables.js";
import type { Learning } from "../run/learning.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "../run/network-file.js";
import type { ImageSide } from "./encoder-file.js";
import type { JointTraining, TextData } from "./joint-training.js";
import { objectiveLoss, RECIPES, similarityOf } from "./objectives.js";

export class JointModel {
  readonly text: TextEncoder;
  /** Undefined where no image is used. */
  readonly image: ImageSide | undefined;
  readonly optimizers: readonly (Adam | RmsProp)[];
  /** Logarithm of InfoNCE's inverse temperature. */
  readonly #temperature = new Store("temperature");
  readonly #logScale: Tensor;
  /** Side of the images. */
  readonly #imageSize: number;

  constructor(
    { dataset, symbols, features }: TextData,
    readonly options: JointTraining,
  ) {
    const { objective, seed, text, imageWidth } = options;
    const random = new RandomStream(seed, StreamPurpose.textValues);
    const { initial, optimizer } = RECIPES[objective];
    this.#imageSize = dataset.size;
    this.text = new TextEncoder({ ...text, alphabet: symbols.size }, random, initial(random));
    const { embedding } = text;
    if (objective !== "text-only") {
      this.image = features
        ? new FeatureEncoder({ features: features.size, embedding }, random)
        : new ImageEncoder({ imageSize: dataset.size, width: imageWidth, embedding }, random);
    }
    this.#logScale = this.#temperature.variable("log_scale", [1], (values) => values.fill(Math.log(10)));
    const learnt = [...this.networks.map(({ parameters }) => parameters), ...(objective === "info-nce" ? [this.#temperature] : [])];
    this.optimizers = learnt.filter((store) => store.entries.length > 0).map(optimizer);
  }

  get networks(): readonly (TextEncoder | ImageSide)[] {
    return [this.text, ...(this.image ? [this.image] : [])];
  }

  /** What is learnt. */
  get parameters(): readonly Store[] {
    return this.optimizers.map(({ parameters }) => parameters);
  }

  /** All variables: of both networks, the temperature and the optimizers. */
  get stores(): readonly Store[] {
    const networks = this.networks.flatMap(({ parameters, statistics }) => [parameters, statistics]);
    return [...networks, this.#temperature, ...this.#moments];
  }

  get #moments(): readonly Store[] {
    return this.optimizers.flatMap((optimizer) => ("first" in optimizer ? [optimizer.first, optimizer.second] : [optimizer.second]));
  }

  /** The networks alone. */
  async weights(): Promise<NamedTensor[]> {
    return [...(await networkTensors("text", this.text)), ...(this.image ? await networkTensors("image", this.image) : [])];
  }

  /** All that a later `restore` needs to go on with the same bits. */
  async tensors(): Promise<NamedTensor[]> {
    const moments = this.#moments.map((store) => storeTensors(store.name, store));
    return (await Promise.all([this.weights(), storeTensors("temperature", this.#temperature), ...moments])).flat();
  }

  /** The reverse of `tensors`. @throws UserError when they are of another training */
  restore(tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    this.restoreWeights(tensors, file);
    for (const store of [this.#temperature, ...this.#moments]) loadStore(store.name, store, tensors, file);
  }

  /** The reverse of `weights`. @throws UserError */
  restoreWeights(tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    loadNetwork("text", this.text, tensors, file);
    if (this.image) loadNetwork("image", this.image, tensors, file);
  }

  /**
   * Records a step. Inputs: `images`, `index`, `rate` [2], and where they are used `key` and `decay` [1].
   * @param rows Of a whole batch. @param own Those of this rank.
   */
  iteration(columns: number, rows: number, own: number, learning: Learning): { loss: Tensor } {
    const { dropout: rate, weightDecay } = this.options;
    const key = rate > 0 ? keyInput("key", learning.rank !== undefined) : undefined;
    const drop = (stream: number) => (x: Tensor) => (key ? dropout(x, rate, key, stream) : x);
    const [images, texts] = learning.gather("the embeddings", rows, this.#pair(columns, own, drop));
    const loss = objectiveLoss(images!, texts!, this.options, this.#logScale);
    learning.learn({
      ...{ what: "the text encoder's gradients", optimizers: this.optimizers, loss, rate: input("rate", [2]) },
      numbers: () => ({ loss }),
      before: () => {
        if (weightDecay === 0) return;
        const decay = input("decay", [1]);
        for (const store of this.parameters) if (store !== this.#temperature) decayWeights(store, decay);
      },
    })();
    return { loss };
  }

  /** Embeddings [rows, E] of the images (text-only: of other captions) and of the captions. */
  #pair(columns: number, rows: number, drop: (stream: number) => (x: Tensor) => Tensor): [Tensor, Tensor] {
    const { numCaptions, objective } = this.options;
    const { embedding } = this.text.options;
    const size = this.#imageSize;
    if (!this.image) {
      const both = reshape(this.text.call(input("index", [2 * rows, columns], "u32"), drop(KeyStream.text.text)), [2, rows, embedding]);
      return [half(both, 0), half(both, 1)];
    }
    const images =
      this.image instanceof ImageEncoder
        ? this.image.call(input("images", [rows, 3, size, size]), "train", drop(KeyStream.text.image))
        : this.image.call(input("images", [rows, this.image.options.features]));
    this.image.updateStatistics();
    const texts = this.text.call(input("index", [rows * numCaptions, columns], "u32"), drop(KeyStream.text.text));
    if (numCaptions === 1) return [images, texts];
    const unit = similarityOf(objective) === "cosine" ? normalizeRows(texts) : texts;
    return [images, mean(reshape(unit, [rows, numCaptions, embedding]), [1])];
  }
}

/** Row i of [2, B, E]. */
const half = (x: Tensor, i: number): Tensor => reshape(slice(x, 0, i, i + 1), x.shape.slice(1));

/** Records w ← w − decay·w for the weights of a store: all variables of two dimensions or more. */
function decayWeights(store: Store, decay: Tensor): void {
  const weights = new Float32Array(store.length);
  for (const { tensor: variable, offset } of store.entries) if (variable.rank > 1) weights.fill(1, offset, offset + variable.size);
  assign(store.flat, mul(store.flat, sub(1, mul(tensor(weights), decay))));
}
