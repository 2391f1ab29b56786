/**
 * NaN, infinities, zeros of both signs and numbers near the ends of f32, through every elementwise operation, reduction and loss: values and
 * gradients are PyTorch's, where that has one (scripts/fixtures/non_finite.py).
 */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { grad, input, type Tensor, tensor } from "../../src/index.js";
import { crossEntropy } from "../../src/tensor/elementwise.js";
import { device } from "../device.js";
import { fixture } from "./fixture.js";

const { values, facts } = await fixture<{ unary: string[]; binary: string[] }>("non-finite");

const UNARY: Record<string, (x: Tensor) => Tensor> = {
  ...{ neg: g.neg, square: g.square, abs: g.abs, exp: g.exp, log: g.log, sqrt: g.sqrt, rsqrt: g.rsqrt },
  ...{ tanh: g.tanh, sigmoid: g.sigmoid, relu: g.relu, leakyRelu: (x) => g.leakyRelu(x), softplus: g.softplus },
  ...{ leakyRelu0: (x) => g.leakyRelu(x, 0), leakyReluNegative: (x) => g.leakyRelu(x, -1) },
  ...{ addNumber: (x) => g.add(x, 2), timesZero: (x) => g.mul(x, 0), lessItself: (x) => g.sub(x, x), overItself: (x) => g.div(x, x) },
  ...{ overZero: (x) => g.div(x, 0), overMinusZero: (x) => g.div(x, -0), zeroOver: (x) => g.div(0, x), oneOver: (x) => g.div(1, x) },
  ...{ maximumOfNumber: (x) => g.maximum(x, 3), minimumOfNumber: (x) => g.minimum(x, 3) },
  ...{ whereAbove: (x) => g.where(x, x, g.mul(x, -3)), whereAtLeast: (x) => g.where(x, x, g.mul(x, -3), ">=") },
  ...{ whereBelow: (x) => g.where(x, x, g.mul(x, -3), "<"), whereAtMost: (x) => g.where(x, x, g.mul(x, -3), "<=") },
  ...{ bce0: (x) => crossEntropy(x, 0), bce1: (x) => crossEntropy(x, 1), bceSoft: (x) => crossEntropy(x, 0.9) },
  isNonFinite: g.isNonFinite,
};

const BINARY: Record<string, (x: Tensor, y: Tensor) => Tensor> = {
  ...{ add: g.add, sub: g.sub, mul: g.mul, div: g.div, maximum: g.maximum, minimum: g.minimum },
  squaredDifference: (x, y) => g.square(g.sub(x, y)),
};

const upstream = (y: Tensor): Tensor =>
  tensor(
    Array.from({ length: y.size }, (_, i) => (i % 3) + 1),
    y.shape,
  );

/** The value of f and its gradients, for upstream gradients 1, 2, 3, 1, 2, 3 ... */
function record(name: string, y: Tensor, wrt: readonly Tensor[], weights = upstream(y)): Record<string, Tensor> {
  const gradients = grad(y, wrt, weights);
  return { [`${name}.y`]: y, ...Object.fromEntries(gradients.map((d, i) => [`${name}.d${"xyz"[i]}`, d])) };
}

const merged = (records: readonly Record<string, Tensor>[]) => Object.assign({}, ...records) as Record<string, Tensor>;

async function run(build: () => Record<string, Tensor>, inputs: Record<string, Float32Array> = {}): Promise<Map<string, Float32Array>> {
  const program = await g.compile(await device(), build);
  const results = await program.run(inputs);
  program.destroy();
  return new Map(Object.entries(results) as [string, Float32Array][]);
}

/** The least normal number: devices may take smaller ones for zero. */
const LEAST = 2 ** -126;

/** The same NaN, the same infinity, or numbers as close as the device's functions are to PyTorch's. */
function same(actual: number, expected: number): boolean {
  if (!Number.isFinite(expected)) return Object.is(actual, expected);
  return Math.abs(actual - expected) <= 1e-6 + LEAST + 1e-5 * Math.abs(expected);
}

/** @param place Which element of the result is the fixture's i-th. */
function compare(results: Map<string, Float32Array>, skip: (name: string, i: number) => boolean = () => false, place = (i: number) => i) {
  const wrong: string[] = [];
  for (const [name, result] of results) {
    const expected = values(name);
    expected.forEach((e, i) => {
      const actual = result[place(i)]!;
      if (!skip(name, i) && !same(actual, e)) wrong.push(`${name}[${i}]: ${actual}, not ${e}`);
    });
  }
  expect(wrong).toEqual([]);
}

describe("elementwise", () => {
  it("every case of the fixture is here", () => {
    expect(Object.keys(UNARY).sort()).toEqual([...facts.unary].sort());
    expect(Object.keys(BINARY).sort()).toEqual([...facts.binary].sort());
  });

  const list = values("values");
  const operations = Object.entries(UNARY);
  // isNonFinite has no gradient.
  const of = (name: string, y: Tensor, x: Tensor, weights?: Tensor) =>
    name === "isNonFinite" ? { [`${name}.y`]: y } : record(name, y, [x], weights);

  it("of one operand, four at a time", async () => {
    const build = () => {
      const x = input("x", [list.length]);
      return merged(operations.map(([name, f]) => of(name, f(x), x)));
    };
    compare(await run(build, { x: list }));
  });

  it("of one operand, one at a time", async () => {
    // Three columns of the same, which are no vectors of four.
    const build = () => {
      const given = input("x", [list.length, 1]);
      const x = g.broadcastTo(given, [list.length, 3]);
      const weights = g.broadcastTo(upstream(given), x.shape);
      return merged(operations.map(([name, f]) => of(name, f(x), x, weights)));
    };
    compare(await run(build, { x: list }), undefined, (i) => 3 * i);
  });

  it("of two operands", async () => {
    const pairs = values("pairs");
    const n = pairs.length;
    const x = Float32Array.from({ length: n * n }, (_, i) => pairs[Math.floor(i / n)]!);
    const y = Float32Array.from({ length: n * n }, (_, i) => pairs[i % n]!);
    const build = () => {
      const [a, b] = [input("x", [n * n]), input("y", [n * n])];
      return merged(Object.entries(BINARY).map(([name, f]) => record(name, f(a, b), [a, b])));
    };
    const results = await run(build, { x, y });
    // At equality the gradient is the first operand's, where PyTorch halves it.
    const tie = (name: string, i: number) => /^(max|min)imum\.d/.test(name) && x[i] === y[i];
    compare(results, tie);
    for (const name of ["maximum", "minimum"]) {
      x.forEach((_, i) => {
        if (x[i] === y[i]) expect([results.get(`${name}.dx`)![i], results.get(`${name}.dy`)![i]! + 0]).toEqual([(i % 3) + 1, 0]);
      });
    }
  });

  it("of numbers alone", async () => {
    const results = await run(() => ({
      ...{ log: g.log(g.full([3], 0)), root: g.sqrt(g.full([3], -1)), product: g.mul(g.full([5], 3e38), 10) },
      ...{ quotient: g.div(g.full([2], 0), 0), fused: g.sum(g.exp(g.full([4, 4], 100))) },
    }));
    expect(Object.fromEntries([...results].map(([name, v]) => [name, v[0]]))).toEqual({
      ...{ log: -Infinity, root: NaN, product: Infinity, quotient: NaN, fused: Infinity },
    });
  });
});

describe("reductions", () => {
  const rows = values("rows");
  const count = rows.length / 5;
  /** Each row reduced, one beside the other: the fixture's rows are cases of their own. */
  const REDUCTIONS: Record<string, (x: Tensor, dimension: number) => Tensor> = {
    sum: (x, d) => g.sum(x, [d], { keepDims: true }),
    mean: (x, d) => g.mean(x, [d], { keepDims: true }),
    max: (x, d) => g.max(x, [d], { keepDims: true }),
    logSumExp: (x, d) => g.logSumExp(x, d),
  };
  it.each(["rows", "columns"])("of %s in memory", async (side) => {
    const build = () => {
      const given = input("x", [count, 5]);
      const x = side === "rows" ? given : g.toOrder(given, [1, 0]);
      const one = ([name, f]: [string, (x: Tensor, dimension: number) => Tensor]) => {
        const y = f(x, 1);
        return { [`${name}.y`]: y, [`${name}.dx`]: grad(y, [given], g.full(y.shape, 1))[0]! };
      };
      return merged(Object.entries(REDUCTIONS).map(one));
    };
    const results = await run(build, { x: rows });
    const wrong: string[] = [];
    for (const name of Object.keys(REDUCTIONS)) {
      for (let row = 0; row < count; row++) {
        const pairs = [
          ["y", results.get(`${name}.y`)!.subarray(row, row + 1)],
          ["dx", results.get(`${name}.dx`)!.subarray(5 * row, 5 * row + 5)],
        ] as const;
        for (const [part, actual] of pairs) {
          const expected = values(`${name}${row}.${part}`);
          if (!expected.every((e, i) => same(actual[i]!, e))) wrong.push(`${name}${row}.${part}: ${[...actual]}, not ${[...expected]}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("maxPool1d: the last NaN of a window", async () => {
    // Each row and its first two again, as the fixture has it.
    const x = Float32Array.from({ length: count * 7 }, (_, i) => rows[5 * Math.floor(i / 7) + ((i % 7) % 5)]!);
    const build = () => {
      const given = input("x", [1, count, 7]);
      return record("maxPool1d", g.maxPool1d(given, 3, 2), [given]);
    };
    compare(await run(build, { x }));
  });

  it("batch norm: only the channel that holds it", async () => {
    const build = () => {
      const [x, weight, bias] = [input("x", [3, 4]), tensor([1, 2, -1, 0.5]), tensor([0, 1, 2, -1])];
      return record("batchNorm", g.batchNorm(x, weight, bias).y, [x, weight, bias]);
    };
    compare(await run(build, { x: values("batch") }));
  });
});

describe("losses", () => {
  const LOSSES: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
    infoNce: (a, b) => g.infoNce(a, b, 2.5),
    hinge: (a, b) => g.jointEmbeddingHinge(a, b),
    mse: g.mse,
  };
  it.each(["NaN", "Infinity", "MinusInfinity"])("with a %s among the first operand's elements", async (kind) => {
    const build = () => {
      const [a, b] = [input("a", [3, 3]), input("b", [3, 3])];
      return merged(Object.entries(LOSSES).map(([name, f]) => record(`${name}${kind}`, f(a, b), [a, b])));
    };
    compare(await run(build, { a: values(`odd${kind}`), b: values("finite") }));
  });

  it("bceWithLogits of numbers and of tensors as targets", async () => {
    const logits = [NaN, Infinity, -Infinity];
    const targets = [0, 1, 0.9];
    const expected = [NaN, Infinity, NaN, NaN, NaN, NaN, NaN, Infinity, NaN];
    const build = () => {
      const cases = targets.flatMap((t) => logits.map((x) => [x, t] as const));
      const x = (value: number) => g.add(tensor([value]), 0);
      const each = (loss: (v: number, t: number) => Tensor) => g.stack(cases.map(([v, t]) => loss(v, t)));
      return { numbers: each((v, t) => g.bceWithLogits(x(v), t)), tensors: each((v, t) => g.bceWithLogits(x(v), tensor([t]))) };
    };
    const results = await run(build);
    expect(Object.fromEntries([...results].map(([name, v]) => [name, [...v]]))).toEqual({ numbers: expected, tensors: expected });
  });
});
