/** Recurrent cells of the text encoders (Reed et al. 2016, "Learning Deep Representations"). */
import { add, mul, relu, sigmoid, sub, tanh } from "./elementwise.js";
import { linear } from "./matmul.js";
import type { Tensor } from "./tensor.js";

/** A weight [H, H] and bias [H]. */
export interface LinearParameters {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

export const apply = (x: Tensor, { weight, bias }: LinearParameters): Tensor => add(linear(x, weight), bias);

/** h ← relu(a + W h + b), where a is the input's projection W x + b of this step, [N, H]. */
export const rnnCell = (a: Tensor, h: Tensor, hidden: LinearParameters): Tensor => relu(add(a, apply(h, hidden)));

/** Projections of one step's input, [N, H] each. */
export interface GruInputs {
  readonly update: Tensor;
  readonly reset: Tensor;
  readonly candidate: Tensor;
}

/**
 * Gated recurrent unit in the original code's form: the reset gate acts on h before its projection, and the update gate u weighs the
 * candidate: h ← u·tanh(c + U(r∘h)) + (1 − u)·h. (PyTorch's cell differs in both.)
 */
export function gruCell(inputs: GruInputs, h: Tensor, hidden: { readonly [K in keyof GruInputs]: LinearParameters }): Tensor {
  const u = sigmoid(add(inputs.update, apply(h, hidden.update)));
  const r = sigmoid(add(inputs.reset, apply(h, hidden.reset)));
  const candidate = tanh(add(inputs.candidate, apply(mul(r, h), hidden.candidate)));
  return add(h, mul(u, sub(candidate, h)));
}
