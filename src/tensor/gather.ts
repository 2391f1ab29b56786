/** Table look-ups: embeddings, and convolutions of one-hot characters. */
import { gather as gatherKernel, type GatherShape, scatter as scatterKernel } from "../../kernels/gather.js";
import { composite } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { reshape, transpose } from "./layout.js";
import { channelsLast, type Order, sameOrder } from "./shape.js";
import { Tensor } from "./tensor.js";
import { toOrder } from "./variables.js";

/** Memory order of a weight [D, V, K] that needs no copy before `oneHotConv1d`. */
export const oneHotWeightOrder: Order = [2, 1, 0];

const ordered = (x: Tensor, order: Order) => (sameOrder(x.shape, x.order, order) ? x : toOrder(x, order));

function lookUp(index: Tensor, w: Tensor, s: GatherShape): Tensor {
  const operation = { kind: "kernel" as const, lower: () => gatherKernel(s), whole: [0] };
  return new Tensor("oneHotConv1d", [s.batch, s.depth, s.length - s.kernel + 1], operation, [index, ordered(w, oneHotWeightOrder)], {
    ...{ order: channelsLast(3), sources: [index, w] },
    vjp: (g) => [undefined, addUp(index, g, s)],
  });
}

function addUp(index: Tensor, g: Tensor, s: GatherShape): Tensor {
  const operation = { kind: "kernel" as const, lower: () => scatterKernel(s), whole: [0] };
  return new Tensor("oneHotConv1d gradient", [s.depth, s.values, s.kernel], operation, [index, ordered(g, channelsLast(3))], {
    ...{ order: oneHotWeightOrder, sources: [index, g] },
    vjp: (gg) => [undefined, lookUp(index, gg, s)],
  });
}

/**
 * `conv1d` of one-hot characters, by look-up: index 0 is "no character" (a zero column), index i sets channel i − 1.
 * @param index u32 [N, L]
 * @param w [D, V, K]
 * @returns [N, D, L − K + 1]
 * @throws ShapeError
 */
export function oneHotConv1d(index: Tensor, w: Tensor): Tensor {
  if (index.rank !== 2 || index.dtype !== "u32" || w.rank !== 3 || index.shape[1]! < w.shape[2]!) {
    throw new ShapeError(`oneHotConv1d: ${index.toString()} by ${w.toString()}: wants u32 [N, L] by [D, V, K], K at most L`);
  }
  const [depth, values, kernel] = w.shape as [number, number, number];
  return lookUp(index, w, { batch: index.shape[0]!, length: index.shape[1]!, values, depth, kernel, base: 1 });
}

/**
 * Rows of a table, as PyTorch's `embedding`; an index outside the table gives zeros.
 * @param table [V, D]
 * @param index u32 [N]
 * @returns [N, D]
 * @throws ShapeError
 */
export const gather = composite("gather", (table: Tensor, index: Tensor): Tensor => {
  if (index.rank !== 1 || index.dtype !== "u32" || table.rank !== 2) {
    throw new ShapeError(`gather: ${table.toString()} at ${index.toString()}: wants [V, D] at u32 [N]`);
  }
  const [values, depth] = table.shape as [number, number];
  const n = index.shape[0]!;
  const w = reshape(transpose(table), [depth, values, 1]);
  return reshape(lookUp(reshape(index, [n, 1]), w, { batch: n, length: 1, values, depth, kernel: 1, base: 0 }), [n, depth]);
});
