/**
 * Matrix products: layouts of both factors, batches against one matrix, an operand used twice. Few shapes, as a GEMM kernel takes long to
 * compile: test/kernels/gemm.test.ts has the kernels at many.
 */
import { describe } from "vitest";
import * as g from "../../src/index.js";
import * as r from "../reference/index.js";
import { type InputSpec, Operations } from "./check.js";

const operations = new Operations();

const rows = (...shape: number[]): InputSpec => ({ shape });
const columns = (...shape: number[]): InputSpec => ({ shape, order: shape.length === 2 ? [1, 0] : [0, 2, 1] });

describe("matmul", () => {
  for (const [name, a, b] of [
    ["odd", rows(3, 5), rows(5, 7)],
    ["one element", rows(1, 1), rows(1, 1)],
    ["left transposed", columns(5, 6), rows(6, 3)],
    ["both transposed", columns(4, 8), columns(8, 4)],
    ["transposed batches", columns(2, 3, 5), columns(2, 5, 4)],
    ["a batch by a matrix", rows(3, 2, 5), rows(5, 4)],
    ["a transposed matrix by a batch", columns(4, 5), columns(3, 5, 2)],
    ["a batch of one", rows(1, 3, 5), rows(1, 5, 2)],
    ["an order no kernel reads", { shape: [3, 2, 4], order: [1, 0, 2] }, { shape: [3, 4, 2], order: [2, 1, 0] }],
  ] satisfies [string, InputSpec, InputSpec][]) {
    operations.check(name, {
      inputs: [a, b],
      build: g.matmul,
      reference: r.matmul,
      linear: true,
      second: name === "odd" || name === "a batch by a matrix",
    });
  }
  operations.check("x·xᵀ", {
    inputs: [[4, 6]],
    build: (x) => g.matmul(x, g.transpose(x)),
    reference: (x) => r.matmul(x, r.transpose(x, 0, 1)),
    second: true,
  });
  operations.check("x·x", { inputs: [[5, 5]], build: (x) => g.matmul(x, x), reference: (x) => r.matmul(x, x), second: true });
  operations.check("linear with a bias", {
    inputs: [[5, 7], [3, 7], [3]],
    build: (x, w, b) => g.add(g.linear(x, w), b),
    reference: (x, w, b) => r.add(r.linear(x, w), b),
  });
});
