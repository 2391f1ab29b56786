/** Recurrent cells of the text encoders (Reed et al. 2016, "Learning Deep Representations"). */
import { called, composite } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { add, mul, relu, sigmoid, sub, tanh } from "./elementwise.js";
import { slice } from "./layout.js";
import { linear } from "./matmul.js";
import { format, sameShape, type Shape } from "./shape.js";
import type { Tensor } from "./tensor.js";

/** A weight [out, in] and bias [out]. */
export interface LinearParameters {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** @throws ShapeError unless the tensor has that shape: broadcasting would take others, too. */
function requireShape(operation: string, what: string, t: Tensor, shape: Shape): void {
  if (!sameShape(t.shape, shape)) throw new ShapeError(`${called(operation)}: ${what} must be ${format(shape)}, not ${t.toString()}`);
}

/** x [N, in] → x·weightᵀ + bias [N, out]. @throws ShapeError */
export const apply = composite("linear", (x: Tensor, { weight, bias }: LinearParameters): Tensor => {
  const y = linear(x, weight);
  requireShape("linear", "bias", bias, [y.shape[1]!]);
  return add(y, bias);
});

/** Of a cell's step: projections [N, H], and a state like them. @throws ShapeError */
function requireState(operation: string, projections: Readonly<Record<string, Tensor>>, state: Readonly<Record<string, Tensor>>): void {
  const [[name, first]] = Object.entries(projections) as [[string, Tensor]];
  if (first.rank !== 2) throw new ShapeError(`${operation}: ${name} must be [N, H], not ${first.toString()}`);
  for (const [other, t] of Object.entries({ ...projections, ...state })) requireShape(operation, other, t, first.shape);
}

/** A cell's own weight [out, H] and bias [out]. @throws ShapeError */
function requireHidden(operation: string, { weight, bias }: LinearParameters, outputs: number, width: number, gate = ""): void {
  requireShape(operation, `hidden${gate} weight`, weight, [outputs, width]);
  requireShape(operation, `hidden${gate} bias`, bias, [outputs]);
}

/** h ← relu(a + W h + b), where a is the input's projection W x + b of this step, [N, H]. @throws ShapeError */
export const rnnCell = composite("rnnCell", (a: Tensor, h: Tensor, hidden: LinearParameters): Tensor => {
  requireState("rnnCell", { a }, { h });
  requireHidden("rnnCell", hidden, a.shape[1]!, a.shape[1]!);
  return relu(add(a, apply(h, hidden)));
});

/** Projections of one step's input, [N, H] each. */
export interface GruInputs {
  readonly update: Tensor;
  readonly reset: Tensor;
  readonly candidate: Tensor;
}

/** The hidden sides of a GRU's three linear layers. */
export type GruParameters = { readonly [K in keyof GruInputs]: LinearParameters };

/**
 * Gated recurrent unit in the original code's form: the reset gate acts on h before its projection, and the update gate u weighs the
 * candidate: h ← u·tanh(c + U(r∘h)) + (1 − u)·h. (PyTorch's cell differs in both.)
 * @throws ShapeError
 */
export const gruCell = composite("gruCell", (inputs: GruInputs, h: Tensor, hidden: GruParameters): Tensor => {
  const { update, reset, candidate: fresh } = inputs;
  requireState("gruCell", { update, reset, candidate: fresh }, { h });
  for (const gate of ["update", "reset", "candidate"] as const)
    requireHidden("gruCell", hidden[gate], h.shape[1]!, h.shape[1]!, ` ${gate}`);
  const u = sigmoid(add(inputs.update, apply(h, hidden.update)));
  const r = sigmoid(add(inputs.reset, apply(h, hidden.reset)));
  const candidate = tanh(add(inputs.candidate, apply(mul(r, h), hidden.candidate)));
  return add(h, mul(u, sub(candidate, h)));
});

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
 * @throws ShapeError
 */
export const lstmCell = composite("lstmCell", (a: Tensor, state: LstmState | undefined, hidden: LinearParameters): LstmState => {
  if (a.rank !== 2 || a.shape[1]! % 4 !== 0) throw new ShapeError(`lstmCell: a must be [N, 4H], not ${a.toString()}`);
  const like = [a.shape[0]!, a.shape[1]! / 4];
  if (state) for (const name of ["h", "c"] as const) requireShape("lstmCell", name, state[name], like);
  requireHidden("lstmCell", hidden, a.shape[1]!, like[1]!);
  const gates = add(a, state ? apply(state.h, hidden) : hidden.bias);
  const width = a.shape[1]! / 4;
  const [i, f, g, o] = [0, 1, 2, 3].map((k) => slice(gates, 1, k * width, (k + 1) * width)) as [Tensor, Tensor, Tensor, Tensor];
  const fresh = mul(sigmoid(i), tanh(g));
  const c = state ? add(mul(sigmoid(f), state.c), fresh) : fresh;
  return { h: mul(sigmoid(o), tanh(c)), c };
});
