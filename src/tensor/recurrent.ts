/** Recurrent cells of the text encoders (Reed et al. 2016, "Learning Deep Representations"). */
import { add, mul, relu, sigmoid, sub, tanh } from "./elementwise.js";
import { slice } from "./layout.js";
import { linear } from "./matmul.js";
import type { Tensor } from "./tensor.js";

/** A weight [out, in] and bias [out]. */
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

/** The state of an LSTM, [N, H] each: what it shows, and its cell. */
export interface LstmState {
  readonly h: Tensor;
  readonly c: Tensor;
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997) with PyTorch's gates in PyTorch's order, input i, forget f, candidate g and
 * output o: c ← σ(f)·c + σ(i)·tanh(g), h ← σ(o)·tanh(c).
 * @param a The input's projection W x + b of this step, [N, 4H].
 * @param state The state before; undefined: zero, as before the first step.
 * @param hidden Weight [4H, H] and bias [4H].
 */
export function lstmCell(a: Tensor, state: LstmState | undefined, hidden: LinearParameters): LstmState {
  const gates = add(a, state ? apply(state.h, hidden) : hidden.bias);
  const width = a.shape[1]! / 4;
  const [i, f, g, o] = [0, 1, 2, 3].map((k) => slice(gates, 1, k * width, (k + 1) * width)) as [Tensor, Tensor, Tensor, Tensor];
  const fresh = mul(sigmoid(i), tanh(g));
  const c = state ? add(mul(sigmoid(f), state.c), fresh) : fresh;
  return { h: mul(sigmoid(o), tanh(c)), c };
}
