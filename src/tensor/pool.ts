/** Max pooling along time. */
import { maxPoolScatter, maxPoolSelect, type PoolShape } from "../../kernels/pool.js";
import { requireNumber } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { channelsLast, sameOrder } from "./shape.js";
import { Tensor } from "./tensor.js";
import { toOrder } from "./variables.js";

const ordered = (x: Tensor) => (sameOrder(x.shape, x.order, channelsLast(3)) ? x : toOrder(x, channelsLast(3)));

/** v at the places where x has its windows' maxima. */
function select(x: Tensor, v: Tensor, s: PoolShape): Tensor {
  const self = x === v;
  const operation = { kind: "kernel" as const, lower: () => maxPoolSelect(s, self) };
  return new Tensor("maxPool1d", [s.batch, s.channels, s.outLength], operation, self ? [x] : [x, ordered(v)], {
    ...{ order: channelsLast(3), sources: self ? [x] : [x, v] },
    vjp: (g) => (self ? [scatter(x, g, s)] : [undefined, scatter(x, g, s)]),
  });
}

function scatter(x: Tensor, g: Tensor, s: PoolShape): Tensor {
  const operation = { kind: "kernel" as const, lower: () => maxPoolScatter(s) };
  return new Tensor("maxPool1d gradient", [s.batch, s.channels, s.length], operation, [x, ordered(g)], {
    ...{ order: channelsLast(3), sources: [x, g] },
    vjp: (gg) => [undefined, select(x, gg, s)],
  });
}

/**
 * The maximum of each window, as PyTorch's `max_pool1d` (no padding; a last incomplete window is dropped). Among equal values the
 * first one gets the gradient.
 * @param x [N, C, L]
 * @returns [N, C, (L − kernel)/stride + 1]
 * @throws ShapeError when no window fits.
 */
export function maxPool1d(x: Tensor, kernel: number, stride = kernel): Tensor {
  requireNumber("maxPool1d", "kernel", kernel, { whole: true, least: 1 });
  requireNumber("maxPool1d", "stride", stride, { whole: true, least: 1 });
  if (x.rank !== 3 || x.shape[2]! < kernel) throw new ShapeError(`maxPool1d: kernel ${kernel}, stride ${stride} on ${x.toString()}`);
  const [batch, channels, length] = x.shape as [number, number, number];
  const own = ordered(x);
  return select(own, own, { batch, channels, length, outLength: Math.floor((length - kernel) / stride) + 1, kernel, stride });
}
