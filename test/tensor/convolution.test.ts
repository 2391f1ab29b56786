/**
 * Convolutions: result and both gradients over strides, paddings, kernels and memory orders; adjoint identities at larger sizes. Few
 * geometries, most of them shared by a convolution and its transpose, as a GEMM kernel takes long to compile: test/kernels/gemm.test.ts
 * has the kernels at many.
 */
import { beforeAll, describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { device } from "../device.js";
import * as r from "../reference/index.js";
import { type InputSpec, Operations } from "./check.js";
import { noise } from "./noise.js";

const operations = new Operations();

interface Geometry {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly stride?: number | readonly [number, number];
  readonly padding?: number | readonly [number, number];
  readonly outputPadding?: number | readonly [number, number];
  readonly bias?: boolean;
  readonly last?: boolean;
  readonly second?: boolean;
}

const pair = (v: number | readonly [number, number] = 0): readonly [number, number] => (typeof v === "number" ? [v, v] : v);
const inputs = ({ x, w, bias, last }: Geometry, outChannels: number): InputSpec[] => [
  { shape: x, ...(last && { order: [0, 2, 3, 1] }) },
  { shape: w, ...(last && { order: [2, 3, 1, 0] }) },
  ...(bias ? [{ shape: [outChannels] }] : []),
];

describe("conv2d", () => {
  const cases: Record<string, Geometry> = {
    "4x4, stride 2": { x: [2, 3, 8, 8], w: [4, 3, 4, 4], stride: 2, padding: 1, second: true },
    "stride 3 leaves a rest": { x: [1, 2, 9, 10], w: [2, 2, 2, 3], stride: 3 },
    "1x1": { x: [2, 5, 3, 3], w: [4, 5, 1, 1], bias: true },
    "the whole image": { x: [3, 4, 4, 4], w: [1, 4, 4, 4], last: true },
    "one pixel": { x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
    "different axes": { x: [1, 3, 6, 7], w: [2, 3, 3, 2], stride: [1, 2], padding: [2, 0], bias: true },
  };
  for (const [name, c] of Object.entries(cases)) {
    const [stride, padding] = [pair(c.stride ?? 1), pair(c.padding)];
    operations.check(`conv2d ${name}`, {
      inputs: inputs(c, c.w[0]!),
      build: (x, w, bias) => g.conv2d(x, w, { stride: c.stride ?? 1, padding: c.padding ?? 0, ...(bias && { bias }) }),
      reference: (x, w, bias) => r.conv2d(x, w, stride, padding, bias),
      ...{ linear: true, second: c.second ?? false },
    });
  }
  operations.check("conv2d of an image with itself", {
    inputs: [[2, 2, 3, 3]],
    build: (x) => g.conv2d(x, x, { padding: 1 }),
    reference: (x) => r.conv2d(x, x, [1, 1], [1, 1]),
    second: true,
  });
});

describe("convTranspose2d", () => {
  const cases: Record<string, Geometry> = {
    "4x4, stride 2, channels last": { x: [2, 4, 4, 4], w: [4, 3, 4, 4], stride: 2, padding: 1, last: true, second: true },
    "from one pixel": { x: [3, 5, 1, 1], w: [5, 4, 4, 4] },
    "3x3, stride 2, output padding": { x: [1, 2, 3, 4], w: [2, 3, 3, 3], stride: 2, padding: 1, outputPadding: 1, bias: true },
    "kernel smaller than stride": { x: [1, 2, 3, 3], w: [2, 2, 2, 3], stride: 3, outputPadding: [1, 1] },
    "different axes": { x: [1, 2, 8, 3], w: [2, 3, 3, 2], stride: [1, 2], padding: [2, 0], outputPadding: [0, 1], bias: true },
    "one pixel": { x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
  };
  for (const [name, c] of Object.entries(cases)) {
    const [stride, padding, extra] = [pair(c.stride ?? 1), pair(c.padding), pair(c.outputPadding)];
    operations.check(`convTranspose2d ${name}`, {
      inputs: inputs(c, c.w[1]!),
      build: (x, w, bias) =>
        g.convTranspose2d(x, w, {
          stride: c.stride ?? 1,
          padding: c.padding ?? 0,
          outputPadding: c.outputPadding ?? 0,
          ...(bias && { bias }),
        }),
      reference: (x, w, bias) => r.convTranspose2d(x, w, stride, padding, extra, bias),
      ...{ linear: true, second: c.second ?? false },
    });
  }
});

describe("conv1d", () => {
  for (const [name, x, w, stride, padding, bias] of [
    ["stride and padding", { shape: [2, 3, 10] }, [2, 3, 4], 2, 2, true],
    ["whole", { shape: [2, 3, 5] }, [2, 3, 5], 1, 0, false],
  ] satisfies [string, InputSpec, number[], number, number, boolean][]) {
    operations.check(`conv1d ${name}`, {
      inputs: [x, { shape: w }, ...(bias ? [{ shape: [w[0]!] }] : [])],
      build: (t, v, b) => g.conv1d(t, v, { stride, padding, ...(b && { bias: b }) }),
      reference: (t, v, b) => r.conv1d(t, v, stride, padding, b),
      linear: true,
    });
  }
});

/**
 * <A x, y> = <x, Aᵀ y>: each side a float64 sum of float32 results. Rounding errors of results are independent, each of about
 * (√K + 4) 2^-24 of its own sum of magnitudes; a bound on both inner products is that times Σ |A||x||y|, which for random signs is far
 * larger than the product itself: what the test sees is a wrong, missing or misplaced term, not a rounding error.
 */
describe("adjoint identities", () => {
  const images: Record<string, Geometry> = {
    "discriminator's first": { x: [4, 3, 64, 64], w: [32, 3, 4, 4], stride: 2, padding: 1 },
    "bottleneck 1x1": { x: [5, 37, 13, 13], w: [51, 37, 1, 1] },
    "whole 4x4": { x: [16, 130, 4, 4], w: [3, 130, 4, 4] },
    "large odd": { x: [2, 19, 45, 31], w: [23, 19, 5, 3], stride: [3, 2], padding: [2, 1] },
  };
  let results: Record<string, Float32Array>;
  let given: Record<string, Float32Array>;
  const products = [
    [257, 131, 93],
    [64, 1000, 3],
    [1, 4099, 65],
  ] as const;
  const outOf = (c: Geometry) =>
    [0, 1].map((i) => Math.floor((c.x[2 + i]! + 2 * pair(c.padding)[i]! - c.w[2 + i]!) / pair(c.stride ?? 1)[i]!) + 1) as [number, number];

  beforeAll(async () => {
    given = {};
    const random = (name: string, shape: readonly number[]): Tensor => {
      given[name] = noise(r.sizeOf(shape), name);
      return g.input(name, shape);
    };
    const program = await g.compile(await device(), () => {
      const outputs: Record<string, Tensor> = {};
      for (const [name, c] of Object.entries(images)) {
        const [stride, padding, out] = [c.stride ?? 1, c.padding ?? 0, outOf(c)];
        const x = random(`${name} x`, c.x);
        const w = random(`${name} w`, c.w);
        const y = random(`${name} y`, [c.x[0]!, c.w[0]!, ...out]);
        const Ax = g.conv2d(x, w, { stride, padding });
        const [dx, dw] = g.grad(Ax, [x, w], y) as [Tensor, Tensor];
        outputs[`${name} Ax`] = Ax;
        outputs[`${name} dx`] = dx;
        outputs[`${name} dw`] = dw;
        const extra = [0, 1].map((i) => c.x[2 + i]! + 2 * pair(padding)[i]! - c.w[2 + i]! - (out[i]! - 1) * pair(stride)[i]!) as [
          number,
          number,
        ];
        outputs[`${name} transposed`] = g.convTranspose2d(y, w, { stride, padding, outputPadding: extra });
      }
      for (const [n, k, m] of products) {
        const name = `linear ${n} ${k} ${m}`;
        const [x, w, y] = [random(`${name} x`, [n, k]), random(`${name} w`, [m, k]), random(`${name} y`, [n, m])];
        const Ax = g.linear(x, w);
        const [dx, dw] = g.grad(Ax, [x, w], y) as [Tensor, Tensor];
        Object.assign(outputs, { [`${name} Ax`]: Ax, [`${name} dx`]: dx, [`${name} dw`]: dw });
      }
      return outputs;
    });
    results = await program.run(given);
  }, 600_000);

  const dot = (a: Float32Array, b: Float32Array) => {
    expect(a.length).toBe(b.length);
    return a.reduce((total, v, i) => total + v * b[i]!, 0);
  };
  const norm = (a: Float32Array) => Math.sqrt(dot(a, a));

  const holds = (name: string, terms: number) => {
    const [x, w, y] = [given[`${name} x`]!, given[`${name} w`]!, given[`${name} y`]!];
    const left = dot(results[`${name} Ax`]!, y);
    // Independent errors of |y| results, each sqrt(terms) times the size of a term times (√terms + 4) roundings.
    const bound = 4 * (Math.sqrt(terms) + 4) * 2 ** -24 * norm(results[`${name} Ax`]!) * norm(y);
    expect(Math.abs(left - dot(x, results[`${name} dx`]!)), "data gradient").toBeLessThan(bound);
    expect(Math.abs(left - dot(w, results[`${name} dw`]!)), "weight gradient").toBeLessThan(bound);
    // The identity says something: the product is no rounding error itself.
    expect(Math.abs(left)).toBeGreaterThan(bound);
  };

  for (const [name, { x, w }] of Object.entries(images)) {
    it(`conv2d and convTranspose2d, ${name}`, () => {
      holds(name, w[1]! * w[2]! * w[3]!);
      expect(results[`${name} transposed`]).toEqual(results[`${name} dx`]);
      expect(results[`${name} dx`]!.length).toBe(r.sizeOf(x));
    });
  }
  for (const [n, k, m] of products) it(`linear ${n} ${k} ${m}`, () => holds(`linear ${n} ${k} ${m}`, k));
});
