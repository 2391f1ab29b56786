/** Matrix products, batched or not, of operands in either memory order: a transpose costs nothing. */
import { matmul as matmulKernel } from "../../kernels/matmul.js";
import { called, composite } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { sum } from "./broadcast.js";
import { transpose } from "./layout.js";
import { rowMajor, sameOrder } from "./shape.js";
import { type Operation, Tensor } from "./tensor.js";
import { toOrder } from "./variables.js";

/** The operand as a kernel can read it (batch slowest), and whether its last two dimensions are swapped in memory. */
function matrix(x: Tensor): { operand: Tensor; swapped: boolean } {
  const rows = rowMajor(x.rank);
  const swapped = [...rows.slice(0, -2), x.rank - 1, x.rank - 2];
  if (sameOrder(x.shape, x.order, rows)) return { operand: x, swapped: false };
  if (sameOrder(x.shape, x.order, swapped)) return { operand: x, swapped: true };
  return { operand: toOrder(x, rows), swapped: false };
}

/**
 * a·b for a [M, K] or [B, M, K] and b [K, N] or [B, K, N]; a matrix without batch serves every entry of the other's.
 * @returns [M, N], or [B, M, N] when either operand is batched.
 * @throws ShapeError when the inner dimensions or the batches differ.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const fits = (t: Tensor) => (t.rank === 2 || t.rank === 3) && t.dtype === "f32";
  const [m, k] = a.shape.slice(-2);
  const [k2, n] = b.shape.slice(-2);
  const batch = a.rank === 3 ? a.shape[0]! : b.rank === 3 ? b.shape[0]! : 1;
  if (!fits(a) || !fits(b) || k !== k2 || (a.rank === 3 && b.rank === 3 && a.shape[0] !== b.shape[0])) {
    throw new ShapeError(`${called("matmul")}: ${a.toString()} by ${b.toString()}`);
  }
  const left = matrix(a);
  const right = matrix(b);
  const batched = a.rank === 3 || b.rank === 3;
  const shape = batched ? [batch, m!, n!] : [m!, n!];
  const problem = {
    ...{ batch, m: m!, n: n!, k: k!, aBatched: a.rank === 3, bBatched: b.rank === 3 },
    aLayout: left.swapped ? ("km" as const) : ("mk" as const),
    bLayout: right.swapped ? ("nk" as const) : ("kn" as const),
  };
  const operation: Operation = {
    kind: "kernel",
    lower: (traits, ...how) => matmulKernel(problem, traits, ...how),
    columns: shape.length - 1,
    arithmetic: 2 * batch * m! * n! * k!,
  };
  return new Tensor("matmul", shape, operation, [left.operand, right.operand], {
    sources: [a, b],
    vjp: (g) => {
      const da = matmul(g, transpose(b));
      const db = matmul(transpose(a), g);
      return [da.rank > a.rank ? sum(da, [0]) : da, db.rank > b.rank ? sum(db, [0]) : db];
    },
  });
}

/**
 * x·weightᵀ + bias, as PyTorch's `linear`.
 * @param x [N, in]
 * @param weight [out, in]
 * @returns [N, out]; the caller adds a bias [out] by broadcasting.
 */
export const linear = composite("linear", (x: Tensor, weight: Tensor): Tensor => {
  if (x.rank !== 2 || weight.rank !== 2 || x.shape[1] !== weight.shape[1])
    throw new ShapeError(`${called("linear")}: ${x.toString()} with a weight ${weight.toString()}: wants [N, in] with [out, in]`);
  return matmul(x, transpose(weight));
});
