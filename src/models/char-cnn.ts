/**
 * The convolutions of the character-level text encoders: characters to features. Valid, stride 1; for 201 characters and width 256:
 *
 *   conv1  alphabet→384, k4, ReLU, max pool 3       201 → 198 → 66
 *   conv2  384→512, k4, ReLU, max pool 3                → 63 → 21
 *   conv3  512→256, k4, ReLU                            → 18
 *
 * A caption is mostly shorter than the document. Behind its end every layer's response is one constant vector, so the characters of a
 * shorter window are enough: the constants are put back behind it, which gives the same result with less work.
 */
import { UserError } from "../errors.js";
import { broadcastTo } from "../tensor/broadcast.js";
import { conv1d, convolutionWeightOrder } from "../tensor/convolution.js";
import { add, relu } from "../tensor/elementwise.js";
import { oneHotConv1d, oneHotWeightOrder } from "../tensor/gather.js";
import { concat, reshape } from "../tensor/layout.js";
import { maxPool1d } from "../tensor/pool.js";
import type { Order } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

const KERNEL = 4;
const POOL = 3;

/** A weight [out, in, K] and bias [out]. */
export interface Convolution {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** Makes a convolution's weight and bias in the network under construction. */
export type MakeConvolution = (name: string, inputs: number, outputs: number, kernel: number, order: Order) => Convolution;

/** Memory order of a weight [O, I, K] that needs no copy before `conv1d`: [K, I, O], the two-dimensional order without the height. */
export const conv1dWeightOrder: Order = convolutionWeightOrder.slice(1).map((d) => (d > 1 ? d - 1 : d));

/** A window of that many symbols: `columns` is what an encoder's `call` wants, for characters three more than the window, or the whole document. */
export interface TextWindow {
  readonly characters: number;
  readonly columns: number;
}

/** Characters of the windows that programs are compiled for, beside the whole document. */
const WINDOWS = [63, 90, 126];

/** Positions left after the third convolution of a document of `length` characters. */
export const positions = (length: number): number =>
  Math.floor((Math.floor((length - KERNEL + 1) / POOL) - KERNEL + 1) / POOL) - KERNEL + 1;

/** Windows of a document, the shortest first; the last is the document itself. */
export const windowsOf = (length: number): readonly TextWindow[] => [
  ...WINDOWS.filter((characters) => characters / POOL ** 2 <= positions(length)).map((characters) => ({
    characters,
    columns: characters + KERNEL - 1,
  })),
  { characters: length, columns: length },
];

export class CharacterConvolutions {
  readonly #layers: readonly [Convolution, Convolution, Convolution];

  /** @param width Channels of the third layer; the others have 1.5 and 2 times as many, at most 384 and 512. */
  constructor(
    make: MakeConvolution,
    alphabet: number,
    width: number,
    readonly length: number,
  ) {
    const [first, second] = [Math.min(384, Math.round(1.5 * width)), Math.min(512, 2 * width)];
    this.#layers = [
      make("conv1", alphabet, first, KERNEL, oneHotWeightOrder),
      make("conv2", first, second, KERNEL, conv1dWeightOrder),
      make("conv3", second, width, KERNEL, conv1dWeightOrder),
    ];
  }

  /** u32 [N, columns of a window] → [N, width, positions]. @throws UserError when the number of columns is no window's. */
  call(index: Tensor): Tensor {
    return index.shape[1] === this.length ? this.#document(index) : this.#window(index);
  }

  #document(index: Tensor): Tensor {
    const [conv1, conv2, conv3] = this.#layers;
    const h1 = maxPool1d(lookUp(index, conv1), POOL);
    const h2 = maxPool1d(convolve(h1, conv2), POOL);
    return convolve(h2, conv3);
  }

  /** The same from the characters of a window of 9·k and three empty columns. */
  #window(index: Tensor): Tensor {
    const [conv1, conv2, conv3] = this.#layers;
    const characters = index.shape[1]! - (KERNEL - 1);
    const most = positions(this.length) * POOL ** 2;
    if (characters % POOL ** 2 !== 0 || characters < POOL ** 2 || characters > most) {
      throw new UserError(`text encoder: ${index.shape[1]} columns are no window; ${this.length}, or 9k + 3 up to ${most + KERNEL - 1}`);
    }
    // Responses to nothing: to `KERNEL` empty columns, then to as many columns of the layer before.
    const none1 = relu(reshape(conv1.bias, [1, conv1.bias.size, 1]));
    const none2 = convolve(repeat(none1, 1, KERNEL), conv2);
    const none3 = convolve(repeat(none2, 1, KERNEL), conv3);
    const h1 = extend(maxPool1d(lookUp(index, conv1), POOL), none1, KERNEL - 1);
    const h2 = extend(maxPool1d(convolve(h1, conv2), POOL), none2, KERNEL - 1);
    return extend(convolve(h2, conv3), none3, positions(this.length) - characters / POOL ** 2);
  }
}

/** A convolution of symbols, with ReLU. */
export const lookUp = (index: Tensor, { weight, bias }: Convolution): Tensor =>
  relu(add(oneHotConv1d(index, weight), reshape(bias, [1, bias.size, 1])));

/** A convolution with ReLU. */
export const convolve = (x: Tensor, { weight, bias }: Convolution): Tensor => relu(conv1d(x, weight, { bias }));

/** A response [1, C, 1] at `length` positions of n rows. */
const repeat = (response: Tensor, n: number, length: number): Tensor => broadcastTo(response, [n, response.shape[1]!, length]);

const extend = (x: Tensor, response: Tensor, length: number): Tensor =>
  length > 0 ? concat([x, repeat(response, x.shape[0]!, length)], 2) : x;
