/**
 * Products and convolutions, in their three directions, over 2^16 equal or random positive terms, every variant, with the reduction in one
 * part and in several: off by four millionths at most. In one row they would be off by 1e-4 and more.
 */
import { afterAll, expect, it } from "vitest";
import { convDataGrad, convForward, type ConvShape, convWeightGrad } from "../../kernels/convolution.js";
import { gemmVariants } from "../../kernels/gemm.js";
import type { AdapterTraits, Lowering } from "../../kernels/kernel.js";
import { matmul } from "../../kernels/matmul.js";
import { noise } from "../tensor/noise.js";
import { device, run } from "./harness.js";

afterAll(async () => (await device()).destroy());

const TERMS = 2 ** 16;
const MOST = 4e-6;

interface Problem {
  readonly inputs: readonly [number, number];
  readonly output: number;
  lower(traits: AdapterTraits, name?: string): Lowering;
  /** Places of the factors of the terms of one element of the result. */
  terms(element: number): Iterable<readonly [number, number]>;
}

const plain = { batch: 1, aBatched: false, bBatched: false } as const;
const conv: ConvShape = {
  ...{ batch: 4, inHeight: 128, inWidth: 128, inChannels: 4, outHeight: 128, outWidth: 128, outChannels: 4 },
  ...{ kernelHeight: 1, kernelWidth: 1, strideHeight: 1, strideWidth: 1, paddingHeight: 0, paddingWidth: 0 },
};
/** Of which a weight sees 2^16 pixels; of which an output, or an input, sees 4 x 4 x 4096 channels. */
const many: ConvShape = { ...conv, inHeight: 130, kernelHeight: 3 };
const wide: ConvShape = {
  ...{ batch: 1, inHeight: 5, inWidth: 5, inChannels: 4096, outHeight: 2, outWidth: 2, outChannels: 4 },
  ...{ kernelHeight: 4, kernelWidth: 4, strideHeight: 1, strideWidth: 1, paddingHeight: 0, paddingWidth: 0 },
};
const deep: ConvShape = { ...wide, inChannels: 4, outChannels: 4096, inHeight: 8, inWidth: 8, outHeight: 5, outWidth: 5 };

const sizes = (s: ConvShape) => ({
  x: s.batch * s.inHeight * s.inWidth * s.inChannels,
  w: s.kernelHeight * s.kernelWidth * s.inChannels * s.outChannels,
  y: s.batch * s.outHeight * s.outWidth * s.outChannels,
});

const problems: Record<string, Problem> = {
  "a product": {
    inputs: [8 * TERMS, 12 * TERMS],
    output: 96,
    lower: (traits, name) => matmul({ ...plain, m: 8, n: 12, k: TERMS, aLayout: "mk", bLayout: "kn" }, traits, name),
    *terms(element) {
      for (let k = 0; k < TERMS; k++) yield [Math.floor(element / 12) * TERMS + k, k * 12 + (element % 12)];
    },
  },
  "a convolution": {
    inputs: [sizes(wide).x, sizes(wide).w],
    output: sizes(wide).y,
    lower: (traits, name) => convForward(wide, traits, name),
    *terms(element) {
      const { inWidth: W, inChannels: I, outChannels: O } = wide;
      const [y, x] = [Math.floor(element / (2 * O)), Math.floor(element / O) % 2];
      for (let t = 0; t < 16; t++)
        for (let c = 0; c < I; c++) yield [((y + (t >> 2)) * W + x + (t % 4)) * I + c, (t * I + c) * O + (element % O)];
    },
  },
  "a data gradient (its pixels with all taps)": {
    inputs: [sizes(deep).y, sizes(deep).w],
    output: sizes(deep).x,
    lower: (traits, name) => convDataGrad(deep, traits, name),
    *terms(element) {
      const { outWidth: W, inChannels: I, outChannels: O } = deep;
      const [y, x] = [Math.floor(element / (8 * I)), Math.floor(element / I) % 8];
      for (let t = 0; t < 16; t++) {
        const [oy, ox] = [y - (t >> 2), x - (t % 4)];
        if (oy < 0 || ox < 0 || oy >= 5 || ox >= 5) continue;
        for (let o = 0; o < O; o++) yield [(oy * W + ox) * O + o, (t * I + (element % I)) * O + o];
      }
    },
  },
  "a weight gradient": {
    inputs: [sizes(many).x, sizes(many).y],
    output: sizes(many).w,
    lower: (traits, name) => convWeightGrad(many, traits, name),
    *terms(element) {
      const [tap, i, o] = [Math.floor(element / 16), Math.floor(element / 4) % 4, element % 4];
      for (let n = 0; n < 4; n++)
        for (let p = 0; p < 128 * 128; p++) yield [((n * 130 + tap) * 128 + p) * 4 + i, (n * 128 * 128 + p) * 4 + o];
    },
  },
};

it.each(Object.entries(problems))(
  "%s",
  async (_, { inputs, output, lower, terms }) => {
    const { traits } = await device();
    const elements = [0, 5, output >> 1, output - 1];
    for (const kind of ["equal", "random"]) {
      const [a, b] = inputs.map((size, i) => (kind === "equal" ? new Float32Array(size).fill(i ? 0.3 : 0.1) : noise(size, `${i}`, [0, 1])));
      const exact = elements.map((element) => {
        let sum = 0;
        for (const [i, j] of terms(element)) sum += a![i]! * b![j]!;
        return sum;
      });
      const rule = gemmVariants(traits).map((variant) => lower(traits, variant));
      const own = lower(traits).tuning?.candidates.map((name) => lower(traits, name)) ?? [];
      for (const lowering of [...rule, ...own]) {
        const [c] = await run(lowering, [a!, b!], [output]);
        elements.forEach((element, e) => {
          const error = Math.abs(c![element]! / exact[e]! - 1);
          if (!(error <= MOST)) expect.fail(`${kind}, ${lowering.launches.map(({ kernel }) => kernel.name).join(", ")}: off by ${error}`);
        });
      }
    }
  },
  240_000,
);
