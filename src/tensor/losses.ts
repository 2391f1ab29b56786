/** Losses, each a scalar. */
import { composite, requireChoice, requireNumber, requireOptions } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { sum } from "./broadcast.js";
import { add, crossEntropy, mul, type Operand, relu, rsqrt, square, sub } from "./elementwise.js";
import { reshape, transpose } from "./layout.js";
import { matmul } from "./matmul.js";
import { logSumExp, max, mean } from "./reduce.js";
import { sameShape } from "./shape.js";
import { type Tensor, tensor } from "./tensor.js";

/** @throws ShapeError unless the tensor has the other's shape. */
function requireSame(what: string, t: Tensor, other: Tensor): void {
  if (!sameShape(t.shape, other.shape)) throw new ShapeError(`${what} ${t.toString()} and ${other.toString()} must have one shape`);
}

/**
 * Binary cross-entropy of logits, mean over all rows: −t·log σ(x) − (1−t)·log(1 − σ(x)) = softplus(x) − t·x, without overflow.
 * @param logits [N] or any shape
 * @param target Between 0 and 1: a number, or a tensor of the logits' shape.
 * @param weights Per-row factors of the logits' shape; the mean is still over all rows.
 * @throws ShapeError where the shapes differ: broadcasting would hide a mistake.
 */
export const bceWithLogits = composite("bceWithLogits", (logits: Tensor, target: Operand, weights?: Tensor): Tensor => {
  if (typeof target !== "number") requireSame("bceWithLogits: target", target, logits);
  if (weights) requireSame("bceWithLogits: weights", weights, logits);
  const losses = crossEntropy(logits, target);
  return mean(weights ? mul(losses, weights) : losses);
});

/**
 * Mean squared error over all elements.
 * @throws ShapeError where the shapes differ: broadcasting would hide a mistake.
 */
export const mse = composite("mse", (a: Tensor, b: Tensor): Tensor => {
  requireSame("mse:", b, a);
  return mean(square(sub(a, b)));
});

/** Rows of unit length. */
export const normalizeRows = composite("normalizeRows", (x: Tensor): Tensor => {
  return mul(x, rsqrt(add(sum(square(x), [1], { keepDims: true }), 1e-12)));
});

function pairs(operation: string, images: Tensor, texts: Tensor): number {
  if (images.rank !== 2 || !sameShape(images.shape, texts.shape))
    throw new ShapeError(`${operation}: images ${images.toString()}, texts ${texts.toString()}`);
  return images.shape[0]!;
}

/** Which violations of the margin count. */
export interface HingeOptions {
  /** Also each text against the images of the other rows (DS-SJE); else only images against texts (DA-SJE). Default true. */
  readonly symmetric?: boolean;
  readonly margin?: number;
  /** Which of a row's other classes count: their sum over B (the authors' code, default), or the worst alone (the paper). */
  readonly others?: "sum" | "max";
}

/**
 * Structured joint embedding (Reed et al. 2016, "Learning Deep Representations", equations 6-8) on dot products s: for each image the
 * hinge max(0, margin + s(i,j) − s(i,i)) of the other rows' texts j, and where `symmetric` the same for each text; the mean over the rows.
 * @param images [B, E], one class a row
 * @param texts [B, E]
 */
export const jointEmbeddingHinge = composite("jointEmbeddingHinge", (images: Tensor, texts: Tensor, options: HingeOptions = {}): Tensor => {
  requireOptions("jointEmbeddingHinge", options, ["symmetric", "margin", "others"]);
  const { symmetric = true, margin = 1, others = "sum" } = options;
  requireChoice("jointEmbeddingHinge", "symmetric", symmetric, [true, false]);
  requireNumber("jointEmbeddingHinge", "margin", margin);
  requireChoice("jointEmbeddingHinge", "others", others, ["sum", "max"]);
  const batch = pairs("jointEmbeddingHinge", images, texts);
  const scores = matmul(images, transpose(texts));
  const own = sum(mul(images, texts), [1]);
  const apart = tensor(
    Float32Array.from({ length: batch ** 2 }, (_, i) => (i % (batch + 1) === 0 ? 0 : 1)),
    [batch, batch],
  );
  /** @param side The dimension of the scores along which the others of a row lie. */
  const hinge = (side: 0 | 1) => {
    const terms = mul(relu(add(sub(scores, reshape(own, side === 1 ? [batch, 1] : [1, batch])), margin)), apart);
    return mul(others === "sum" ? mul(sum(terms), 1 / batch) : sum(max(terms, [side])), 1 / batch);
  };
  return symmetric ? add(hinge(1), hinge(0)) : hinge(1);
});

/**
 * InfoNCE on cosines, both ways: the cross-entropy of finding each image's text among the batch's, and each text's image.
 * @param images [B, E]
 * @param texts [B, E]
 * @param scale Inverse temperature: a number or a tensor of one element.
 */
export const infoNce = composite("infoNce", (images: Tensor, texts: Tensor, scale: Operand): Tensor => {
  if (typeof scale !== "number" && scale.size !== 1) throw new ShapeError(`infoNce: scale ${scale.toString()} must have one element`);
  const batch = pairs("infoNce", images, texts);
  const [a, b] = [normalizeRows(images), normalizeRows(texts)];
  const logits = mul(matmul(a, transpose(b)), scale);
  const own = mul(sum(mul(a, b), [1]), scale);
  const rows = sub(reshape(logSumExp(logits, 1), [batch]), own);
  const columns = sub(reshape(logSumExp(logits, 0), [batch]), own);
  return mul(mean(add(rows, columns)), 0.5);
});
