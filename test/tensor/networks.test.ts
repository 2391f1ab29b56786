/** Batch norm, losses and recurrent cells: compositions, and derivatives written by hand. */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { batchNorm, batchNormInference } from "../../src/tensor/batch-norm.js";
import { bceWithLogits, infoNce, jointEmbeddingHinge, mse, normalizeRows } from "../../src/tensor/losses.js";
import { gruCell, lstmCell, rnnCell } from "../../src/tensor/recurrent.js";
import * as r from "../reference/index.js";
import { type InputSpec, Operations } from "./check.js";

const operations = new Operations();

describe("batchNorm", () => {
  // A normalised value is a difference over a deviation: both of numbers up to 3 with 2^-24 each, and inverseSqrt has 2 ulp.
  const bounds = { units: 64, absolute: 2 ** -19 };
  for (const [name, x, second] of [
    ["a matrix", { shape: [6, 3] }, true],
    ["images", { shape: [3, 4, 2, 3] }, false],
    ["images, channels last", { shape: [3, 4, 2, 2], order: [0, 2, 3, 1] }, false],
    ["three channels last", { shape: [2, 3, 3, 3], order: [0, 2, 3, 1] }, true],
    ["one channel", { shape: [5, 1] }, false],
    // PyTorch's BatchNorm1d of sequences and BatchNorm3d of volumes: the channels stand second, whatever the rank.
    ["sequences", { shape: [3, 4, 5] }, true],
    ["sequences, channels last", { shape: [3, 4, 5], order: [0, 2, 1] }, false],
    ["volumes", { shape: [2, 3, 2, 3, 2] }, false],
  ] satisfies [string, InputSpec, boolean][]) {
    const channels = x.shape[1]!;
    operations.check(`batchNorm of ${name}`, {
      inputs: [x, { shape: [channels], values: [0.5, 1.5] }, [channels]],
      build: (t, w, b) => batchNorm(t, w, b).y,
      reference: (t, w, b) => r.batchNorm(t, w, b, 1e-5),
      ...bounds,
      second,
    });
  }
  for (const [name, shape, order] of [
    ["of a matrix", [2, 5, 3], [0, 1, 2]],
    ["of images, channels last", [2, 3, 3, 2, 2], [0, 1, 3, 4, 2]],
  ] satisfies [string, number[], number[]][]) {
    operations.check(`batchNorm by passes, each by itself, ${name}`, {
      inputs: [{ shape, order }, { shape: [3], values: [0.5, 1.5] }, [3]],
      build: (t, w, b) => batchNorm(t, w, b, 1e-5, { passes: true }).y,
      reference: (t, w, b) => {
        const size = t.data.length / 2;
        const passes = [0, 1].map((p) => r.batchNorm(r.ndarray(shape.slice(1), t.data.slice(p * size, (p + 1) * size)), w, b, 1e-5));
        return r.ndarray(shape, [...passes[0]!.data, ...passes[1]!.data]);
      },
      ...bounds,
      second: shape.length === 3,
    });
  }
  operations.check("batchNormInference of sequences", {
    inputs: [{ shape: [2, 3, 4] }, [3], [3], [3], { shape: [3], values: [0.5, 2] }],
    build: (x, w, b, m, v) => batchNormInference(x, w, b, m, v),
    reference: (x, w, b, m, v) => r.normalize(x, w, b, m, v, 1e-5),
    units: 32,
  });
  operations.check("batchNormInference by passes", {
    inputs: [{ shape: [2, 4, 3] }, [3], [3], [3], { shape: [3], values: [0.5, 2] }],
    build: (x, w, b, m, v) => batchNormInference(x, w, b, m, v, 1e-5, { passes: true }),
    reference: (x, w, b, m, v) => {
      const { data } = r.normalize(r.ndarray([8, 3], x.data), w, b, m, v, 1e-5);
      return r.ndarray([2, 4, 3], data);
    },
    units: 32,
  });
  operations.check("batch mean", {
    inputs: [[4, 3, 2, 2]],
    build: (x) => batchNorm(x, g.full([3], 1), g.full([3], 0)).mean,
    reference: r.batchMean,
  });
  operations.check("unbiased batch variance", {
    inputs: [[4, 3, 2, 2]],
    build: (x) => batchNorm(x, g.full([3], 1), g.full([3], 0)).variance,
    reference: (x) => r.batchVariance(x, true),
    units: 16,
  });
  operations.check("batchNormInference", {
    inputs: [{ shape: [2, 3, 2, 2] }, [3], [3], [3], { shape: [3], values: [0.5, 2] }],
    build: (x, w, b, m, v) => batchNormInference(x, w, b, m, v),
    reference: (x, w, b, m, v) => r.normalize(x, w, b, m, v, 1e-5),
    units: 32,
  });
  // Deviation 1 around 1000: the naive E x² − (E x)² would lose everything but a few bits.
  operations.check("batchNorm far from zero", {
    inputs: [{ shape: [8, 2], values: [999, 1001] }, { shape: [2], values: [0.5, 1.5] }, [2]],
    build: (x, w, b) => batchNorm(x, w, b).y,
    reference: (x, w, b) => r.batchNorm(x, w, b, 1e-5),
    // The mean itself is rounded to 2^-24 · 1000, which is 2^-13 deviations.
    ...{ units: 16, absolute: 2 ** -12 },
  });
  it("refuses one value a channel", () => {
    expect(() => batchNorm(g.input("x", [1, 3]), g.full([3], 1), g.full([3], 0))).toThrow(/batchNorm: x\[1, 3\] has one value a channel/);
    expect(() => batchNorm(g.input("x", [2, 3]), g.full([2], 1), g.full([3], 0))).toThrow(g.ShapeError);
  });
});

describe("losses", () => {
  const smooth = { units: 64, absolute: 2 ** -19 };
  operations.check("bceWithLogits, weights for rows", {
    inputs: [
      { shape: [7], values: [-4, 4] },
      { shape: [7], values: [0, 1], fixed: true },
      { shape: [7], values: [0, 2], fixed: true },
    ],
    build: bceWithLogits,
    reference: r.bceWithLogits,
    ...smooth,
    second: true,
  });
  operations.check("bceWithLogits, one target for all", {
    inputs: [{ shape: [5, 1], values: [-4, 4] }],
    build: (x) => bceWithLogits(x, 0.9),
    reference: (x) => r.bceWithLogits(x, r.ndarray([], [Math.fround(0.9)])),
    ...smooth,
  });
  operations.check("mse", {
    inputs: [
      [3, 4],
      [3, 4],
    ],
    build: mse,
    reference: r.mse,
    second: true,
  });
  operations.check("normalizeRows", {
    inputs: [[3, 5]],
    build: normalizeRows,
    reference: (x) => r.div(x, r.sqrt(r.sum(r.square(x), [1], true))),
    units: 32,
    second: true,
  });
  for (const symmetric of [true, false]) {
    operations.check(`jointEmbeddingHinge${symmetric ? "" : ", one-sided"}`, {
      inputs: [
        [5, 4],
        [5, 4],
      ],
      build: (a, b) => jointEmbeddingHinge(a, b, { symmetric, margin: 0.75 }),
      reference: (a, b) => r.jointEmbeddingHinge(a, b, symmetric, 0.75),
      absolute: 2 ** -21,
    });
    operations.check(`jointEmbeddingHinge of the worst${symmetric ? "" : ", one-sided"}`, {
      inputs: [
        [5, 4],
        [5, 4],
      ],
      build: (a, b) => jointEmbeddingHinge(a, b, { symmetric, margin: 0.75, others: "max" }),
      reference: (a, b) => r.worstHinge(a, b, symmetric, 0.75),
      absolute: 2 ** -21,
    });
  }
  operations.check("infoNce", {
    inputs: [[5, 4], [5, 4], { shape: [1], values: [2, 5] }],
    build: (a, b, s) => infoNce(a, b, s),
    reference: r.infoNce,
    ...{ units: 128, absolute: 2 ** -18 },
  });
});

describe("recurrent cells", () => {
  operations.check("rnnCell", {
    inputs: [[3, 5], [3, 5], [5, 5], [5]],
    build: (a, h, weight, bias) => rnnCell(a, h, { weight, bias }),
    reference: r.rnnCell,
    units: 8,
  });
  operations.check("gruCell", {
    inputs: [[2, 4], [2, 4], [2, 4], [2, 4], [4, 4], [4], [4, 4], [4], [4, 4], [4]],
    build: (...t) => {
      const [update, reset, candidate, h, wu, bu, wr, br, wc, bc] = t as [
        g.Tensor,
        g.Tensor,
        g.Tensor,
        g.Tensor,
        g.Tensor,
        g.Tensor,
        g.Tensor,
        g.Tensor,
        g.Tensor,
        g.Tensor,
      ];
      const hidden = { update: { weight: wu, bias: bu }, reset: { weight: wr, bias: br }, candidate: { weight: wc, bias: bc } };
      return gruCell({ update, reset, candidate }, h, hidden);
    },
    reference: r.gruCell,
    ...{ units: 64, absolute: 2 ** -18 },
  });
  operations.check("lstmCell", {
    inputs: [[2, 12], [2, 3], [2, 3], [12, 3], [12]],
    build: (a, h, c, weight, bias) => {
      const state = lstmCell(a, { h, c }, { weight, bias });
      return g.concat([state.h, state.c], 1);
    },
    reference: r.lstmCell,
    ...{ units: 64, absolute: 2 ** -18 },
  });
  const nothing = r.ndarray([2, 3], new Float64Array(6));
  operations.check("lstmCell from nothing", {
    inputs: [[2, 12], [12]],
    build: (a, bias) => {
      const state = lstmCell(a, undefined, { weight: g.full([12, 3], 1), bias });
      return g.concat([state.h, state.c], 1);
    },
    reference: (a, bias) => r.lstmCell(a, nothing, nothing, r.ndarray([12, 3], new Float64Array(36).fill(1)), bias),
    ...{ units: 64, absolute: 2 ** -18 },
  });
});
