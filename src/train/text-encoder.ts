/**
 * Stage 1: the joint embedding of images and captions from which the GAN's text vectors come. A char-CNN-RNN and a small image network
 * are trained together on batches of different classes (Reed et al. 2016, "Learning Deep Representations", section 4) by InfoNCE on
 * cosines with a learned temperature, which does better here than the paper's hinge.
 */
import { grad } from "../autograd/grad.js";
import { fillCaptions, fillImages } from "../data/batch.js";
import type { Dataset } from "../data/dataset.js";
import { RandomStream } from "../data/philox.js";
import { JointSampler } from "../data/sampler.js";
import { NonFiniteError } from "../errors.js";
import type { Device } from "../gpu/device.js";
import { ImageEncoder } from "../models/image-encoder.js";
import { TextEncoder, type TextEncoderOptions, windowFor } from "../models/text-encoder.js";
import { compile } from "../tensor/compile.js";
import { exp } from "../tensor/elementwise.js";
import { infoNce } from "../tensor/losses.js";
import { Adam } from "../tensor/optimizers.js";
import type { Program } from "../tensor/program.js";
import { input, type Tensor } from "../tensor/tensor.js";
import { Store } from "../tensor/variables.js";
import { TEXT_VALUES } from "./names.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "./network-file.js";
import type { SafeTensor } from "./safetensors.js";

export interface JointTraining {
  readonly steps: number;
  readonly seed: number;
  /** Classes, and rows, a batch; fewer where the data set has fewer. */
  readonly batch: number;
  readonly learningRate: number;
  /** Steps over which the learning rate grows from zero, before its cosine decay. */
  readonly warmUp: number;
  readonly text: Omit<TextEncoderOptions, "alphabet">;
  /** Width of the image network. */
  readonly imageWidth: number;
  /** Images are moved by up to this many pixels. */
  readonly shift: number;
}

export class JointEmbedding {
  readonly text: TextEncoder;
  readonly image: ImageEncoder;
  /** Logarithm of the inverse temperature. */
  readonly #temperature = new Store("temperature");
  readonly #logScale: Tensor;
  readonly #adams: readonly Adam[];
  readonly #programs = new Map<number, Promise<Program<{ loss: Tensor }>>>();
  readonly #batch: number;
  #step = 0;

  constructor(
    readonly device: Device,
    readonly dataset: Dataset,
    readonly options: JointTraining,
  ) {
    const random = new RandomStream(options.seed, TEXT_VALUES);
    this.text = new TextEncoder({ ...options.text, alphabet: dataset.alphabet.size }, random);
    this.image = new ImageEncoder({ imageSize: dataset.size, width: options.imageWidth, embedding: options.text.embedding }, random);
    this.#logScale = this.#temperature.variable("log_scale", [1], (values) => values.fill(Math.log(10)));
    this.#adams = [this.text.parameters, this.image.parameters, this.#temperature].map((store) => new Adam(store));
    const classes = dataset.split.train.filter((c) => dataset.imagesOfClass(c).length > 0).length;
    this.#batch = Math.min(options.batch, classes);
  }

  /** All variables: of both networks, the temperature and the optimizers. */
  get stores(): readonly Store[] {
    const networks = [this.text.parameters, this.text.statistics, this.image.parameters, this.image.statistics, this.#temperature];
    return [...networks, ...this.#adams.flatMap(({ first, second }) => [first, second])];
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** All that a later `restore` needs to go on with the same bits. */
  async tensors(): Promise<NamedTensor[]> {
    const parts = [
      networkTensors("text", this.text),
      networkTensors("image", this.image),
      storeTensors("temperature", this.#temperature),
      ...this.#adams.flatMap((adam) => [storeTensors(adam.first.name, adam.first), storeTensors(adam.second.name, adam.second)]),
    ];
    return (await Promise.all(parts)).flat();
  }

  /** Goes back to a saved state. @throws UserError when the tensors are of another training */
  restore(step: number, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    loadNetwork("text", this.text, tensors, file);
    loadNetwork("image", this.image, tensors, file);
    loadStore("temperature", this.#temperature, tensors, file);
    for (const { first, second } of this.#adams) for (const moment of [first, second]) loadStore(moment.name, moment, tensors, file);
    this.#step = step;
  }

  /**
   * Trains up to a step.
   * @param onStep Called after each step.
   * @param signal Ends the training early when aborted.
   * @throws NonFiniteError
   */
  async train(until: number, onStep: (step: number, loss: number, rows: number) => void, signal: AbortSignal): Promise<void> {
    const { seed, shift } = this.options;
    const sampler = new JointSampler(this.dataset, { batch: this.#batch, seed, shift });
    let pending: Promise<void> = Promise.resolve();
    while (this.#step < until && !signal.aborted) {
      const step = ++this.#step;
      const { images, captions, views, length } = sampler.batch(step);
      const { columns } = windowFor(length);
      const program = await this.program(columns);
      const rate = this.#adams[0]!.rate(this.#learningRate(step), step);
      const values = { images: fillImages(this.dataset, images, views), index: fillCaptions(this.dataset, captions, columns), rate };
      const result = program.run(values);
      // The batch before is looked at while this one is computed.
      await pending;
      pending = result.then(({ loss }) => {
        if (!Number.isFinite(loss[0]))
          throw new NonFiniteError(`text encoder: the loss is ${loss[0]} at step ${step}; try a smaller learning rate`);
        onStep(step, loss[0]!, this.#batch);
      });
    }
    await pending;
  }

  #learningRate(step: number): number {
    const { steps, warmUp, learningRate } = this.options;
    const rising = Math.min(1, step / Math.max(1, Math.min(warmUp, steps / 4)));
    return learningRate * rising * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps));
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
    const { size } = this.dataset;
    const images = this.image.call(input("images", [this.#batch, 3, size, size]), "train");
    this.image.updateStatistics();
    const texts = this.text.call(input("index", [this.#batch, columns], "u32"));
    const loss = infoNce(images, texts, exp(this.#logScale));
    const rate = input("rate", [2]);
    // All gradients before any update: they belong to the values the loss was computed with.
    const stores = this.#adams.map((adam) => adam.parameters.entries.map((e) => e.tensor));
    const gradients = grad(loss, stores.flat());
    let at = 0;
    this.#adams.forEach((adam, i) => adam.step(gradients.slice(at, (at += stores[i]!.length)), rate));
    return { loss };
  }

  /** Frees the programs; the networks stay. */
  async destroy(): Promise<void> {
    for (const program of this.#programs.values()) (await program).destroy();
    this.#programs.clear();
  }
}
