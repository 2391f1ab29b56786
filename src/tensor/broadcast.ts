/** Broadcasting and summation: each is the other's derivative. */
import { called, describe, requireOptions } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { reshape } from "./layout.js";
import { axis, broadcastShapes, format, rowMajor, sameShape, type Shape } from "./shape.js";
import { Tensor } from "./tensor.js";
import { unchanged } from "./variables.js";

/** What a reduction leaves of the dimensions that it takes away. */
export interface ReduceOptions {
  /** Keep reduced dimensions with size 1. */
  readonly keepDims?: boolean;
}

/**
 * x repeated along dimensions of size 1 (or new ones at the left).
 * @throws ShapeError when x does not broadcast to exactly that shape.
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return unchanged("broadcastTo", x);
  if (!sameShape(broadcastShapes("broadcastTo", x.shape, shape), shape)) {
    throw new ShapeError(`${called("broadcastTo")}: ${x.toString()} does not broadcast to ${format(shape)}`);
  }
  return new Tensor("broadcastTo", shape, { kind: "map", expression: (a) => a!, cheap: true }, [x], {
    order: x.rank === shape.length ? x.order : rowMajor(shape.length),
    vjp: (g) => [sumTo(g, x.shape)],
  });
}

/** The dimensions a reduction really runs over: all by default, and never one of size 1. */
export function reducedAxes(operation: string, x: Tensor, dimensions: readonly number[] | undefined): number[] {
  if (dimensions !== undefined && !Array.isArray(dimensions))
    throw new ShapeError(`${called(operation)}: dimensions are a list such as [0], not ${describe(dimensions)}`);
  const all = dimensions?.map((d) => axis(operation, x.rank, d)) ?? x.shape.map((_, d) => d);
  return [...new Set(all)].filter((d) => x.shape[d] !== 1);
}

/** Reduces over `axes`, which stay with size 1; a sum may be scaled. */
export function reduceNode(
  combine: "sum" | "max",
  x: Tensor,
  axes: readonly number[],
  vjp: (g: Tensor, result: Tensor) => Tensor,
  { name = combine as string, scale = 1 } = {},
): Tensor {
  const shape = x.shape.map((n, d) => (axes.includes(d) ? 1 : n));
  const result: Tensor = new Tensor(name, shape, { kind: "reduce", combine, dimensions: axes, scale }, [x], {
    order: x.order,
    vjp: (g) => [vjp(g, result)],
  });
  return result;
}

/** Drops the reduced dimensions, unless they are to be kept. */
export function finishReduction(
  operation: string,
  x: Tensor,
  reduced: Tensor,
  dimensions: readonly number[] | undefined,
  options: ReduceOptions,
): Tensor {
  requireOptions(operation, options, ["keepDims"]);
  if (options.keepDims) return reduced;
  const gone = dimensions?.map((d) => axis(operation, x.rank, d)) ?? x.shape.map((_, d) => d);
  return reshape(
    reduced,
    x.shape.filter((_, d) => !gone.includes(d)),
  );
}

/** Σ over the given dimensions (default: all), in stages. */
export function sum(x: Tensor, dimensions?: readonly number[], options: ReduceOptions = {}): Tensor {
  const axes = reducedAxes("sum", x, dimensions);
  const reduced = axes.length === 0 ? unchanged("sum", x) : reduceNode("sum", x, axes, (g) => broadcastTo(g, x.shape));
  return finishReduction("sum", x, reduced, dimensions, options);
}

/** Sums x over the dimensions along which `shape` was broadcast to x's shape: the derivative of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const missing = x.rank - shape.length;
  const axes = x.shape.flatMap((n, d) => (d < missing || (shape[d - missing] === 1 && n !== 1) ? [d] : []));
  return reshape(sum(x, axes, { keepDims: true }), shape);
}
