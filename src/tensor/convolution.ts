/**
 * Convolutions. Three operations are closed under differentiation, each linear in both operands:
 *
 *   y  = forward(x, w)          dx = dataGrad(dy, w)         dw = weightGrad(x, dy)
 *
 *   ∂forward:     x ← dataGrad(g, w)      w  ← weightGrad(x, g)
 *   ∂dataGrad:    dy ← forward(g, w)      w  ← weightGrad(g, dy)
 *   ∂weightGrad:  x ← dataGrad(dy, g)     dy ← forward(x, g)
 *
 * A transposed convolution is `dataGrad` used forwards. Images are [N, C, H, W] and weights [O, I, KH, KW] as in PyTorch; in memory
 * they lie channels-last and [KH, KW, I, O], which is how `convolutionWeightOrder` asks variables to be kept.
 */
import { convDataGrad, convForward, type ConvShape, convWeightGrad } from "../../kernels/convolution.js";
import { called, composite, describe, requireNumber, requireOptions, within } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { add } from "./elementwise.js";
import { reshape } from "./layout.js";
import { channelsLast, format, type Order, sameOrder, type Shape } from "./shape.js";
import { type Operation, Tensor } from "./tensor.js";
import { isVariable, toOrder } from "./variables.js";

/** Memory order of a weight [O, I, KH, KW] that needs no copy before a convolution. */
export const convolutionWeightOrder: Order = [2, 3, 1, 0];

/** Bias, stride and padding in both directions of an image. */
export interface ConvolutionOptions {
  /** One number for both dimensions, or [height, width]. */
  readonly stride?: number | readonly [number, number];
  readonly padding?: number | readonly [number, number];
  /** [O], added to every position. */
  readonly bias?: Tensor;
}

/** The same of a transposed convolution, with the rows and columns that its stride leaves open. */
export interface TransposedOptions extends ConvolutionOptions {
  /** Extra rows and columns at the end of the result, where several sizes are possible. */
  readonly outputPadding?: number | readonly [number, number];
}

/** @throws ShapeError for what is neither a whole number of at least `least` nor two of them. */
function pair(operation: string, name: string, v: unknown, least: number): readonly [number, number] {
  const both: readonly unknown[] = Array.isArray(v) ? v : [v, v];
  const fits = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= least;
  const [height, width] = both;
  if (both.length === 2 && fits(height) && fits(width)) return [height, width];
  throw new ShapeError(`${called(operation)}: ${name} must be a whole number of at least ${least}, or two of them, not ${describe(v)}`);
}

const copies = new WeakMap<Tensor, Tensor>();

/** x in `order`: itself, or one copy shared by all that ask. */
function inOrder(x: Tensor, order: Order): Tensor {
  if (sameOrder(x.shape, x.order, order)) return x;
  const known = copies.get(x);
  if (known && sameOrder(x.shape, known.order, order)) return known;
  const copy = toOrder(x, order);
  // A copy of a variable would go stale when the variable changes; any other tensor has one value for ever.
  if (!isVariable(x)) copies.set(x, copy);
  return copy;
}

const image = (x: Tensor) => inOrder(x, channelsLast(4));
const weights = (w: Tensor) => inOrder(w, convolutionWeightOrder);

/** Of any of the three operations: every output is a sum over a weight's share of one output channel. */
const arithmetic = (s: ConvShape): number =>
  2 * s.batch * s.outHeight * s.outWidth * s.outChannels * s.inChannels * s.kernelHeight * s.kernelWidth;

function forward(x: Tensor, w: Tensor, s: ConvShape): Tensor {
  const operation: Operation = {
    kind: "kernel",
    lower: (traits, ...how) => convForward(s, traits, ...how),
    columns: 1,
    arithmetic: arithmetic(s),
  };
  return new Tensor("conv2d", [s.batch, s.outChannels, s.outHeight, s.outWidth], operation, [image(x), weights(w)], {
    ...{ order: channelsLast(4), sources: [x, w] },
    vjp: (g) => [dataGrad(g, w, s), weightGrad(x, g, s)],
  });
}

function dataGrad(dy: Tensor, w: Tensor, s: ConvShape): Tensor {
  const operation: Operation = {
    kind: "kernel",
    lower: (traits, ...how) => convDataGrad(s, traits, ...how),
    columns: 1,
    arithmetic: arithmetic(s),
  };
  return new Tensor("convTranspose2d", [s.batch, s.inChannels, s.inHeight, s.inWidth], operation, [image(dy), weights(w)], {
    ...{ order: channelsLast(4), sources: [dy, w] },
    vjp: (g) => [forward(g, w, s), weightGrad(g, dy, s)],
  });
}

function weightGrad(x: Tensor, dy: Tensor, s: ConvShape): Tensor {
  const operation: Operation = {
    kind: "kernel",
    lower: (traits, candidate) => convWeightGrad(s, traits, candidate),
    arithmetic: arithmetic(s),
  };
  return new Tensor("convWeightGrad", [s.outChannels, s.inChannels, s.kernelHeight, s.kernelWidth], operation, [image(x), image(dy)], {
    ...{ order: convolutionWeightOrder, sources: [x, dy] },
    vjp: (g) => [dataGrad(dy, g, s), forward(x, g, s)],
  });
}

/** What all three operations need to know; `image` is the larger side, which the stride walks over. */
function problem(
  image: Shape,
  weight: Shape,
  out: Shape,
  stride: readonly [number, number],
  padding: readonly [number, number],
): ConvShape {
  const [batch, inChannels, inHeight, inWidth] = image as [number, number, number, number];
  const [outChannels, , kernelHeight, kernelWidth] = weight as [number, number, number, number];
  return {
    ...{ batch, inChannels, inHeight, inWidth, outChannels, outHeight: out[0]!, outWidth: out[1]!, kernelHeight, kernelWidth },
    ...{ strideHeight: stride[0], strideWidth: stride[1], paddingHeight: padding[0], paddingWidth: padding[1] },
  };
}

/** @throws ShapeError unless the bias is [O]: broadcasting would take others, too. */
function withBias(operation: string, y: Tensor, bias: Tensor | undefined): Tensor {
  if (bias === undefined) return y;
  if (bias.rank !== 1 || bias.size !== y.shape[1])
    throw new ShapeError(`${called(operation)}: bias ${bias.toString()} for ${y.shape[1]} channels: wants [${y.shape[1]}]`);
  return within(operation, () => add(y, reshape(bias, [1, bias.size, ...y.shape.slice(2).map(() => 1)])));
}

/**
 * Cross-correlation, as PyTorch's `conv2d`.
 * @param x [N, I, H, W]
 * @param w [O, I, KH, KW]
 * @returns [N, O, (H + 2·padding − KH)/stride + 1, ...]
 * @throws ShapeError when channels differ, the bias is not [O] or the kernel does not fit.
 */
export function conv2d(x: Tensor, w: Tensor, options: ConvolutionOptions = {}): Tensor {
  requireOptions("conv2d", options, ["stride", "padding", "bias"]);
  const { stride = 1, padding = 0, bias } = options;
  const [s, p] = [pair("conv2d", "stride", stride, 1), pair("conv2d", "padding", padding, 0)];
  if (x.rank !== 4 || w.rank !== 4 || x.shape[1] !== w.shape[1])
    throw new ShapeError(`conv2d: input ${format(x.shape)}, weight ${format(w.shape)}`);
  const out = [0, 1].map((i) => Math.floor((x.shape[2 + i]! + 2 * p[i]! - w.shape[2 + i]!) / s[i]!) + 1);
  if (out.some((n) => n < 1)) throw new ShapeError(`conv2d: kernel ${format(w.shape)} is larger than the padded input ${format(x.shape)}`);
  return withBias("conv2d", forward(x, w, problem(x.shape, w.shape, out, s, p)), bias);
}

/**
 * Transposed convolution, as PyTorch's `conv_transpose2d`.
 * @param x [N, I, H, W]
 * @param w [I, O, KH, KW]
 * @returns [N, O, (H − 1)·stride − 2·padding + KH + outputPadding, ...]
 * @throws ShapeError when channels differ, the bias is not [O], or the result would be empty.
 */
export function convTranspose2d(x: Tensor, w: Tensor, options: TransposedOptions = {}): Tensor {
  requireOptions("convTranspose2d", options, ["stride", "padding", "outputPadding", "bias"]);
  const { stride = 1, padding = 0, outputPadding = 0, bias } = options;
  const [s, p] = [pair("convTranspose2d", "stride", stride, 1), pair("convTranspose2d", "padding", padding, 0)];
  const extra = pair("convTranspose2d", "outputPadding", outputPadding, 0);
  if (x.rank !== 4 || w.rank !== 4 || x.shape[1] !== w.shape[0])
    throw new ShapeError(`convTranspose2d: input ${format(x.shape)}, weight ${format(w.shape)}`);
  if (extra.some((e, i) => e >= s[i]!)) {
    throw new ShapeError(`convTranspose2d: outputPadding ${extra.join("x")} must be at least 0 and smaller than the stride ${s.join("x")}`);
  }
  const size = [0, 1].map((i) => (x.shape[2 + i]! - 1) * s[i]! - 2 * p[i]! + w.shape[2 + i]! + extra[i]!);
  if (size.some((n) => n < 1)) throw new ShapeError(`convTranspose2d: nothing is left of ${format(x.shape)} with padding ${p.join("x")}`);
  const shape = problem([x.shape[0]!, w.shape[1]!, ...size], w.shape, x.shape.slice(2), s, p);
  return withBias("convTranspose2d", dataGrad(x, w, shape), bias);
}

/** Bias, stride and padding along a line. */
export interface Convolution1dOptions {
  readonly stride?: number;
  readonly padding?: number;
  /** [O], added to every position. */
  readonly bias?: Tensor;
}

/**
 * Cross-correlation along one dimension, as PyTorch's `conv1d`: x [N, I, L], w [O, I, K] → [N, O, (L + 2·padding − K)/stride + 1].
 * @throws ShapeError when channels differ, the bias is not [O] or the kernel does not fit.
 */
export const conv1d = composite("conv1d", (x: Tensor, w: Tensor, options: Convolution1dOptions = {}): Tensor => {
  requireOptions("conv1d", options, ["stride", "padding", "bias"]);
  const { stride = 1, padding = 0, bias } = options;
  requireNumber("conv1d", "stride", stride, { whole: true, least: 1 });
  requireNumber("conv1d", "padding", padding, { whole: true, least: 0 });
  if (x.rank !== 3 || w.rank !== 3 || x.shape[1] !== w.shape[1])
    throw new ShapeError(`conv1d: input ${format(x.shape)}, weight ${format(w.shape)}`);
  if (w.shape[2]! > x.shape[2]! + 2 * padding)
    throw new ShapeError(`conv1d: kernel ${format(w.shape)} is larger than the padded input ${format(x.shape)}`);
  const row = (t: Tensor) => reshape(t, [t.shape[0]!, t.shape[1]!, 1, t.shape[2]!]);
  const y = conv2d(row(x), row(w), { stride: [1, stride], padding: [0, padding], ...(bias && { bias }) });
  return reshape(y, [y.shape[0]!, y.shape[1]!, y.shape[3]!]);
});
