/** Shapes, memory orders and the arithmetic between them. */
import { called } from "../arguments.js";
import { ShapeError } from "../errors.js";

/** Sizes of a tensor's dimensions, outermost first; [] is a scalar's. */
export type Shape = readonly number[];

/**
 * How a dense tensor lies in memory: its dimensions from the slowest to the fastest. [0, 1, 2, 3] is row-major; a picture batch
 * of shape [N, C, H, W] in channels-last order is [0, 2, 3, 1].
 */
export type Order = readonly number[];

export const size = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export const rowMajor = (rank: number): Order => Array.from({ length: rank }, (_, i) => i);

/** [N, C, ...] with the channels fastest: the order convolutions work in. */
export const channelsLast = (rank: number): Order => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];

/** Elements between neighbours along each (logical) dimension. */
export function strides(shape: Shape, order: Order): number[] {
  const result = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (const d of [...order].reverse()) {
    result[d] = stride;
    stride *= shape[d]!;
  }
  return result;
}

/** True when both orders put the elements of `shape` at the same places (dimensions of size 1 do not matter). */
export function sameOrder(shape: Shape, a: Order, b: Order): boolean {
  const wide = (order: Order) => order.filter((d) => shape[d] !== 1);
  return wide(a).join() === wide(b).join();
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

export const format = (shape: Shape): string => `[${shape.join(", ")}]`;

/**
 * The shape two or more shapes broadcast to, by NumPy's and PyTorch's rule: aligned at the right, 1 stretches.
 * @throws ShapeError naming the operation and all shapes.
 */
export function broadcastShapes(operation: string, ...shapes: Shape[]): Shape {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((s) => s[i - (rank - s.length)] ?? 1);
    const n = sizes.find((m) => m !== 1) ?? 1;
    if (sizes.some((m) => m !== 1 && m !== n)) {
      throw new ShapeError(`${called(operation)}: shapes ${shapes.map(format).join(" and ")} do not broadcast (dimension ${i})`);
    }
    return n;
  });
}

/** A dimension index given as 0..rank-1 or, from the end, -1..-rank. */
export function axis(operation: string, rank: number, dimension: number): number {
  const d = dimension < 0 ? dimension + rank : dimension;
  if (!Number.isInteger(d) || d < 0 || d >= rank)
    throw new ShapeError(`${called(operation)}: dimension ${dimension} of a tensor of rank ${rank}`);
  return d;
}

/** One axis of a loop nest: how many steps, and how far each operand moves a step (0: it stays, i.e. is broadcast). */
export interface LoopAxis {
  readonly count: number;
  readonly steps: readonly number[];
}

/**
 * The shortest loop nest that visits all elements of `shape` in `order`, for operands given by their strides over the same logical
 * dimensions. Dimensions of size 1 vanish and neighbours that every operand walks evenly become one.
 */
export function loopNest(shape: Shape, order: Order, operands: readonly (readonly number[])[]): LoopAxis[] {
  const axes: { count: number; steps: number[] }[] = [];
  for (const d of order) {
    const count = shape[d]!;
    if (count === 1) continue;
    const steps = operands.map((s) => s[d]!);
    const outer = axes.at(-1);
    if (outer && outer.steps.every((s, i) => s === steps[i]! * count)) {
      outer.count *= count;
      outer.steps = steps;
    } else {
      axes.push({ count, steps });
    }
  }
  return axes;
}

/** Strides of an operand of `shape` in `order` over the dimensions of `target`, to which it broadcasts: 0 where it is stretched. */
export function broadcastStrides(shape: Shape, order: Order, target: Shape): number[] {
  const own = strides(shape, order);
  const missing = target.length - shape.length;
  return target.map((_, i) => (i < missing || shape[i - missing] === 1 ? 0 : own[i - missing]!));
}

/** Copies row-major values into `order`, or back (`inverse`). */
export function reorder<T extends Float32Array | Uint32Array>(values: T, shape: Shape, order: Order, inverse = false): T {
  if (sameOrder(shape, order, rowMajor(shape.length))) return values;
  const result = new (values.constructor as new (n: number) => T)(values.length);
  const step = strides(shape, order);
  const index = new Array<number>(shape.length).fill(0);
  // Row by row: a row's elements are one step apart.
  const last = shape.length - 1;
  const [length, across] = [shape[last]!, step[last]!];
  let place = 0;
  for (let i = 0; i < values.length; i += length) {
    if (inverse) for (let k = 0; k < length; k++) result[i + k] = values[place + k * across]!;
    else for (let k = 0; k < length; k++) result[place + k * across] = values[i + k]!;
    for (let d = last - 1; d >= 0; d--) {
      place += step[d]!;
      if (++index[d]! < shape[d]!) break;
      place -= step[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return result;
}
