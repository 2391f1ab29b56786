/**
 * The text encoders of Reed et al. 2016, "Learning Deep Representations of Fine-Grained Visual Descriptions" (section 4.3 and the authors'
 * layers): a caption's symbols to a vector. No batch norm anywhere. `features`, then dropout, then a linear layer:
 *
 *   char-cnn-rnn   the convolutions of char-cnn.ts, 18 positions of 201 characters; then
 *       rnn            max pool 3 stride 2 → 8; ReLU RNN        the mean of its 8 states
 *       gru, lstm      over the 18 positions                    the mean of the 18 states
 *                      (or, of any cell, the last state)
 *   char-cnn       the same convolutions, max pool 3 stride 2 → 8; all positions side by side
 *   word-cnn-rnn   30 words: conv k3, conv k2, max pool 3, conv k2, ReLU after each → 8; then a cell as above, without another pool
 *   bag-of-words   the caption's words, counted: the linear layer is all there is
 */
import { UserError } from "../errors.js";
import { sum } from "../tensor/broadcast.js";
import { add, mul } from "../tensor/elementwise.js";
import { oneHotConv1d, oneHotWeightOrder } from "../tensor/gather.js";
import { reshape } from "../tensor/layout.js";
import { maxPool1d } from "../tensor/pool.js";
import { apply, type LinearParameters } from "../tensor/recurrent.js";
import { full, type Tensor } from "../tensor/tensor.js";
import type { Initializer } from "../tensor/variables.js";
import {
  CharacterConvolutions,
  conv1dWeightOrder,
  convolve,
  lookUp,
  type MakeConvolution,
  positions,
  type TextWindow,
  windowsOf,
} from "./char-cnn.js";
import { boundedUniform, type RandomSource } from "./initializers.js";
import { Network } from "./layers.js";
import { type Cell, type MakeLinear, type Recurrence, recurrence } from "./recurrent.js";

export const TEXT_FORMS = ["char-cnn-rnn", "char-cnn", "word-cnn-rnn", "bag-of-words"] as const;
/** The forms of a text encoder: what it reads, and by which layers. */
export type TextForm = (typeof TEXT_FORMS)[number];

/** Which state of the recurrent cell stands for the caption. */
export const TEXT_STATES = ["mean", "last"] as const;
/** "mean": of the states of all positions; "last": the last one. */
export type TextState = (typeof TEXT_STATES)[number];

/** Symbols of a document unless another length is asked for; longer captions are cut, shorter ones filled with "no symbol". */
export const DOCUMENT_LENGTHS: Readonly<Record<TextForm, number>> = {
  "char-cnn-rnn": 201,
  "char-cnn": 201,
  "word-cnn-rnn": 30,
  "bag-of-words": 100,
};

/** Form and sizes of a text encoder. */
export interface TextEncoderOptions {
  /** Default char-cnn-rnn. */
  readonly form?: TextForm;
  /** Symbols there are: characters of the alphabet, or words of the vocabulary. */
  readonly alphabet: number;
  /** Channels of the last convolution and of the recurrent state ("cnn_dim"); of all convolutions of words. A bag of words has none. */
  readonly width: number;
  /** Length of the embedding. */
  readonly embedding: number;
  /** Of the -rnn forms. Default rnn. */
  readonly cell?: Cell;
  /** Of the -rnn forms. Default mean. */
  readonly state?: TextState;
  /** Symbols of a document; default DOCUMENT_LENGTHS. */
  readonly length?: number;
}

/** First values of a weight, or of the bias, of a layer that has so many inputs. */
export type TextInitializers = (inputs: number, variable: "convolution" | "linear" | "bias") => Initializer;

/**
 * Weights U(±1/√inputs), the default of Torch7 and PyTorch. Biases begin at zero: with random ones the first hundred steps go by before
 * the captions are told apart.
 */
export const byFanIn =
  (random: RandomSource): TextInitializers =>
  (inputs, variable) =>
    variable === "bias" ? (values) => values.fill(0) : boundedUniform(random, 1 / Math.sqrt(inputs));

/** Dropout of some tensor; what it must be called on is the encoder's business. */
export type Dropout = (x: Tensor) => Tensor;

const none: Dropout = (x) => x;

/** φ: captions, as rows of symbols, to embeddings. */
export class TextEncoder extends Network {
  readonly options: Required<TextEncoderOptions>;
  /** What `call` takes: documents cut to so many columns, the shortest first, the whole document last. */
  readonly windows: readonly TextWindow[];
  readonly #encode: (index: Tensor, dropout: Dropout) => Tensor;

  /** @throws UserError when a document is too short for the convolutions. */
  constructor(options: TextEncoderOptions, random: RandomSource, initial: TextInitializers = byFanIn(random)) {
    super("text", {
      linear: (inputs) => initial(inputs, "linear"),
      convolution: initial(1, "convolution"),
      normScale: (values) => values.fill(1),
    });
    const { form = "char-cnn-rnn" } = options;
    const defaults = { form, cell: "rnn", state: "mean", length: DOCUMENT_LENGTHS[form] } as const;
    this.options = { ...defaults, ...options };
    const { alphabet, width, embedding, length } = this.options;
    const least = this.#leastLength();
    if (length < least) throw new UserError(`text encoder: a document of ${length} symbols is too short for ${form}; at least ${least}`);
    const convolution: MakeConvolution = (name, inputs, outputs, kernel, order) => ({
      weight: this.variable(`${name}.weight`, [outputs, inputs, kernel], initial(inputs * kernel, "convolution"), order),
      bias: this.variable(`${name}.bias`, [outputs], initial(inputs * kernel, "bias")),
    });
    const linear: MakeLinear = (weight, bias, inputs, outputs) => ({
      weight: this.variable(weight, [outputs, inputs], initial(inputs, "linear"), [1, 0]),
      bias: this.variable(bias, [outputs], initial(inputs, "bias")),
    });
    const project = (inputs: number) => linear("project.weight", "project.bias", inputs, embedding);
    this.windows = form.startsWith("char") ? windowsOf(length) : [{ characters: length, columns: length }];
    if (form === "bag-of-words") {
      // A caption has some ten known words: they are the layer's inputs that are not zero.
      const bag = {
        weight: this.variable("project.weight", [embedding, alphabet], initial(10, "linear"), [1, 0]),
        bias: this.variable("project.bias", [embedding], initial(10, "bias")),
      };
      this.#encode = (index, dropout) => bagOfWords(index, bag, dropout);
      return;
    }
    const features = form === "word-cnn-rnn" ? wordConvolutions(convolution, alphabet, width) : this.#characters(convolution);
    if (form === "char-cnn") {
      const flat = width * pooled(positions(length));
      const layer = project(flat);
      this.#encode = (index, dropout) => apply(dropout(reshape(features(index), [index.shape[0]!, flat])), layer);
      return;
    }
    const states: Recurrence = recurrence(this.options.cell, width, linear);
    const layer = project(width);
    this.#encode = (index, dropout) => apply(dropout(this.#summary(states(features(index)))), layer);
  }

  /**
   * @param index u32 [N, columns of a window]: symbols 1 ..., 0 for none.
   * @param dropout Applied before the linear layer, or to the words of a bag, in training.
   * @returns Embeddings [N, embedding].
   * @throws UserError when the number of columns is no window's.
   */
  call(index: Tensor, dropout: Dropout = none): Tensor {
    return this.#encode(index, dropout);
  }

  /** The smallest window that holds captions of up to `length` symbols. */
  window(length: number): TextWindow {
    return this.windows.find((w) => length <= w.characters) ?? this.windows.at(-1)!;
  }

  #summary(states: readonly Tensor[]): Tensor {
    return this.options.state === "last" ? states.at(-1)! : mul(states.reduce(add), 1 / states.length);
  }

  /** With the third pool of the forms that have it. */
  #characters(make: MakeConvolution): (index: Tensor) => Tensor {
    const { alphabet, width, length, form, cell } = this.options;
    const convolutions = new CharacterConvolutions(make, alphabet, width, length);
    const pools = form === "char-cnn" || cell === "rnn";
    return (index) => (pools ? maxPool1d(convolutions.call(index), 3, 2) : convolutions.call(index));
  }

  #leastLength(): number {
    const { form, cell } = this.options;
    if (form === "bag-of-words") return 1;
    if (form === "word-cnn-rnn") return 9;
    return form === "char-cnn" || cell === "rnn" ? 66 : 48;
  }
}

/** Positions after the third pool. */
const pooled = (n: number): number => Math.floor((n - 3) / 2) + 1;

/** u32 [N, 30] → [N, width, 8]. */
function wordConvolutions(make: MakeConvolution, vocabulary: number, width: number): (index: Tensor) => Tensor {
  const conv1 = make("conv1", vocabulary, width, 3, oneHotWeightOrder);
  const conv2 = make("conv2", width, width, 2, conv1dWeightOrder);
  const conv3 = make("conv3", width, width, 2, conv1dWeightOrder);
  return (index) => convolve(maxPool1d(convolve(lookUp(index, conv1), conv2), 3), conv3);
}

/** Σ over the words of their column of the weight, plus the bias: the linear layer of their counts, by look-up. */
function bagOfWords(index: Tensor, { weight, bias }: LinearParameters, dropout: Dropout): Tensor {
  const [n, words] = index.shape as [number, number];
  const vectors = oneHotConv1d(index, reshape(weight, [...weight.shape, 1]));
  return add(sum(mul(vectors, dropout(full([n, 1, words], 1))), [2]), bias);
}
