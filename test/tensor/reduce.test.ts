/** Sums, means, maxima and log-sum-exp over dimensions, at the level of the engine (kernels/reduce.test.ts has the variants). */
import { describe } from "vitest";
import * as g from "../../src/index.js";
import * as r from "../reference/index.js";
import { type InputSpec, Operations } from "./check.js";

const operations = new Operations();

/** Shape, reduced dimensions (undefined: all), memory order. */
const PATTERNS: readonly (readonly [readonly number[], readonly number[] | undefined, (readonly number[])?])[] = [
  [[7], [0]],
  [[8], undefined],
  [[], undefined],
  [
    [1, 5, 1],
    [0, 2],
  ],
  [[3, 5], [0]],
  [[3, 5], [1]],
  [[4, 8], [-2]],
  [[4, 8], [-1]],
  [
    [2, 3, 4],
    [0, 2],
  ],
  [[2, 3, 4], [1]],
  [
    [3, 4, 2, 2],
    [0, 2, 3],
  ],
  [
    [3, 4, 2, 2],
    [0, 2, 3],
    [0, 2, 3, 1],
  ],
  [
    [3, 3, 2, 2],
    [0, 2, 3],
    [0, 2, 3, 1],
  ],
  [[2, 3, 4, 2], [1], [0, 2, 3, 1]],
  [[2, 3, 4], [0], [2, 1, 0]],
  [[2, 3, 4], [2], [1, 0, 2]],
  [[6, 4], [0], [1, 0]],
  [[6, 4], [1], [1, 0]],
  [[5, 300], [1]],
  [[300, 5], [0]],
];

describe("sum, mean, max", () => {
  for (const [shape, dimensions, order] of PATTERNS) {
    const x: InputSpec = { shape, ...(order && { order }) };
    const label = `[${shape.join(", ")}] over ${dimensions ? `[${dimensions.join(", ")}]` : "all"}${order ? ` in order ${order.join("")}` : ""}`;
    operations.check(`sum ${label}`, {
      inputs: [x],
      build: (t) => g.sum(t, dimensions),
      reference: (t) => r.sum(t, dimensions),
      linear: true,
    });
    operations.check(`mean ${label}, kept`, {
      inputs: [x],
      build: (t) => g.mean(t, dimensions, { keepDims: true }),
      reference: (t) => r.mean(t, dimensions, true),
      linear: true,
    });
    operations.check(`max ${label}`, { inputs: [x], build: (t) => g.max(t, dimensions), reference: (t) => r.max(t, dimensions) });
  }
  operations.check("sum of negative numbers' maximum", {
    inputs: [{ shape: [3, 7], values: [-9, -5] }],
    build: (t) => g.max(t, [1], { keepDims: true }),
    reference: (t) => r.max(t, [1], true),
  });
  operations.check("sum of a fused product", {
    inputs: [[3, 8], [8], [3, 1]],
    build: (a, b, c) => g.sum(g.mul(g.mul(a, b), g.tanh(c)), [1]),
    reference: (a, b, c) => r.sum(r.mul(r.mul(a, b), r.tanh(c)), [1]),
    ...{ absolute: 8 * 22 * 2 ** -22, second: true },
  });
  operations.check("sum of a constant", {
    inputs: [[2]],
    build: (t) => g.mul(g.sum(g.full([3, 8], 0.5), [1, 0]), t),
    reference: (t) => r.mul(t, r.ndarray([], [12])),
  });
  operations.check("a sum's reader in another order", {
    inputs: [{ shape: [2, 3, 4, 2], order: [0, 2, 3, 1] }, [2, 3, 4, 2]],
    build: (a, b) => g.mul(g.sub(a, g.mean(a, [0, 2, 3], { keepDims: true })), b),
    reference: (a, b) => r.mul(r.sub(a, r.mean(a, [0, 2, 3], true)), b),
  });
});

describe("logSumExp", () => {
  // exp of at most 0 and log of at least 1: 3 ulp each, 2^-21 near 1; the maximum of the numbers comes back by an addition.
  for (const [shape, dimension] of [
    [[3, 5], 1],
    [[3, 8], 0],
    [[1, 1], 1],
    [[2, 6, 3], 1],
  ] satisfies [number[], number][]) {
    operations.check(`[${shape.join(", ")}] over ${dimension}`, {
      ...{ inputs: [{ shape, values: [-3, 3] }], build: (x) => g.logSumExp(x, dimension), reference: (x) => r.logSumExp(x, dimension) },
      ...{ units: 40, absolute: 2 ** -20, second: true },
    });
  }
  operations.check("of large numbers", {
    ...{ inputs: [{ shape: [2, 4], values: [190, 200] }], build: (x) => g.logSumExp(x, 1), reference: (x) => r.logSumExp(x, 1) },
    // The differences of the arguments of exp are exact to 2^-17.
    ...{ units: 40, absolute: 2 ** -16 },
  });
});
