/** Losses, each a scalar. */
import { ShapeError } from "../errors.js";
import { sum } from "./broadcast.js";
import { add, mul, type Operand, relu, rsqrt, softplus, square, sub } from "./elementwise.js";
import { reshape, transpose } from "./layout.js";
import { matmul } from "./matmul.js";
import { logSumExp, mean } from "./reduce.js";
import { sameShape } from "./shape.js";
import type { Tensor } from "./tensor.js";

/**
 * Binary cross-entropy of logits, mean over all rows: −t·log σ(x) − (1−t)·log(1 − σ(x)) = softplus(x) − t·x, without overflow.
 * @param logits [N] or any shape
 * @param target Between 0 and 1: a number, or a tensor of the logits' shape.
 * @param weights Per-row factors of the logits' shape; the mean is still over all rows.
 */
export function bceWithLogits(logits: Tensor, target: Operand, weights?: Tensor): Tensor {
  const losses = sub(softplus(logits), mul(logits, target));
  return mean(weights ? mul(losses, weights) : losses);
}

/** Mean squared error over all elements. */
export const mse = (a: Tensor, b: Tensor): Tensor => mean(square(sub(a, b)));

/** Rows of unit length. */
export const normalizeRows = (x: Tensor): Tensor => mul(x, rsqrt(add(sum(square(x), [1], { keepDims: true }), 1e-12)));

function pairs(operation: string, images: Tensor, texts: Tensor): number {
  if (images.rank !== 2 || !sameShape(images.shape, texts.shape))
    throw new ShapeError(`${operation}: images ${images.toString()}, texts ${texts.toString()}`);
  return images.shape[0]!;
}

/**
 * Structured joint embedding (Reed et al. 2016, "Learning Deep Representations", equations 6-8, in the form their code trains): for each image,
 * the hinge of every other row's text, margin + s(i,j) − s(i,i), summed and divided by B²; `symmetric` adds the same for each text.
 * @param images [B, E], one class a row
 * @param texts [B, E]
 */
export function jointEmbeddingHinge(images: Tensor, texts: Tensor, { symmetric = true, margin = 1 } = {}): Tensor {
  const batch = pairs("jointEmbeddingHinge", images, texts);
  const scores = matmul(images, transpose(texts));
  const own = sum(mul(images, texts), [1]);
  // The row's own pair is in the sum as well: always exactly the margin, a constant that is taken out again.
  const hinge = (ownShape: [number, number]) => sub(sum(relu(add(sub(scores, reshape(own, ownShape)), margin))), batch * margin);
  const total = symmetric ? add(hinge([batch, 1]), hinge([1, batch])) : hinge([batch, 1]);
  return mul(total, 1 / batch ** 2);
}

/**
 * InfoNCE on cosines, both ways: the cross-entropy of finding each image's text among the batch's, and each text's image.
 * @param images [B, E]
 * @param texts [B, E]
 * @param scale Inverse temperature: a number or a tensor of one element.
 */
export function infoNce(images: Tensor, texts: Tensor, scale: Operand): Tensor {
  const batch = pairs("infoNce", images, texts);
  const [a, b] = [normalizeRows(images), normalizeRows(texts)];
  const logits = mul(matmul(a, transpose(b)), scale);
  const own = mul(sum(mul(a, b), [1]), scale);
  const rows = sub(reshape(logSumExp(logits, 1), [batch]), own);
  const columns = sub(reshape(logSumExp(logits, 0), [batch]), own);
  return mul(mean(add(rows, columns)), 0.5);
}
