/**
 * char-CNN-RNN (Reed et al. 2016, "Learning Deep Representations of Fine-Grained Visual Descriptions", section 4.3, in the form of the
 * authors' code): characters to a vector. Convolutions are valid, stride 1; for 201 characters and width 256:
 *
 *   conv1  alphabet→384, k4, ReLU, max pool 3       201 → 198 → 66
 *   conv2  384→512, k4, ReLU, max pool 3                → 63 → 21
 *   conv3  512→256, k4, ReLU                            → 18
 *   rnn    max pool 3 stride 2 → 8; ReLU RNN            the mean of its 8 states
 *   gru    GRU (the ICML form for birds)                the mean of its 18 states
 *   project Linear width→embedding
 *
 * The first step of either cell has no hidden term. No batch norm anywhere.
 *
 * A caption is mostly shorter than 201 characters. Behind its end every layer's response is one constant vector, so `call` also takes the
 * characters of a shorter window and puts the constants back: the same result, less work.
 */
import { UserError } from "../errors.js";
import { broadcastTo } from "../tensor/broadcast.js";
import { conv1d, convolutionWeightOrder } from "../tensor/convolution.js";
import { add, mul, relu, tanh } from "../tensor/elementwise.js";
import { oneHotConv1d, oneHotWeightOrder } from "../tensor/gather.js";
import { concat, permute, reshape, slice } from "../tensor/layout.js";
import { maxPool1d } from "../tensor/pool.js";
import { apply, gruCell, rnnCell, type LinearParameters } from "../tensor/recurrent.js";
import type { Tensor } from "../tensor/tensor.js";
import { boundedUniform, type RandomSource } from "./initializers.js";
import { Network } from "./layers.js";

/** Characters of a document; longer captions are cut, shorter ones filled with "no character". */
export const DOCUMENT_LENGTH = 201;

const KERNEL = 4;
const POOL = 3;
/** Positions left after the third convolution. */
const STEPS = 18;

export interface TextEncoderOptions {
  /** Characters of the alphabet. */
  readonly alphabet: number;
  /** Channels of the third convolution and of the recurrent state ("cnn_dim"); the first two have 1.5 and 2 times as many, at most 384 and 512. */
  readonly width: number;
  /** Length of the embedding. */
  readonly embedding: number;
  readonly cell: "rnn" | "gru";
}

/** A window of that many characters: `columns` is what `call` wants, the window and three columns of padding (or the whole document). */
export interface TextWindow {
  readonly characters: number;
  readonly columns: number;
}

/** Windows that training compiles programs for; the last is the whole document. */
export const TEXT_WINDOWS: readonly TextWindow[] = [
  ...[63, 90, 126].map((characters) => ({ characters, columns: characters + KERNEL - 1 })),
  { characters: DOCUMENT_LENGTH, columns: DOCUMENT_LENGTH },
];

/** The smallest window that holds captions of up to `length` characters. */
export const windowFor = (length: number): TextWindow => TEXT_WINDOWS.find((w) => length <= w.characters) ?? TEXT_WINDOWS.at(-1)!;

type Gates = Record<"update" | "reset" | "candidate", LinearParameters>;

interface Convolution {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** Biases begin at zero: with the weights' random ones the first hundred steps go by before the captions are told apart. */
const zeros = (values: Float32Array): void => void values.fill(0);

export class TextEncoder extends Network {
  readonly #conv1: Convolution;
  readonly #conv2: Convolution;
  readonly #conv3: Convolution;
  readonly #rnn: { readonly input: LinearParameters; readonly hidden: LinearParameters } | undefined;
  readonly #gru: { readonly input: Gates; readonly hidden: Gates } | undefined;
  readonly #project: LinearParameters;

  constructor(
    readonly options: TextEncoderOptions,
    random: RandomSource,
  ) {
    const byFanIn = (inputs: number) => boundedUniform(random, 1 / Math.sqrt(inputs));
    super("text", { linear: byFanIn, convolution: byFanIn(1), normScale: (values) => values.fill(1) });
    const { alphabet, width, embedding, cell } = options;
    const [first, second] = [Math.min(384, Math.round(1.5 * width)), Math.min(512, 2 * width)];
    const convolution = (name: string, inputs: number, outputs: number, order: readonly number[]): Convolution => ({
      weight: this.variable(`${name}.weight`, [outputs, inputs, KERNEL], byFanIn(inputs * KERNEL), order),
      bias: this.variable(`${name}.bias`, [outputs], zeros),
    });
    const linear = (name: string, inputs: number, outputs: number): LinearParameters => ({
      weight: this.variable(`${name}.weight`, [outputs, inputs], byFanIn(inputs), [1, 0]),
      bias: this.variable(`${name}.bias`, [outputs], zeros),
    });
    // [O, I, K] kept as [K, I, O]: the two-dimensional order without the height.
    const order = convolutionWeightOrder.slice(1).map((d) => (d > 1 ? d - 1 : d));
    this.#conv1 = convolution("conv1", alphabet, first, oneHotWeightOrder);
    this.#conv2 = convolution("conv2", first, second, order);
    this.#conv3 = convolution("conv3", second, width, order);
    const gates = (side: "input" | "hidden"): Gates => ({
      update: linear(`gru.update_${side}`, width, width),
      reset: linear(`gru.reset_${side}`, width, width),
      candidate: linear(`gru.candidate_${side}`, width, width),
    });
    if (cell === "rnn") this.#rnn = { input: linear("rnn.input", width, width), hidden: linear("rnn.hidden", width, width) };
    else this.#gru = { input: gates("input"), hidden: gates("hidden") };
    this.#project = linear("project", width, embedding);
  }

  /**
   * @param index u32 [N, columns of a TextWindow]: characters 1 ..., 0 for none.
   * @returns Embeddings [N, embedding].
   * @throws UserError when the number of columns is no window's.
   */
  call(index: Tensor): Tensor {
    const columns = index.shape[1]!;
    const h = columns === DOCUMENT_LENGTH ? this.#document(index) : this.#window(index);
    const states = this.#rnn ? this.#runRnn(maxPool1d(h, POOL, 2)) : this.#runGru(h);
    const mean = mul(states.reduce(add), 1 / states.length);
    return apply(mean, this.#project);
  }

  /** [N, 201] → [N, width, 18]. */
  #document(index: Tensor): Tensor {
    const h1 = maxPool1d(this.#first(index), POOL);
    const h2 = maxPool1d(convolve(h1, this.#conv2), POOL);
    return convolve(h2, this.#conv3);
  }

  /** The same from the characters of a window of 9·k ≤ 162 and three empty columns. */
  #window(index: Tensor): Tensor {
    const characters = index.shape[1]! - (KERNEL - 1);
    if (characters % POOL ** 2 !== 0 || characters < POOL ** 2 || characters > STEPS * POOL ** 2) {
      throw new UserError(
        `text encoder: ${index.shape[1]} columns are no window; ${DOCUMENT_LENGTH}, or 9k + 3 up to ${STEPS * POOL ** 2 + 3}`,
      );
    }
    // Responses to nothing: to `KERNEL` empty columns, then to as many columns of the layer before.
    const none1 = relu(reshape(this.#conv1.bias, [1, this.#conv1.bias.size, 1]));
    const none2 = convolve(repeat(none1, 1, KERNEL), this.#conv2);
    const none3 = convolve(repeat(none2, 1, KERNEL), this.#conv3);
    const h1 = extend(maxPool1d(this.#first(index), POOL), none1, KERNEL - 1);
    const h2 = extend(maxPool1d(convolve(h1, this.#conv2), POOL), none2, KERNEL - 1);
    return extend(convolve(h2, this.#conv3), none3, STEPS - characters / POOL ** 2);
  }

  #first(index: Tensor): Tensor {
    const { weight, bias } = this.#conv1;
    return relu(add(oneHotConv1d(index, weight), reshape(bias, [1, bias.size, 1])));
  }

  #runRnn(features: Tensor): Tensor[] {
    const { input, hidden } = this.#rnn!;
    const inputs = timeSteps(features, input);
    let h = relu(inputs[0]!);
    return [h, ...inputs.slice(1).map((a) => (h = rnnCell(a, h, hidden)))];
  }

  #runGru(features: Tensor): Tensor[] {
    const { input, hidden } = this.#gru!;
    const [update, reset, candidate] = [input.update, input.reset, input.candidate].map((gate) => timeSteps(features, gate));
    let h = tanh(candidate![0]!);
    const gated = (t: number) => gruCell({ update: update![t]!, reset: reset![t]!, candidate: candidate![t]! }, h, hidden);
    return [h, ...candidate!.slice(1).map((_, t) => (h = gated(t + 1)))];
  }
}

/** [N, C, T] projected at once, then one [N, H] a step. */
function timeSteps(x: Tensor, projection: LinearParameters): Tensor[] {
  const [n, channels, steps] = x.shape as [number, number, number];
  const rows = reshape(permute(x, [0, 2, 1]), [n * steps, channels]);
  const all = reshape(apply(rows, projection), [n, steps, -1]);
  return Array.from({ length: steps }, (_, t) => reshape(slice(all, 1, t, t + 1), [n, all.shape[2]!]));
}

const convolve = (x: Tensor, { weight, bias }: Convolution): Tensor => relu(conv1d(x, weight, { bias }));

/** A response [1, C, 1] at `length` positions of n rows. */
const repeat = (response: Tensor, n: number, length: number): Tensor => broadcastTo(response, [n, response.shape[1]!, length]);

const extend = (x: Tensor, response: Tensor, length: number): Tensor =>
  length > 0 ? concat([x, repeat(response, x.shape[0]!, length)], 2) : x;
