/**
 * Storage in halves: every kernel family and variant, once on f32 buffers and once with all its inputs and outputs in f16. The arithmetic is
 * the same f32 arithmetic, so on values that are halves the results must be the f32 results rounded to a half (WGSL grants a store one
 * unit in the last place).
 */
import { afterAll, describe, expect, it } from "vitest";
import { convDataGrad, convForward, type ConvShape, convWeightGrad } from "../../kernels/convolution.js";
import { copyRegions, padRegion } from "../../kernels/copy.js";
import { gather, scatter } from "../../kernels/gather.js";
import { gemmVariants } from "../../kernels/gemm.js";
import type { Epilogue } from "../../kernels/gemm-problem.js";
import { inHalves } from "../../kernels/halves.js";
import { type AdapterTraits, input, type Kernel, type Lowering, output } from "../../kernels/kernel.js";
import { map } from "../../kernels/map.js";
import { matmul } from "../../kernels/matmul.js";
import { moments, MOMENTS_VARIANTS } from "../../kernels/moments.js";
import { maxPoolScatter, maxPoolSelect } from "../../kernels/pool.js";
import { reduce, REDUCE_VARIANTS } from "../../kernels/reduce.js";
import { fromHalf, MOST, rounded, toHalf } from "../half.js";
import { noise } from "../tensor/noise.js";
import { device, run } from "./harness.js";

afterAll(async () => (await device()).destroy());

const { traits, available } = await device().then(({ traits, gpu }) => ({ traits, available: gpu.features.has("shader-f16") }));

/** Runs a lowering both ways; `whole` names inputs that stay as they are (u32). */
async function compare(lowering: Lowering, inputs: readonly Float32Array[], sizes: readonly number[], whole: readonly number[] = []) {
  const values = inputs.map((x, i) => (whole.includes(i) ? x : rounded(x)));
  const expected = await run(lowering, values, sizes);
  const halves = { input: values.map((_, i) => !whole.includes(i)), output: sizes.map(() => true) };
  const results = await run(inHalves(lowering, halves), values, sizes, halves);
  results.forEach((result, o) => {
    const wrong = result.findIndex((x, i) => !(Math.abs(x - rounded(expected[o]!.subarray(i, i + 1))[0]!) <= unit(expected[o]![i]!)));
    const name = lowering.launches.map(({ kernel }) => kernel.name).join();
    expect(wrong, `${name}: element ${wrong} is ${result[wrong]}, not ${expected[o]![wrong]}`).toBe(-1);
  });
}

/** One unit in the last place of a half. */
const unit = (x: number): number => 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(x) || 1e-30))) - 10);

const values = (size: number, seed: string): Float32Array => noise(size, seed, [-2, 2]);
const single = (kernel: Kernel, inputs: number): Lowering => ({
  launches: [{ kernel, slots: [...Array.from({ length: inputs }, (_, i) => input(i)), output(0)] }],
  scratch: [],
});

it("halves of the tests are IEEE's", () => {
  const known: [number, number][] = [[1, 0x3c00], [-2, 0xc000], [MOST, 0x7bff], [1e9, 0x7bff], [2 ** -24, 1], [2 ** -14, 0x400], [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [2047.9, 0x6800]]; // prettier-ignore
  for (const [value, bits] of known) expect(toHalf(value), String(value)).toBe(bits);
  for (let bits = 0; bits < 0x7c00; bits += 7) expect(toHalf(fromHalf(bits))).toBe(bits);
});

describe.skipIf(!available)("as f32, rounded where it is stored", () => {
  const gpu: AdapterTraits = { ...traits, software: false, subgroupSize: 0 };
  const bias: Epilogue = { vectors: 1, body: ([x, b]) => ({ statements: `let both = ${x} + ${b};`, value: "both * 0.5" }) };
  const plain = { batch: 1, aLayout: "mk", bLayout: "kn", aBatched: false, bBatched: false } as const;

  it.each([
    ["whole vectors", { ...plain, m: 20, n: 40, k: 24 }],
    ["odd", { ...plain, m: 19, n: 37, k: 23 }],
    ["a sum of parts", { ...plain, m: 4, n: 8, k: 2048 }],
    ["transposed factors", { ...plain, m: 33, n: 36, k: 20, aLayout: "km", bLayout: "nk" }],
  ] as const)("matmul, %s, with and without an epilogue", async (how, s) => {
    const factors = [values(s.m * s.k, "a"), values(s.k * s.n, "b")];
    const lengths = [s.m * s.n];
    await compare(matmul(s, traits), factors, lengths);
    // Barriers take long to compile on a CPU adapter: once.
    const variants = gemmVariants(traits).filter((variant) => variant !== "tiled" || how === "odd");
    for (const variant of variants) await compare(matmul(s, traits, variant, bias), [...factors, values(s.n, "bias")], lengths);
  });

  it.each([
    ["a factor that is turned first", { ...plain, m: 1030, n: 112, k: 37, bLayout: "nk" }],
    ["a tile of 64, which reads two depths", { ...plain, m: 64, n: 128, k: 36 }],
  ] as const)("matmul of %s on a CPU adapter", async (_, s) => {
    await compare(matmul(s, { ...traits, software: true }), [values(s.m * s.k, "a"), values(s.k * s.n, "b")], [s.m * s.n]);
  });

  const conv = (inChannels: number, outChannels: number, side = 9, batch = 2): ConvShape => ({
    ...{ batch, inChannels, outChannels, inHeight: side, inWidth: side - 1 },
    ...{ outHeight: Math.floor((side - 2) / 2) + 1, outWidth: Math.floor((side - 3) / 2) + 1 },
    ...{ kernelHeight: 4, kernelWidth: 4, strideHeight: 2, strideWidth: 2, paddingHeight: 1, paddingWidth: 1 },
  });
  it.each([
    ["whole vectors", conv(8, 12)],
    ["odd channels", conv(5, 7)],
    ["few channels, folded", conv(3, 16)],
    ["weights turned", conv(32, 8, 17, 2)],
  ])("convolution, %s, all directions", async (how, s) => {
    const x = values(s.batch * s.inHeight * s.inWidth * s.inChannels, "x");
    const w = values(16 * s.inChannels * s.outChannels, "w");
    const dy = values(s.batch * s.outHeight * s.outWidth * s.outChannels, "dy");
    for (const adapter of how === "whole vectors" ? [traits, gpu] : [traits]) {
      await compare(convForward(s, adapter), [x, w], [dy.length]);
      await compare(convDataGrad(s, adapter), [dy, w], [x.length]);
      await compare(convWeightGrad(s, adapter), [x, dy], [w.length]);
    }
  });

  it("maps: flat, of odd length, broadcast along rows, updated in place", async () => {
    const body = ([x, y]: readonly string[]) => ({ statements: `let s = ${x} * ${y};`, value: `s + ${x}` });
    const two = [{ binding: 0, operand: 1 }, { binding: 1, operand: 2 }]; // prettier-ignore
    const problem = { name: "product", loads: two, bindings: 3, result: 2, body };
    for (const count of [64, 1027]) {
      const kernel = map({ ...problem, axes: [{ count, steps: [1, 1, 1] }] });
      await compare(single(kernel, 2), [values(count, "x"), values(count, "y")], [count]);
    }
    for (const [rows, columns] of [
      [9, 12],
      [5, 7],
    ] as const) {
      // prettier-ignore
      const axes = [{ count: rows, steps: [columns, columns, 0] }, { count: columns, steps: [1, 1, 1] }]; // prettier-ignore
      await compare(single(map({ ...problem, axes }), 2), [values(rows * columns, "x"), values(columns, "y")], [rows * columns]);
    }
  });

  it("reductions and moments, both variants", async () => {
    for (const [rows, columns] of [
      [301, 12],
      [3000, 8],
      [40, 7],
    ] as const) {
      // prettier-ignore
      const x = values(rows * columns, "x");
      const across = [{ count: columns, steps: [1] }];
      const down = [{ count: rows, steps: [columns] }];
      const bodies = ([v]: readonly string[]) => ({ statements: `let y = ${v!} * ${v!};`, values: [v!, "y"] });
      const problem = {
        name: "sums",
        combine: "sum",
        scales: [0.01, 0.02],
        loads: [{ binding: 0, operand: 0 }],
        bindings: 1,
        bodies,
      } as const;
      for (const variant of REDUCE_VARIANTS) {
        await compare(reduce({ ...problem, kept: across, reduced: down, rows: false }, traits, variant), [x], [columns, columns]);
        await compare(reduce({ ...problem, kept: down, reduced: across, rows: true }, traits, variant), [x], [rows, rows]);
      }
      for (const variant of MOMENTS_VARIANTS)
        await compare(moments({ kept: across, reduced: down, epsilon: 0.1 }, traits, variant), [x], [columns, columns, columns]);
    }
  });

  it("copies, which move bits", async () => {
    for (const columns of [12, 7]) {
      const region = { shape: [5, columns], from: [columns, 1], to: [2 * columns, 1] };
      await compare(copyRegions("side by side", [region, { ...region, toOffset: columns }], [0, 1]), [values(5 * columns, "l"), values(5 * columns, "r")], [10 * columns]); // prettier-ignore
      const pad = { shape: [8, columns], order: [0, 1], from: [columns, 1], dimension: 0, before: 2, end: 7 };
      await compare(padRegion(pad), [values(5 * columns, "p")], [8 * columns]);
    }
  });

  it("look-ups and maxima", async () => {
    const shape = { batch: 2, length: 9, values: 5, depth: 6, kernel: 3, base: 1 };
    // As bits: the indices are whole numbers.
    const index = new Float32Array(Uint32Array.from({ length: 18 }, (_, i) => i % 6).buffer);
    await compare(gather(shape), [index, values(90, "w")], [84], [0]);
    await compare(scatter(shape), [index, values(84, "g")], [90], [0]);
    const pool = { batch: 2, length: 10, channels: 5, outLength: 4, kernel: 3, stride: 2 };
    await compare(maxPoolSelect(pool, true), [values(100, "x")], [40]);
    await compare(maxPoolScatter(pool), [values(100, "x"), values(40, "g")], [100]);
  });

  it("what is too large for a half is kept as the largest", async () => {
    const kernel = map({
      ...{ name: "scale", axes: [{ count: 8, steps: [1, 1] }], loads: [{ binding: 0, operand: 1 }], bindings: 2, result: 1 },
      body: ([x]) => ({ statements: "", value: `${x} * 1e6` }),
    });
    const halves = { input: [true], output: [true] };
    const x = Float32Array.of(1, -1, 2 ** -10, 0, 2, -3, 0.5, 0.25);
    const [result] = await run(inHalves(single(kernel, 1), halves), [x], [8], halves);
    expect([...result!]).toEqual([MOST, -MOST, 976.5, 0, MOST, -MOST, MOST, MOST]);
  });
});

it("refuses a kernel that does more with a buffer than reading and writing elements", () => {
  const kernel = (body: string): Lowering =>
    single({ name: "odd", code: `@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n${body}`, workgroups: [1, 1, 1] }, 1);
  const halves = { input: [true], output: [] };
  expect(() => inHalves(kernel("fn f() { g(&x); }"), halves)).toThrow("odd: &x is more than an element");
  expect(() => inHalves(single({ name: "none", code: "fn main() {}", workgroups: [1, 1, 1] }, 1), halves)).toThrow("none: binding 0");
});
