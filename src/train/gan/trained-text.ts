/**
 * A text encoder that is trained with the GAN (GAN-E2E of Reed et al. 2016, supplement), from scratch or from a trained one. It learns by
 * the discriminator's loss, in which texts must match images. The generator's step takes the texts as given: its loss would be served
 * best by texts that say nothing.
 *
 * The normalisation is that of the encoder at the start, and stays.
 */
import { fillCaptions } from "../../data/batch.js";
import type { Dataset } from "../../data/dataset.js";
import type { PairBatch } from "../../data/sampler.js";
import type { Device } from "../../gpu/device.js";
import { TextEncoder } from "../../models/text-encoder.js";
import { add, mul, sub } from "../../tensor/elementwise.js";
import { reshape } from "../../tensor/layout.js";
import { Adam, type AdamOptions } from "../../tensor/optimizers.js";
import { mean } from "../../tensor/reduce.js";
import { input, type Tensor, tensor } from "../../tensor/tensor.js";
import { assign } from "../../tensor/variables.js";
import { type BatchTexts, CaptionEncoder, normalise, type TextModel } from "../text/captions.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "../run/network-file.js";
import type { SafeTensor } from "../../formats/safetensors.js";

const noRandom = { uniform: () => 0.5, normal: () => 0 };

export class TrainedText implements BatchTexts {
  readonly encoder: TextEncoder;
  /** The moving average, which goes with the generator's; the encoder itself where there is none. */
  readonly average: TextEncoder;
  readonly adam: Adam;
  /** Columns that hold every caption of the data set. */
  readonly #columns: number;
  #captions: CaptionEncoder | undefined;

  private constructor(
    readonly device: Device,
    readonly dataset: Dataset,
    readonly start: TextModel,
    readonly perRow: number,
    averaged: boolean,
    adam: AdamOptions,
  ) {
    this.encoder = start.encoder;
    this.average = averaged ? new TextEncoder(start.encoder.options, noRandom) : start.encoder;
    this.adam = new Adam(this.encoder.parameters, adam);
    const { length } = start.encoder.options;
    let longest = 0;
    for (let i = 0; i < dataset.captions; i++) longest = Math.max(longest, start.alphabet.lengthOf(dataset.caption(i), length));
    this.#columns = start.encoder.window(longest).columns;
  }

  /**
   * @param start The encoder to begin with; it becomes the one that is trained.
   * @param perRow Captions whose embeddings are averaged in a row of a batch.
   * @param averaged Keep a moving average.
   */
  static async begin(
    device: Device,
    dataset: Dataset,
    start: TextModel,
    perRow: number,
    averaged: boolean,
    adam: AdamOptions,
  ): Promise<TrainedText> {
    const text = new TrainedText(device, dataset, start, perRow, averaged, adam);
    if (averaged) text.average.parameters.write(await text.encoder.parameters.read());
    return text;
  }

  /** Normalised embeddings [B, size] of the captions that the input `name` gives, u32 [B·perRow, columns]. */
  embed(name: string, batch: number): Tensor {
    const { center, scale } = this.start.normalisation;
    const raw = this.encoder.call(input(name, [batch * this.perRow, this.#columns], "u32"));
    const means = this.perRow === 1 ? raw : mean(reshape(raw, [batch, this.perRow, center.length]), [1]);
    return mul(sub(means, tensor(center)), scale);
  }

  /** Values of such an input. @param captions [B·perRow], row by row. */
  index(captions: Uint32Array): Uint32Array {
    return fillCaptions(this.dataset, captions, this.#columns, undefined, this.start.alphabet);
  }

  inputs({ captions, wrongCaptions }: PairBatch, wrongText: boolean): Promise<Record<string, Uint32Array>> {
    return Promise.resolve({ text: this.index(captions), ...(wrongText && { wrongText: this.index(wrongCaptions) }) });
  }

  /** Nothing: its embeddings change with every step. */
  keep(): Promise<void> {
    return Promise.resolve();
  }

  /** Records average ← average + (encoder − average)·remain. */
  follow(remain: Tensor): void {
    const { flat } = this.average.parameters;
    assign(flat, add(flat, mul(sub(this.encoder.parameters.flat, flat), remain)));
  }

  /** The averaged encoder as the model's file has it. */
  get model(): TextModel {
    return { ...this.start, encoder: this.average };
  }

  /** Normalised embeddings of captions by the averaged encoder as it is now: [captions, size]. */
  async embeddings(captions: readonly number[]): Promise<Float32Array> {
    this.#captions ??= new CaptionEncoder(this.device, this.average, this.start.alphabet, captions.length);
    return normalise(await this.#captions.encode(captions.map((i) => this.dataset.caption(i))), this.start.normalisation);
  }

  /** All that a checkpoint must hold of it. */
  async tensors(): Promise<NamedTensor[]> {
    return [
      ...(await networkTensors("text", this.encoder)),
      ...(this.average === this.encoder ? [] : await networkTensors("averageText", this.average)),
      ...(await storeTensors("adamText.m", this.adam.first)),
      ...(await storeTensors("adamText.v", this.adam.second)),
    ];
  }

  /** @throws UserError when the checkpoint is of another encoder */
  load(tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    loadNetwork("text", this.encoder, tensors, file);
    if (this.average !== this.encoder) loadNetwork("averageText", this.average, tensors, file);
    loadStore("adamText.m", this.adam.first, tensors, file);
    loadStore("adamText.v", this.adam.second, tensors, file);
  }
}
