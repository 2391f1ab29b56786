/**
 * Elementwise operations with broadcasting. Each stands as one line of WGSL beside its derivative; the compiler fuses chains of them
 * into one kernel. Expressions hold for `T` = f32 and vec4f alike (U: the unsigned integers of that width).
 */
import { sumTo } from "./broadcast.js";
import { broadcastShapes, type Order, rowMajor, sameShape, type Shape } from "./shape.js";
import { constantValue, type Expression, full, Tensor } from "./tensor.js";
import { isVariable } from "./variables.js";

export type Operand = Tensor | number;

type Gradients = (gradient: Tensor, result: Tensor) => readonly (Tensor | undefined)[];

const lift = (x: Operand): Tensor => (typeof x === "number" ? full([], x) : x);

/** The memory order of the first operand that has the result's full shape, so that chains stay in one order. */
function resultOrder(shape: Shape, inputs: readonly Tensor[]): Order {
  const leader = inputs.find((t) => constantValue(t) === undefined && sameShape(t.shape, shape));
  return leader?.order ?? rowMajor(shape.length);
}

/** An elementwise node; gradients are summed over the dimensions along which an operand was broadcast. */
function map(name: string, inputs: readonly Tensor[], expression: Expression, gradients?: Gradients): Tensor {
  const shape = broadcastShapes(name, ...inputs.map((t) => t.shape));
  const cheap = !/\b(exp|log|tanh|sqrt|inverseSqrt)\(/.test(expression("a", "b", "c"));
  const result: Tensor = new Tensor(name, shape, { kind: "map", expression, cheap }, inputs, {
    order: resultOrder(shape, inputs),
    ...(gradients && { vjp: (g) => gradients(g, result).map((d, i) => d && sumTo(d, inputs[i]!.shape)) }),
  });
  return result;
}

/**
 * True when x leaves the other operand as it is: a number (a constant of rank 0, which stretches nothing) of the neutral value. A
 * variable is not left as it is: what is computed from it keeps its value when the variable changes.
 */
const isNeutral = (x: Tensor, value: number, other: Tensor): boolean => x.rank === 0 && constantValue(x) === value && !isVariable(other);

export function add(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  if (isNeutral(y, 0, x)) return x;
  if (isNeutral(x, 0, y)) return y;
  return map(
    "add",
    [x, y],
    (p, q) => `(${p} + ${q})`,
    (g) => [g, g],
  );
}

export function sub(a: Operand, b: Operand): Tensor {
  const inputs = [lift(a), lift(b)];
  return map(
    "sub",
    inputs,
    (p, q) => `(${p} - ${q})`,
    (g) => [g, neg(g)],
  );
}

export function mul(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  if (isNeutral(y, 1, x)) return x;
  if (isNeutral(x, 1, y)) return y;
  return map(
    "mul",
    [x, y],
    (p, q) => `(${p} * ${q})`,
    (g) => [mul(g, y), mul(g, x)],
  );
}

export function div(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  return map(
    "div",
    [x, y],
    (p, q) => `(${p} / ${q})`,
    (g, r) => [div(g, y), neg(div(mul(g, r), y))],
  );
}

export function neg(x: Tensor): Tensor {
  return map(
    "neg",
    [x],
    (p) => `(-${p})`,
    (g) => [neg(g)],
  );
}

/** The larger of both; at equality the gradient goes to `a`. */
export function maximum(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  return map(
    "maximum",
    [x, y],
    (p, q) => `max(${p}, ${q})`,
    (g) => [where(sub(x, y), g, 0, ">="), where(sub(x, y), 0, g, ">=")],
  );
}

/** The smaller of both; at equality the gradient goes to `a`. */
export function minimum(a: Operand, b: Operand): Tensor {
  return neg(maximum(neg(lift(a)), neg(lift(b))));
}

/** `yes` where `x > 0` (or `x >= 0`), else `no`; no gradient flows to x. */
export function where(x: Tensor, yes: Operand, no: Operand, comparison: ">" | ">=" = ">"): Tensor {
  const [a, b] = [lift(yes), lift(no)];
  const expression: Expression = (p, q, r) => `select(${r}, ${q}, ${p} ${comparison} T(0))`;
  return map("where", [x, a, b], expression, (g) => [undefined, where(x, g, 0, comparison), where(x, 0, g, comparison)]);
}

export const square = (x: Tensor): Tensor =>
  map(
    "square",
    [x],
    (p) => `(${p} * ${p})`,
    (g) => [mul(mul(g, 2), x)],
  );

/** |x|; its derivative at 0 is 0. */
export const abs = (x: Tensor): Tensor =>
  map(
    "abs",
    [x],
    (p) => `abs(${p})`,
    (g) => [where(x, g, where(neg(x), neg(g), 0))],
  );

export const exp = (x: Tensor): Tensor =>
  map(
    "exp",
    [x],
    (p) => `exp(${p})`,
    (g, y) => [mul(g, y)],
  );

export const log = (x: Tensor): Tensor =>
  map(
    "log",
    [x],
    (p) => `log(${p})`,
    (g) => [div(g, x)],
  );

export const sqrt = (x: Tensor): Tensor =>
  map(
    "sqrt",
    [x],
    (p) => `sqrt(${p})`,
    (g, y) => [div(mul(g, 0.5), y)],
  );

/** 1 / sqrt(x). */
export const rsqrt = (x: Tensor): Tensor =>
  map(
    "rsqrt",
    [x],
    (p) => `inverseSqrt(${p})`,
    (g, y) => [mul(mul(g, -0.5), mul(y, square(y)))],
  );

/** Drivers may overflow inside tanh for large arguments; beyond 15 it is ±1 in f32 anyway. */
export const tanh = (x: Tensor): Tensor =>
  map(
    "tanh",
    [x],
    (p) => `tanh(clamp(${p}, T(-15), T(15)))`,
    (g, y) => [mul(g, sub(1, square(y)))],
  );

export const sigmoid = (x: Tensor): Tensor =>
  map(
    "sigmoid",
    [x],
    (p) => `(1.0 / (1.0 + exp(-${p})))`,
    (g, y) => [mul(g, mul(y, sub(1, y)))],
  );

/**
 * What tells the sign of x in the derivative of an activation y that keeps it: y, which its reader needs anyway, so that x need not be
 * kept; but x where it is a batch norm, whose own derivative reads what x is computed from.
 */
const signOf = (x: Tensor, y: Tensor): Tensor => (x.name === "batchNorm" ? x : y);

export const relu = (x: Tensor): Tensor =>
  map(
    "relu",
    [x],
    (p) => `max(${p}, T(0))`,
    (g, y) => [where(signOf(x, y), g, 0)],
  );

/** x where positive, slope·x elsewhere. */
export const leakyRelu = (x: Tensor, slope = 0.2): Tensor =>
  map(
    "leakyRelu",
    [x],
    (p) => `select(${p} * ${slope}, ${p}, ${p} > T(0))`,
    (g, y) => [where(slope > 0 ? signOf(x, y) : x, g, mul(g, slope))],
  );

/** log(1 + eˣ), without overflow. */
export const softplus = (x: Tensor): Tensor =>
  map(
    "softplus",
    [x],
    (p) => `(max(${p}, T(0)) + log(1.0 + exp(-abs(${p}))))`,
    (g) => [mul(g, sigmoid(x))],
  );

/** 1 where x is NaN or infinite, else 0, by its bits: shaders may assume that there are none and fold `x != x` away. */
export const isNonFinite = (x: Tensor): Tensor =>
  map("isNonFinite", [x], (p) => `select(T(0), T(1), (bitcast<U>(${p}) & U(0x7f800000u)) == U(0x7f800000u))`);

/** The value without its derivative: a constant to `grad`. */
export const stopGradient = (x: Tensor): Tensor =>
  new Tensor("stopGradient", x.shape, { kind: "view" }, [x], { order: x.order, dtype: x.dtype });
