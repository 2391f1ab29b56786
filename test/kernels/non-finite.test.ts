/**
 * NaN and infinities below the engine: in every variant of maxima and moments, in the epilogues of every variant of products and convolutions,
 * and in every way of storing halves.
 */
import { afterAll, describe, expect, it } from "vitest";
import { convForward, type ConvShape } from "../../kernels/convolution.js";
import { copyRegions } from "../../kernels/copy.js";
import { gemmVariants } from "../../kernels/gemm.js";
import type { Epilogue } from "../../kernels/gemm-problem.js";
import { inHalves } from "../../kernels/halves.js";
import { type AdapterTraits, input, type Kernel, type Lowering, output } from "../../kernels/kernel.js";
import { map } from "../../kernels/map.js";
import { matmul } from "../../kernels/matmul.js";
import { moments, MOMENTS_VARIANTS } from "../../kernels/moments.js";
import { keepNaN, positivePart } from "../../kernels/non-finite.js";
import { maxPoolScatter, maxPoolSelect } from "../../kernels/pool.js";
import { reduce, type ReduceProblem, REDUCE_VARIANTS } from "../../kernels/reduce.js";
import { noise } from "../tensor/noise.js";
import { device, run } from "./harness.js";

afterAll(async () => (await device()).destroy());

const { traits, available } = await device().then(({ traits, gpu }) => ({ traits, available: gpu.features.has("shader-f16") }));
const gpu: AdapterTraits = { ...traits, software: false, subgroupSize: 0 };

/** NaN of either sign: the sign of one says nothing. */
const NEGATIVE_NAN = new Float32Array(Uint32Array.of(0xffc00001).buffer)[0]!;

const zip = (computed: Float32Array, expected: ArrayLike<number>) => expect([...computed]).toEqual(Array.from(expected));

describe.each(REDUCE_VARIANTS)("maxima, %s", (variant) => {
  const problem = (rows: number, columns: number, along: "rows" | "columns"): ReduceProblem => {
    const [slow, fast] = [{ count: rows, steps: [columns] }, { count: columns, steps: [1] }]; // prettier-ignore
    return {
      ...{ name: "maximum", combine: "max", scales: [1], loads: [{ binding: 0, operand: 0 }], bindings: 1, rows: along === "rows" },
      ...(along === "rows" ? { kept: [slow], reduced: [fast] } : { kept: [fast], reduced: [slow] }),
      bodies: ([x]) => ({ statements: "", values: [x!] }),
    };
  };

  it.each([5, 8, 5000, 5003])("of rows of %i: NaN wherever it is, and infinities", async (length) => {
    const places = [0, 1, 2, 3, Math.floor(length / 2), length - 1];
    const rows = [...places, ...places].map((at, i) => {
      const row = noise(length, `row ${i}`, [-9, -1]);
      row[at] = i < places.length ? NaN : NEGATIVE_NAN;
      return row;
    });
    const all = (value: number) => new Float32Array(length).fill(value);
    const top = noise(length, "top", [-9, -1]).fill(Infinity, 3, 4);
    rows.push(all(-Infinity), all(NaN), all(-3.4e38), top);
    const x = Float32Array.from(rows.flatMap((row) => [...row]));
    const expected = [...places.map(() => NaN), ...places.map(() => NaN), -Infinity, NaN, Math.fround(-3.4e38), Infinity];
    zip((await run(reduce(problem(rows.length, length, "rows"), traits, variant), [x], [rows.length]))[0]!, expected);
    // The same as columns: sixteen, of which four are one vector; and fifteen, which are none.
    for (const columns of [16, 15]) {
      const turned = Float32Array.from({ length: length * columns }, (_, i) => rows[i % columns]![Math.floor(i / columns)]!);
      const [result] = await run(reduce(problem(length, columns, "columns"), traits, variant), [turned], [columns]);
      zip(result!, expected.slice(0, columns));
    }
  });
});

describe.each(MOMENTS_VARIANTS)("moments, %s", (variant) => {
  it.each([
    ["one part", 7],
    ["many parts", 3000],
  ])("%s: NaN and infinities show in the mean, the variance and the deviation of their channel alone", async (_, rows) => {
    for (const columns of [4, 5]) {
      const x = noise(rows * columns, "moments");
      x[2 * columns] = NaN;
      x[(rows - 1) * columns + 1] = Infinity;
      const kept = [{ count: columns, steps: [1] }];
      const reduced = [{ count: rows, steps: [columns] }];
      const results = await run(moments({ kept, reduced, epsilon: 0.1 }, traits, variant), [x], [columns, columns, columns]);
      for (const result of results) expect(result[0]).toBeNaN();
      expect(Number.isFinite(results[0]![1])).toBe(false);
      expect(results[1]![1]).toBeNaN();
      expect(results[2]![1]).toBeNaN();
      for (const result of results) expect(result.subarray(2).every(Number.isFinite)).toBe(true);
    }
  });
});

describe("what a product ends with", () => {
  const relu: Epilogue = {
    vectors: 1,
    body: ([x, bias]) => ({ statements: `  let v = ${x} + ${bias};`, value: positivePart("v") }),
  };
  const tanh: Epilogue = {
    vectors: 0,
    body: ([x]) => ({ statements: `  let v = ${x};`, value: keepNaN("v", "tanh(clamp(v, T(-15), T(15)))") }),
  };
  const single = (kernel: Lowering, halves: boolean, inputs: number) =>
    halves ? inHalves(kernel, { input: new Array<boolean>(inputs).fill(true), output: [true] }) : kernel;

  it.each(gemmVariants(traits))("passes on NaN and infinities: %s", async (variant) => {
    // Barriers take long to compile on a CPU adapter: once.
    const sizes = [[20, 40, 24] as const, [9, 19, 37] as const].slice(variant === "tiled" ? 1 : 0);
    for (const [m, n, k] of sizes) {
      const s = { batch: 1, m, n, k, aLayout: "mk", bLayout: "kn", aBatched: false, bBatched: false } as const;
      const a = noise(m * k, "a", [-1, 1]).map((v) => Math.round(8 * v) / 8);
      const b = new Float32Array(k * n).fill(0.5);
      a[3 * k + 5] = NaN;
      a[4 * k] = Infinity;
      a[5 * k + 1] = -Infinity;
      const bias = new Float32Array(n).fill(0.25);
      bias[6] = NaN;
      for (const half of [...(variant === "tiled" && available ? [] : [false]), ...(available ? [true] : [])]) {
        const lengths = [m * n];
        const inputs = half ? { input: [true, true, true], output: [true] } : undefined;
        const [y] = await run(single(matmul(s, traits, variant, relu), half, 3), [a, b, bias], lengths, inputs);
        for (let row = 0; row < m; row++) {
          for (let column = 0; column < n; column++) {
            const value = y![row * n + column]!;
            const expected = row === 3 || column === 6 ? NaN : row === 4 ? Infinity : row === 5 ? 0 : undefined;
            if (expected === undefined ? !(value >= 0 && value < 99) : !Object.is(value, expected))
              expect.fail(`${m}x${n}x${k}${half ? " f16" : ""}: [${row}, ${column}] is ${value}, not ${expected ?? "finite"}`);
          }
        }
      }
    }
  });

  it("of convolutions, too", async () => {
    const s: ConvShape = {
      ...{ batch: 2, inChannels: 4, outChannels: 8, inHeight: 5, inWidth: 5, outHeight: 3, outWidth: 3 },
      ...{ kernelHeight: 3, kernelWidth: 3, strideHeight: 1, strideWidth: 1, paddingHeight: 0, paddingWidth: 0 },
    };
    const x = noise(2 * 25 * 4, "x");
    const w = noise(9 * 4 * 8, "w");
    // The middle of the second image: in every window of it.
    x[(25 + 12) * 4] = NaN;
    for (const adapter of [traits, gpu]) {
      const [y] = await run(convForward(s, adapter, undefined, tanh), [x, w], [2 * 9 * 8]);
      expect(y!.subarray(0, 72).every(Number.isFinite)).toBe(true);
      expect(y!.subarray(72).every(Number.isNaN)).toBe(true);
    }
  });
});

it("max pooling: the last NaN of a window is chosen, and gets its gradient", async () => {
  const pool = { batch: 1, length: 6, channels: 1, outLength: 2, kernel: 3, stride: 3 };
  const x = Float32Array.of(5, NaN, 9, NEGATIVE_NAN, NaN, Infinity);
  const v = Float32Array.of(1, 2, 3, 4, 5, 6);
  zip((await run(maxPoolSelect(pool, true), [x], [2]))[0]!, [NaN, NaN]);
  zip((await run(maxPoolSelect(pool, false), [x, v], [2]))[0]!, [2, 5]);
  zip((await run(maxPoolScatter(pool), [x, Float32Array.of(7, 8)], [6]))[0]!, [0, 7, 0, 0, 8, 0]);
  const low = new Float32Array(6).fill(-Infinity);
  zip((await run(maxPoolSelect(pool, false), [low, v], [2]))[0]!, [1, 4]);
});

describe.skipIf(!available)("halves", () => {
  const values = [NaN, NEGATIVE_NAN, Infinity, -Infinity, 1e6, -1e6, 3.4e38, 0.5];
  const stored = [NaN, NaN, Infinity, -Infinity, 65504, -65504, 65504, 0.5];
  const single = (kernel: Kernel): Lowering => ({ launches: [{ kernel, slots: [input(0), output(0)] }], scratch: [] });
  const mixed = { input: [false], output: [true] };

  it("stored one by one, in twos and in fours: NaN and infinities stay, finite numbers saturate; and read back", async () => {
    for (const [type, size] of [
      ["f32", 1],
      ["vec2f", 2],
      ["vec4f", 4],
      ["u32", 1],
      ["vec4u", 4],
    ] as const) {
      const buffer = (at: number, name: string) => `@group(0) @binding(${at}) var<storage, read_write> ${name}: array<${type}>;`;
      const code = `${buffer(0, "x")}\n${buffer(1, "y")}
@compute @workgroup_size(8) fn main(@builtin(local_invocation_index) i: u32) { if (i < ${8 / size}u) { y[i] = x[i]; } }`;
      const kernel = { name: `store ${type}`, code, workgroups: [1, 1, 1] as const };
      const [result] = await run(inHalves(single(kernel), mixed), [Float32Array.from(values)], [8], mixed);
      expect([...result!], type).toEqual(stored);
    }
    // From halves to f32.
    const body = ([x]: readonly string[]) => ({ statements: "", value: `${x} * 2.0` });
    const kernel = map({ name: "double", axes: [{ count: 8, steps: [1, 1] }], loads: [{ binding: 0, operand: 1 }], bindings: 2, result: 1, body }); // prettier-ignore
    const back = { input: [true], output: [false] };
    const given = Float32Array.of(NaN, Infinity, -Infinity, 65504, -1, 0, 2, 3);
    const [read] = await run(inHalves(single(kernel), back), [given], [8], back);
    zip(read!, given.map((x) => 2 * x));
  }); // prettier-ignore

  it("copied as bits", async () => {
    const region = { shape: [8], from: [1], to: [1] };
    const [result] = await run(inHalves(copyRegions("copy", [region], [0]), mixed), [Float32Array.from(values)], [8], mixed);
    zip(result!, stored);
  });
});
