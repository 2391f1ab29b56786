/**
 * Elementwise operations with broadcasting. Each stands as one line of WGSL beside its derivative; the compiler fuses chains of them
 * into one kernel. Expressions hold for `T` = f32 and vec4f alike (U: the unsigned integers of that width).
 */
import {
  compare,
  type Comparison,
  compareZero,
  isInfinite,
  isNaN,
  isNonFinite as isNonFiniteBits,
  keepNaN,
  larger,
  overZero,
  positivePart,
  zeroOver,
  zeroTimes,
} from "../../kernels/non-finite.js";
import { composite, requireChoice, requireNumber } from "../arguments.js";
import { sumTo } from "./broadcast.js";
import { broadcastShapes, type Order, rowMajor, sameShape, type Shape } from "./shape.js";
import { constantValue, type DType, type Expression, full, Tensor } from "./tensor.js";
import { isVariable } from "./variables.js";

/** What an elementwise operation takes: a tensor, or a number that is the same everywhere. */
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

/** A factor or divisor that drivers would make something of which NaN and infinities are lost in. */
const isZero = (x: Tensor): boolean => constantValue(x) === 0;

/** a + b, broadcast as in NumPy. */
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

/** a − b, broadcast. */
export function sub(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  return map(
    "sub",
    [x, y],
    (p, q) => (x === y ? zeroTimes(p!) : `(${p} - ${q})`),
    (g) => [g, neg(g)],
  );
}

/** a · b, elementwise and broadcast; `matmul` is the product of matrices. */
export function mul(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  if (isNeutral(y, 1, x)) return x;
  if (isNeutral(x, 1, y)) return y;
  return map(
    "mul",
    [x, y],
    (p, q) => (isZero(y) ? zeroTimes(p!) : isZero(x) ? zeroTimes(q!) : `(${p} * ${q})`),
    (g) => [mul(g, y), mul(g, x)],
  );
}

/** a / b, broadcast; by 0 as IEEE 754 says. */
export function div(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  return map(
    "div",
    [x, y],
    (p, q) => (isZero(y) ? overZero(p!, Object.is(constantValue(y), -0)) : isZero(x) ? zeroOver(q!) : `(${p} / ${q})`),
    (g, r) => [div(g, y), neg(div(mul(g, r), y))],
  );
}

/** −x. */
export function neg(x: Tensor): Tensor {
  return map(
    "neg",
    [x],
    (p) => `(-${p})`,
    (g) => [neg(g)],
  );
}

/** The larger of both, NaN where one of them is; at equality the gradient goes to `a`, at NaN to both. */
export function maximum(a: Operand, b: Operand): Tensor {
  const [x, y] = [lift(a), lift(b)];
  return map(
    "maximum",
    [x, y],
    (p, q) => larger(p!, q!),
    (g) => [compared(x, "<", y, 0, g), compared(x, ">=", y, 0, g)],
  );
}

/** The smaller of both, NaN where one of them is; at equality the gradient goes to `a`, at NaN to both. */
export const minimum = composite("minimum", (a: Operand, b: Operand): Tensor => neg(maximum(neg(lift(a)), neg(lift(b)))));

/** `yes` where `x > 0` (or `>=`, `<`, `<=`), else `no`, also where x is NaN; no gradient flows to x. */
export function where(x: Tensor, yes: Operand, no: Operand, comparison: Comparison = ">"): Tensor {
  requireChoice("where", "comparison", comparison, [">", ">=", "<", "<="]);
  const expression: Expression = (p, q, r) => `select(${r}, ${q}, ${compareZero(p!, comparison)})`;
  const gradients: Gradients = (g) => [undefined, where(x, g, 0, comparison), where(x, 0, g, comparison)];
  return map("where", [x, lift(yes), lift(no)], expression, gradients);
}

/** `yes` where a compares so with b, else `no`, also where one of them is NaN; no gradient flows to a and b. */
export function compared(a: Tensor, comparison: Comparison, b: Tensor, yes: Operand, no: Operand): Tensor {
  const expression: Expression = (p, q, r, s) => `select(${s}, ${r}, ${compare(p!, comparison, q!)})`;
  const gradients: Gradients = (g) => [undefined, undefined, compared(a, comparison, b, g, 0), compared(a, comparison, b, 0, g)];
  return map("where", [a, b, lift(yes), lift(no)], expression, gradients);
}

/** x². */
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

/** eˣ. */
export const exp = (x: Tensor): Tensor =>
  map(
    "exp",
    [x],
    (p) => keepNaN(p!, `exp(${p})`),
    (g, y) => [mul(g, y)],
  );

/** The natural logarithm. */
export const log = (x: Tensor): Tensor =>
  map(
    "log",
    [x],
    (p) => keepNaN(p!, `log(${p})`),
    (g) => [div(g, x)],
  );

/** √x. */
export const sqrt = (x: Tensor): Tensor =>
  map(
    "sqrt",
    [x],
    (p) => keepNaN(p!, `sqrt(${p})`),
    (g, y) => [div(mul(g, 0.5), y)],
  );

/** 1 / sqrt(x). */
export const rsqrt = (x: Tensor): Tensor =>
  map(
    "rsqrt",
    [x],
    (p) => keepNaN(p!, `inverseSqrt(${p})`),
    (g, y) => [mul(mul(g, -0.5), mul(y, square(y)))],
  );

/** Drivers may overflow inside tanh for large arguments; beyond 15 it is ±1 in f32 anyway. */
export const tanh = (x: Tensor): Tensor =>
  map(
    "tanh",
    [x],
    (p) => keepNaN(p!, `tanh(clamp(${p}, T(-15), T(15)))`),
    (g, y) => [mul(g, sub(1, square(y)))],
  );

/** 1 / (1 + e⁻ˣ). */
export const sigmoid = (x: Tensor): Tensor =>
  map(
    "sigmoid",
    [x],
    (p) => keepNaN(p!, `(1.0 / (1.0 + exp(-${p})))`),
    (g, y) => [mul(g, mul(y, sub(1, y)))],
  );

/**
 * What tells the sign of x in the derivative of an activation y that keeps it: y, which its reader needs anyway, so that x need not be
 * kept; but x where the derivative of x itself reads what x is computed from, as batch norm's does.
 */
const signOf = (x: Tensor, y: Tensor): Tensor => (x.operation.kind === "map" && x.operation.rereadBackward ? x : y);

/** max(x, 0), NaN where x is NaN; the derivative at 0 is 0. */
export const relu = (x: Tensor): Tensor =>
  map(
    "relu",
    [x],
    (p) => positivePart(p!),
    // As PyTorch's: what comes to a NaN goes on.
    (g, y) => [where(signOf(x, y), 0, g, "<=")],
  );

/** x where positive, slope·x elsewhere. */
export function leakyRelu(x: Tensor, slope = 0.2): Tensor {
  requireNumber("leakyRelu", "slope", slope);
  return map(
    "leakyRelu",
    [x],
    (p) => `select(${slope === 0 ? zeroTimes(p!) : `${p} * ${slope}`}, ${p}, ${p} > T(0))`,
    (g, y) => [where(slope > 0 ? signOf(x, y) : x, g, mul(g, slope))],
  );
}

const softplusOf = (x: string): string => keepNaN(x, `(max(${x}, T(0)) + log(1.0 + exp(-abs(${x}))))`);

/** log(1 + eˣ), without overflow. */
export const softplus = (x: Tensor): Tensor =>
  map(
    "softplus",
    [x],
    (p) => softplusOf(p!),
    (g) => [mul(g, sigmoid(x))],
  );

/**
 * Binary cross-entropy of each logit x and target t: softplus(x) − t·x. Where x is infinite that is ∞ − ∞; there it is PyTorch's form,
 * (1 − t)·x + max(−x, 0).
 */
export const crossEntropy = (x: Tensor, target: Operand): Tensor => {
  const t = lift(target);
  const one = constantValue(t) === 1;
  return map(
    "crossEntropy",
    [x, t],
    (p, q) => {
      const rest = one ? zeroTimes(p!) : `(1.0 - ${q}) * ${p}`;
      return `select(${softplusOf(p!)} - ${one ? p : isZero(t) ? zeroTimes(p!) : `${q} * ${p}`}, ${rest} + max(-${p}, T(0)), ${isInfinite(p!)})`;
    },
    (g) => [add(mul(g, sigmoid(x)), mul(neg(g), t)), mul(neg(g), x)],
  );
};

/** 1 where x is NaN or infinite, else 0, by its bits: shaders may assume that there are none and fold `x != x` away. */
export const isNonFinite = (x: Tensor): Tensor => map("isNonFinite", [x], (p) => `select(T(0), T(1), ${isNonFiniteBits(p!)})`);

/** 1 where x is its maximum y, or NaN as y is, else 0. */
export const isMaximum = (x: Tensor, y: Tensor): Tensor =>
  map("isMaximum", [x, y], (p, q) => `select(T(0), T(1), ${compare(p!, ">=", q!)} | (${isNaN(p!)} & ${isNaN(q!)}))`);

/** x, but 0 where x is infinite. */
export const zeroIfInfinite = (x: Tensor): Tensor => map("zeroIfInfinite", [x], (p) => `select(${p}, T(0), ${isInfinite(p!)})`);

/** The value without its derivative: a constant to `grad`. */
export const stopGradient = <D extends DType>(x: Tensor<D>): Tensor<D> =>
  new Tensor("stopGradient", x.shape, { kind: "view" }, [x], { order: x.order, dtype: x.dtype });

/** The value, whose derivative is multiplied by a number. */
export const scaleGradient = (x: Tensor, factor: number): Tensor =>
  new Tensor("scaleGradient", x.shape, { kind: "view" }, [x], { order: x.order, vjp: (g) => [mul(g, factor)] });
