/** Reshape, transpose, concatenate, slice, pad: operations that move or rename elements and compute nothing. */
import { copyRegions, padRegion } from "../../kernels/copy.js";
import { called, within } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { base } from "./fuse.js";
import { axis, format, type Order, rowMajor, sameShape, type Shape, size, strides } from "./shape.js";
import { type DType, Tensor } from "./tensor.js";
import { toOrder, unchanged } from "./variables.js";

const view = <D extends DType>(name: string, x: Tensor<D>, shape: Shape, order: Order, vjp: (g: Tensor) => Tensor): Tensor<D> =>
  new Tensor(name, shape, { kind: "view" }, [x], { order, dtype: x.dtype, vjp: (g) => [vjp(g)] });

/**
 * The same elements, row-major, under another shape; one dimension may be -1. Free, unless it merges dimensions that lie apart in memory.
 * @throws ShapeError when the numbers of elements differ.
 */
export function reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  const known = size(shape.filter((n) => n !== -1));
  const target = shape.map((n) => (n === -1 ? x.size / known : n));
  if (size(target) !== x.size || shape.filter((n) => n === -1).length > 1) {
    throw new ShapeError(`${called("reshape")}: ${x.toString()} has ${x.size} elements, ${format(shape)} has not`);
  }
  if (sameShape(target, x.shape)) return unchanged("reshape", x);
  const back = (g: Tensor) => reshape(g, x.shape);
  const order = reshapedOrder(x, target);
  if (order) return view("reshape", x, target, order, back);
  return view("reshape", toOrder(x, rowMajor(x.rank)), target, rowMajor(target.length), back);
}

/**
 * The memory order of x under another shape, where there is one: both shapes are cut into the smallest runs of dimensions with equally many
 * elements, and a run of x that lies together in memory becomes the target's run in its place. Undefined where one lies scattered.
 */
function reshapedOrder(x: Tensor, target: Shape): Order | undefined {
  const wide = x.shape.flatMap((n, d) => (n === 1 ? [] : [d]));
  const targetWide = target.flatMap((n, d) => (n === 1 ? [] : [d]));
  const memory = x.order.filter((d) => x.shape[d] !== 1);
  /** The target's dimensions that take the place of x's, by the first of those. */
  const places = new Map<number, number[]>();
  for (let i = 0, j = 0; i < wide.length;) {
    const [run, targetRun] = [[wide[i++]!], [targetWide[j++]!]];
    let [count, targetCount] = [x.shape[run[0]!]!, target[targetRun[0]!]!];
    while (count !== targetCount) {
      if (count < targetCount) count *= x.shape[(run.push(wide[i]!), wide[i++]!)]!;
      else targetCount *= target[(targetRun.push(targetWide[j]!), targetWide[j++]!)]!;
    }
    const start = memory.indexOf(run[0]!);
    if (run.some((d, k) => memory[start + k] !== d)) return undefined;
    places.set(run[0]!, targetRun);
  }
  const ones = target.flatMap((n, d) => (n === 1 ? [d] : []));
  return [...ones, ...memory.flatMap((d) => places.get(d) ?? [])];
}

/** Dimension i of the result is dimension `dimensions[i]` of x. Free: only the order of the memory is told anew. */
export function permute<D extends DType>(x: Tensor<D>, dimensions: readonly number[]): Tensor<D> {
  const from = dimensions.map((d) => axis("permute", x.rank, d));
  if (new Set(from).size !== x.rank || from.length !== x.rank) {
    throw new ShapeError(`${called("permute")}: [${dimensions.join(", ")}] is no permutation of the dimensions of ${x.toString()}`);
  }
  const back = from.map((_, d) => from.indexOf(d));
  return view(
    "permute",
    x,
    from.map((d) => x.shape[d]!),
    x.order.map((d) => back[d]!),
    (g) => permute(g, back),
  );
}

/** Swaps two dimensions (default: the last two). */
export function transpose<D extends DType>(x: Tensor<D>, a = -2, b = -1): Tensor<D> {
  const dimensions = [...rowMajor(x.rank)];
  const [p, q] = [axis("transpose", x.rank, a), axis("transpose", x.rank, b)];
  [dimensions[p], dimensions[q]] = [q, p];
  return permute(x, dimensions);
}

/**
 * The tensors one after the other along a dimension.
 * @throws ShapeError when their other dimensions differ.
 */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], dimension: number): Tensor<D> {
  const [first] = tensors;
  if (!first) throw new ShapeError(`${called("concat")}: no tensors`);
  const d = axis("concat", first.rank, dimension);
  for (const t of tensors) {
    if (t.rank !== first.rank || t.dtype !== first.dtype || t.shape.some((n, i) => i !== d && n !== first.shape[i])) {
      throw new ShapeError(`${called("concat")}: ${first.toString()} and ${t.toString()} differ beside dimension ${d}`);
    }
  }
  const shape = first.shape.map((n, i) => (i === d ? tensors.reduce((s, t) => s + t.shape[d]!, 0) : n));
  const starts = tensors.map((_, i) => tensors.slice(0, i).reduce((s, t) => s + t.shape[d]!, 0));
  // Inputs come row-major; where something was computed, its order is the one the next operation wants.
  const { order } = tensors.find((t) => base(t).operation.kind !== "leaf") ?? first;
  const out = strides(shape, order);
  const regions = tensors.map((t, i) => ({ shape: t.shape, from: strides(t.shape, t.order), to: out, toOffset: starts[i]! * out[d]! }));
  return new Tensor("concat", shape, { kind: "kernel", lower: () => copyRegions("concat", regions, order), whole: "all" }, tensors, {
    ...{ order, dtype: first.dtype },
    vjp: (g) => tensors.map((t, i) => slice(g, d, starts[i]!, starts[i]! + t.shape[d]!)),
  });
}

/**
 * Elements start (included) to end (excluded) along a dimension.
 * @throws ShapeError when the range is empty or leaves the tensor.
 */
export function slice<D extends DType>(x: Tensor<D>, dimension: number, start: number, end: number): Tensor<D> {
  const d = axis("slice", x.rank, dimension);
  if (![start, end].every(Number.isInteger) || !(start >= 0 && start < end && end <= x.shape[d]!)) {
    throw new ShapeError(`${called("slice")}: ${start} to ${end} along dimension ${d} of ${x.toString()}`);
  }
  if (end - start === x.shape[d]) return unchanged("slice", x);
  const shape = x.shape.map((n, i) => (i === d ? end - start : n));
  const from = strides(x.shape, x.order);
  const region = { shape, from, fromOffset: start * from[d]!, to: strides(shape, x.order) };
  return new Tensor("slice", shape, { kind: "kernel", lower: () => copyRegions("slice", [region], x.order), whole: "all" }, [x], {
    ...{ order: x.order, dtype: x.dtype },
    vjp: (g) => [pad(g, d, start, x.shape[d]! - end)],
  });
}

/** Zeros before and after along a dimension: the derivative of `slice`. */
export function pad<D extends DType>(x: Tensor<D>, dimension: number, before: number, after: number): Tensor<D> {
  const d = axis("pad", x.rank, dimension);
  if (![before, after].every((n) => Number.isInteger(n) && n >= 0))
    throw new ShapeError(`${called("pad")}: ${before} before and ${after} after ${x.toString()}`);
  if (before + after === 0) return unchanged("pad", x);
  const shape = x.shape.map((n, i) => (i === d ? n + before + after : n));
  const problem = { shape, order: x.order, from: strides(x.shape, x.order), dimension: d, before, end: before + x.shape[d]! };
  return new Tensor("pad", shape, { kind: "kernel", lower: () => padRegion(problem), whole: "all" }, [x], {
    ...{ order: x.order, dtype: x.dtype },
    vjp: (g) => [slice(g, d, before, before + x.shape[d]!)],
  });
}

/**
 * The tensors stacked along a new dimension at `dimension`.
 * @throws ShapeError when their shapes differ.
 */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], dimension = 0): Tensor<D> {
  const d = axis("stack", (tensors[0]?.rank ?? 0) + 1, dimension);
  const odd = tensors.find((t) => !sameShape(t.shape, tensors[0]!.shape));
  if (odd) throw new ShapeError(`${called("stack")}: ${tensors[0]!.toString()} and ${odd.toString()} must have one shape`);
  return within("stack", () =>
    concat(
      tensors.map((t) => reshape(t, [...t.shape.slice(0, d), 1, ...t.shape.slice(d)])),
      d,
    ),
  );
}
