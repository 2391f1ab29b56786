/** Elementwise operations: result, gradient and some second derivatives, with broadcasting and mixed memory orders. */
import { describe } from "vitest";
import * as g from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import * as r from "../reference/index.js";
import type { NdArray } from "../reference/index.js";
import { type InputSpec, Operations } from "./check.js";

const operations = new Operations();

/** Shapes of one operand: a scalar, a size below four, odd, a multiple of four, size-1 dimensions, several workgroups. */
const SHAPES: readonly (readonly number[])[] = [[], [3], [5, 7], [2, 8], [1, 3, 1], [263]];

interface Unary {
  readonly build: (x: Tensor) => Tensor;
  readonly reference: (x: NdArray) => NdArray;
  readonly values?: readonly [number, number];
  /** Error of the function in units of 2^-24 of its result: WGSL grants ulps of up to 2^-23. */
  readonly units?: number;
  readonly absolute?: number;
  readonly second?: boolean;
}

const unary: Record<string, Unary> = {
  neg: { build: g.neg, reference: r.neg },
  square: { build: g.square, reference: r.square, second: true },
  abs: { build: g.abs, reference: r.abs },
  // 3 + 2|x| ulp, |x| <= 4.
  exp: { build: g.exp, reference: r.exp, values: [-4, 4], units: 2 * 11, second: true },
  // 3 ulp, and 2^-21 between 0.5 and 2.
  log: { build: g.log, reference: r.log, values: [0.1, 4], units: 6, absolute: 2 ** -21 },
  // 1 / inverseSqrt: 2 ulp and 2.5.
  sqrt: { build: g.sqrt, reference: r.sqrt, values: [0.1, 4], units: 16 },
  rsqrt: { build: g.rsqrt, reference: r.rsqrt, values: [0.1, 4], units: 16, second: true },
  // tanh by its exponentials (3 + 2|x| ulp of numbers up to 1), and 1 − y².
  tanh: { build: g.tanh, reference: r.tanh, values: [-3, 3], units: 4, absolute: 22 * 2 ** -23, second: true },
  sigmoid: { build: g.sigmoid, reference: r.sigmoid, values: [-6, 6], units: 40, absolute: 4 * 2 ** -24, second: true },
  relu: { build: g.relu, reference: r.relu },
  "leakyRelu 0.2": { build: (x) => g.leakyRelu(x), reference: (x) => r.leakyRelu(x, 0.2) },
  "leakyRelu -1": { build: (x) => g.leakyRelu(x, -1), reference: (x) => r.leakyRelu(x, -1) },
  "leakyRelu 0.01": { build: (x) => g.leakyRelu(x, 0.01), reference: (x) => r.leakyRelu(x, 0.01) },
  // log(1 + e) for e in (0, 1]: 2^-21.
  softplus: { build: g.softplus, reference: r.softplus, values: [-6, 6], units: 40, absolute: 2 ** -21 + 2 ** -23, second: true },
};

const RANGE: readonly [number, number] = [-2, 2];

describe("one operand", () => {
  for (const [name, { build, reference, values = RANGE, second = false, ...bounds }] of Object.entries(unary)) {
    for (const shape of SHAPES) {
      const sizes = shape.reduce((a, b) => a * b, 1);
      operations.check(`${name} [${shape.join(", ")}]`, {
        ...{ inputs: [{ shape, values }], build, reference, second: second && sizes <= 40 },
        ...bounds,
      });
    }
    const shape = [2, 3, 4, 5];
    operations.check(`${name} channels last`, { inputs: [{ shape, values, order: [0, 2, 3, 1] }], build, reference, ...bounds });
  }
});

interface Binary {
  readonly build: (a: Tensor, b: Tensor) => Tensor;
  readonly reference: (a: NdArray, b: NdArray) => NdArray;
  readonly divisor?: boolean;
  readonly units?: number;
  readonly second?: boolean;
}

const binary: Record<string, Binary> = {
  add: { build: g.add, reference: r.add },
  sub: { build: g.sub, reference: r.sub },
  mul: { build: g.mul, reference: r.mul, second: true },
  div: { build: g.div, reference: r.div, divisor: true, units: 20, second: true },
  maximum: { build: g.maximum, reference: r.maximum, second: true },
  minimum: { build: g.minimum, reference: r.minimum },
};

/** Which way each operand is stretched: not at all, from a scalar, from a row, a column, both, new dimensions, inner dimensions. */
const PAIRS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[7], [7]],
  [
    [2, 8],
    [2, 8],
  ],
  [[3, 5], []],
  [[], [4]],
  [[3, 5], [5]],
  [
    [3, 8],
    [3, 1],
  ],
  [
    [3, 1],
    [1, 5],
  ],
  [[4], [2, 3, 4]],
  [
    [2, 3, 4],
    [2, 1, 4],
  ],
  [
    [1, 3, 1, 1],
    [2, 3, 2, 2],
  ],
  [
    [1, 1],
    [1, 1],
  ],
  [[1], [6, 1, 3]],
];

describe("two operands", () => {
  for (const [name, { build, reference, divisor, ...bounds }] of Object.entries(binary)) {
    const second = (b: readonly number[] | InputSpec): InputSpec => ({
      ...("shape" in b ? b : { shape: b }),
      ...(divisor ? { values: [0.5, 3] as const } : {}),
    });
    // How operands stretch does not depend on the operation; two see all of it.
    for (const [a, b] of name === "mul" || name === "maximum" ? PAIRS : PAIRS.slice(0, 4)) {
      operations.check(`${name} [${a.join(", ")}] [${b.join(", ")}]`, { inputs: [a, second(b)], build, reference, ...bounds });
    }
    const shape = [2, 4, 3, 4];
    const last = [0, 2, 3, 1];
    if (name === "add" || name === "minimum") continue;
    for (const [orders, a, b] of [
      ["rows and channels last", { shape }, { shape, order: last }],
      ["channels last and rows", { shape, order: last }, { shape }],
      ["channels last and a channel vector", { shape, order: last }, { shape: [4, 1, 1] }],
      ["transposed and rows", { shape: [6, 8], order: [1, 0] }, { shape: [6, 8] }],
      ["transposed and a row", { shape: [6, 8], order: [1, 0] }, { shape: [8] }],
      ["a transposed stretched matrix", { shape: [4, 3, 5] }, { shape: [3, 5], order: [1, 0] }],
    ] satisfies [string, InputSpec, InputSpec][]) {
      operations.check(`${name} ${orders}`, { inputs: [a, second(b)], build, reference, ...bounds, second: false });
    }
  }
  operations.check("an operand used twice", {
    inputs: [[5, 3]],
    build: (x) => g.mul(x, g.add(x, x)),
    reference: (x) => r.mul(x, r.add(x, x)),
    second: true,
  });
  operations.check("numbers", {
    inputs: [[5]],
    build: (x) => g.sub(g.mul(g.add(x, 1.5), 0.25), g.div(g.sub(-2, x), 1e-2)),
    reference: (x) => ({ shape: x.shape, data: x.data.map((v) => (v + 1.5) * 0.25 - (-2 - v) / 1e-2) }),
    units: 40,
  });
  operations.check("neutral numbers", {
    inputs: [[5]],
    build: (x) => g.add(g.mul(1, g.add(0, g.mul(g.add(x, 0), 1))), 0),
    reference: (x) => x,
  });
  operations.check("zeros that stretch", {
    inputs: [[1, 3]],
    build: (x) => g.add(x, g.full([2, 3], 0)),
    reference: (x) => r.broadcastTo(x, [2, 3]),
  });
  operations.check("ones that stretch", {
    inputs: [[3, 1]],
    build: (x) => g.mul(g.full([3, 4], 1), x),
    reference: (x) => r.broadcastTo(x, [3, 4]),
  });
});

describe("where", () => {
  const condition: InputSpec = { shape: [4, 5], fixed: true };
  operations.check("where", { inputs: [condition, [4, 5], [5]], build: (x, a, b) => g.where(x, a, b), reference: r.where });
  operations.check("where with a stretched condition", {
    inputs: [{ shape: [4, 1], fixed: true }, [5], [4, 5]],
    build: (x, a, b) => g.where(x, a, b),
    reference: r.where,
  });
  operations.check("where >= at zero", {
    inputs: [{ shape: [4], values: { list: [-1, 0, 0, 1] }, fixed: true }, [4], [4]],
    build: (x, a, b) => g.where(x, a, b, ">="),
    reference: r.whereAtLeast,
  });
  operations.check("where > at zero", {
    inputs: [{ shape: [4], values: { list: [-1, 0, 0, 1] }, fixed: true }, [4], [4]],
    build: (x, a, b) => g.where(x, a, b),
    reference: r.where,
  });
});

describe("layout of elements", () => {
  operations.check("broadcastTo", {
    inputs: [[3, 1]],
    build: (x) => g.broadcastTo(x, [2, 3, 4]),
    reference: (x) => r.broadcastTo(x, [2, 3, 4]),
    linear: true,
  });
  operations.check("broadcastTo, channels last", {
    inputs: [{ shape: [2, 3, 1, 2], order: [0, 2, 3, 1] }],
    build: (x) => g.broadcastTo(x, [2, 3, 4, 2]),
    reference: (x) => r.broadcastTo(x, [2, 3, 4, 2]),
    linear: true,
  });
  operations.check("toOrder", {
    inputs: [[2, 3, 4, 5]],
    build: (x) => g.mul(g.toOrder(x, [0, 2, 3, 1]), x),
    reference: (x) => r.mul(x, x),
  });
});
