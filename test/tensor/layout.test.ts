/** Operations that move elements, table look-ups and pooling, in several memory orders. */
import { describe } from "vitest";
import * as g from "../../src/index.js";
import * as r from "../reference/index.js";
import { type InputSpec, Operations } from "./check.js";

const operations = new Operations();

const rows = (...shape: number[]): InputSpec => ({ shape });
const last = (...shape: number[]): InputSpec => ({
  shape,
  order: shape.length === 4 ? [0, 2, 3, 1] : shape.length === 3 ? [0, 2, 1] : [1, 0],
});

describe("reshape", () => {
  for (const [name, x, shape] of [
    ["rows", rows(3, 4), [2, 6]],
    ["rows, one size left open", rows(3, 4), [-1, 2, 2]],
    ["a scalar", rows(1, 1), []],
    ["ones come", last(2, 3), [1, 2, 1, 3, 1]],
    ["ones go", last(1, 3, 1, 4), [3, 4]],
    ["channels last must be copied", last(2, 3, 2, 2), [2, 12]],
    ["ones beside channels last", last(2, 3, 1, 4), [2, 3, 4]],
  ] satisfies [string, InputSpec, number[]][]) {
    operations.check(`reshape ${name}`, {
      inputs: [x],
      build: (t) => g.reshape(t, shape),
      reference: (t) => r.reshape(t, shape.includes(-1) ? [3, 2, 2] : shape),
      linear: true,
    });
  }
  operations.check("reshape, then arithmetic in both shapes", {
    inputs: [last(2, 3, 2, 2), [2, 12]],
    build: (x, y) => g.mul(g.reshape(x, [2, 12]), g.add(y, g.reshape(g.square(x), [2, 12]))),
    reference: (x, y) => r.mul(r.reshape(x, [2, 12]), r.add(y, r.reshape(r.square(x), [2, 12]))),
  });
});

describe("permute and transpose", () => {
  for (const dimensions of [
    [2, 0, 1],
    [1, 2, 0],
    [0, 2, 1],
    [-1, 1, 0],
  ]) {
    const positive = dimensions.map((d) => (d < 0 ? d + 3 : d));
    operations.check(`permute ${dimensions.join(" ")}`, {
      inputs: [[2, 3, 4]],
      build: (x) => g.permute(x, dimensions),
      reference: (x) => r.permute(x, positive),
      linear: true,
    });
    operations.check(`permute ${dimensions.join(" ")} and add`, {
      inputs: [last(2, 3, 4), positive.map((d) => [2, 3, 4][d]!)],
      build: (x, y) => g.mul(g.permute(x, dimensions), y),
      reference: (x, y) => r.mul(r.permute(x, positive), y),
    });
  }
  operations.check("transpose", { inputs: [[3, 5]], build: (x) => g.transpose(x), reference: (x) => r.transpose(x, 0, 1), linear: true });
  operations.check("transpose of outer dimensions", {
    inputs: [[3, 2, 4]],
    build: (x) => g.transpose(x, 0, 2),
    reference: (x) => r.transpose(x, 0, 2),
    linear: true,
  });
  operations.check("a matrix times its transpose, element by element", {
    inputs: [[4, 4]],
    build: (x) => g.mul(x, g.transpose(x)),
    reference: (x) => r.mul(x, r.transpose(x, 0, 1)),
    second: true,
  });
});

describe("concat and stack", () => {
  for (const [name, tensors, dimension] of [
    ["rows", [rows(2, 3), rows(4, 3)], 0],
    ["columns", [rows(2, 3), rows(2, 1), rows(2, 5)], 1],
    ["multiples of four", [rows(2, 8), rows(2, 4)], 1],
    ["a multiple of four in odd rows", [rows(2, 4), rows(2, 3)], 1],
    ["channels", [last(2, 4, 2, 3), last(2, 8, 2, 3)], 1],
    ["mixed orders", [last(2, 3, 2, 2), rows(2, 2, 2, 2)], 1],
    ["mixed orders, rows first", [rows(2, 3, 2, 2), last(2, 3, 2, 2)], -1],
    ["one", [rows(3)], 0],
  ] satisfies [string, InputSpec[], number][]) {
    operations.check(`concat ${name}`, {
      inputs: tensors,
      build: (...t) => g.concat(t, dimension),
      reference: (...t) => r.concat(t, dimension < 0 ? dimension + t[0]!.shape.length : dimension),
      linear: true,
    });
  }
  operations.check("concat of a tensor with itself", {
    inputs: [[2, 3]],
    build: (x) => g.mul(g.concat([x, x], 0), g.concat([x, g.square(x)], 0)),
    reference: (x) => r.mul(r.concat([x, x], 0), r.concat([x, r.square(x)], 0)),
  });
  for (const dimension of [0, 1, 2]) {
    operations.check(`stack along ${dimension}`, {
      inputs: [rows(2, 3), last(2, 3)],
      build: (a, b) => g.stack([a, b, a], dimension),
      reference: (a, b) => r.stack([a, b, a], dimension),
      linear: true,
    });
  }
});

describe("slice and pad", () => {
  for (const [name, x, dimension, start, end] of [
    ["rows", rows(5, 3), 0, 1, 4],
    ["columns", rows(3, 9), 1, 2, 3],
    ["aligned columns", rows(2, 16), 1, 4, 12],
    ["aligned columns of odd rows", rows(3, 9), 1, 4, 8],
    ["channels", last(2, 6, 2, 2), 1, 1, 4],
    ["aligned channels", last(2, 8, 2, 2), 1, 4, 8],
    ["lines of channels last", last(1, 3, 4, 2), 2, 1, 3],
    ["everything", rows(3, 2), 0, 0, 3],
  ] satisfies [string, InputSpec, number, number, number][]) {
    operations.check(`slice ${name}`, {
      inputs: [x],
      build: (t) => g.slice(t, dimension, start, end),
      reference: (t) => r.slice(t, dimension, start, end),
      linear: true,
    });
  }
  for (const [name, x, dimension, before, after] of [
    ["rows", rows(2, 3), 0, 1, 2],
    ["columns", rows(2, 3), -1, 2, 0],
    ["channels last", last(2, 3, 2, 2), 1, 0, 2],
    ["a vector", rows(1), 0, 3, 1],
  ] satisfies [string, InputSpec, number, number, number][]) {
    operations.check(`pad ${name}`, {
      inputs: [x],
      build: (t) => g.pad(t, dimension, before, after),
      reference: (t) => r.pad(t, dimension < 0 ? dimension + t.shape.length : dimension, before, after),
      linear: true,
    });
  }
  operations.check("overlapping slices", {
    inputs: [[7]],
    build: (x) => g.mul(g.slice(x, 0, 0, 4), g.slice(x, 0, 2, 6)),
    reference: (x) => r.mul(r.slice(x, 0, 0, 4), r.slice(x, 0, 2, 6)),
    second: true,
  });
});

describe("look-ups", () => {
  const index = (shape: number[], list: number[]): InputSpec => ({ shape, dtype: "u32", values: { list } });
  operations.check("gather", {
    inputs: [[5, 3], index([6], [4, 0, 0, 2, 1, 4])],
    build: g.gather,
    reference: r.gather,
    linear: true,
  });
  operations.check("gather, whole vectors, outside the table", {
    inputs: [[3, 8], index([5], [2, 3, 7, 0, 2])],
    build: g.gather,
    reference: r.gather,
    linear: true,
  });
  operations.check("gather from a transposed table", {
    inputs: [last(4, 3), index([3], [1, 3, 1])],
    build: g.gather,
    reference: r.gather,
    linear: true,
  });
  operations.check("gather, second derivative", {
    inputs: [[3, 4], index([4], [1, 1, 0, 2])],
    build: (t, i) => g.square(g.gather(t, i)),
    reference: (t, i) => r.square(r.gather(t, i)),
    second: true,
  });
  const text = [1, 2, 3, 1, 1, 0, 5, 2, 0, 0, 4, 4, 4, 4, 1, 5, 0, 0, 9, 1];
  operations.check("oneHotConv1d", {
    inputs: [index([2, 10], text), [3, 5, 4]],
    build: g.oneHotConv1d,
    reference: r.oneHotConv1d,
    linear: true,
  });
  operations.check("oneHotConv1d, whole vectors, weights in the kernel's order", {
    inputs: [index([2, 10], text), { shape: [4, 5, 3], order: [2, 1, 0] }],
    build: g.oneHotConv1d,
    reference: r.oneHotConv1d,
    linear: true,
  });
  operations.check("oneHotConv1d, one column", {
    inputs: [index([4, 5], text), [1, 5, 5]],
    build: g.oneHotConv1d,
    reference: r.oneHotConv1d,
    linear: true,
  });
  // More than 64 rows: the gradient is summed in parts.
  operations.check("oneHotConv1d, many rows", {
    inputs: [
      index(
        [9, 40],
        Array.from({ length: 360 }, (_, i) => (i * i + 3) % 6),
      ),
      [2, 5, 3],
    ],
    build: g.oneHotConv1d,
    reference: r.oneHotConv1d,
    linear: true,
  });
});

describe("maxPool1d", () => {
  for (const [name, x, kernel, stride] of [
    ["plain", rows(2, 3, 9), 3, 3],
    ["a rest is dropped", last(2, 3, 8), 3, 3],
    ["overlapping windows", last(1, 2, 10), 4, 1],
    ["gaps between windows", rows(1, 2, 11), 2, 3],
    ["one window", rows(2, 1, 4), 4, 4],
    ["windows of one", rows(1, 2, 3), 1, 1],
  ] satisfies [string, InputSpec, number, number][]) {
    operations.check(`maxPool1d ${name}`, {
      inputs: [x],
      build: (t) => g.maxPool1d(t, kernel, stride),
      reference: (t) => r.maxPool1d(t, kernel, stride),
    });
  }
  operations.check("maxPool1d, second derivative", {
    inputs: [[1, 2, 9]],
    build: (x) => g.square(g.maxPool1d(x, 3, 2)),
    reference: (x) => r.square(r.maxPool1d(x, 3, 2)),
    second: true,
  });
});
