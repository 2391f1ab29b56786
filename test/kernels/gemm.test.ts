/**
 * matmul and the convolutions, every variant against float64 sums written from the definitions, within the error bound of a float32
 * sum of K products: 4 (sqrt(K) + 4) 2^-24 sum |a_i b_i|.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convDataGrad, convForward, type ConvShape, convWeightGrad } from "../../kernels/convolution.js";
import { gemmVariants } from "../../kernels/gemm.js";
import type { Epilogue } from "../../kernels/gemm-problem.js";
import type { AdapterTraits, Lowering } from "../../kernels/kernel.js";
import { matmul, type MatmulShape } from "../../kernels/matmul.js";
import type { Device } from "../../src/gpu/device.js";
import { device, run } from "./harness.js";

let opened: Device;
beforeAll(async () => {
  opened = await device();
});
afterAll(() => opened.destroy());

/** Sums in float64 with the sum of magnitudes beside each. */
class Reference {
  readonly value: Float64Array;
  readonly magnitude: Float64Array;
  readonly terms: Float64Array;
  constructor(size: number) {
    this.value = new Float64Array(size);
    this.magnitude = new Float64Array(size);
    this.terms = new Float64Array(size);
  }
  add(at: number, x: number, y: number): void {
    this.value[at]! += x * y;
    this.magnitude[at]! += Math.abs(x * y);
    this.terms[at]! += 1;
  }
  expectNear(result: Float32Array, label: string): void {
    expect(result.length, label).toBe(this.value.length);
    let worst = { at: -1, ratio: 1 };
    for (let i = 0; i < result.length; i++) {
      const bound = 4 * (Math.sqrt(this.terms[i]!) + 4) * 2 ** -24 * this.magnitude[i]!;
      const error = Math.abs(result[i]! - this.value[i]!);
      const ratio = error === 0 ? 0 : error / bound;
      if (!(ratio <= worst.ratio)) worst = { at: i, ratio };
    }
    const { at } = worst;
    expect(at === -1, `${label}: element ${at} is ${result[at]}, should be ${this.value[at]}`).toBe(true);
  }
}

/** Reproducible values in [-1, 1), a different sequence for each seed (a linear congruential generator is enough here). */
function noise(size: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function matmulReference(s: MatmulShape, a: Float32Array, b: Float32Array): Reference {
  const out = new Reference(s.batch * s.m * s.n);
  for (let z = 0; z < s.batch; z++)
    for (let i = 0; i < s.m; i++)
      for (let j = 0; j < s.n; j++)
        for (let k = 0; k < s.k; k++) {
          const x = a[(s.aBatched ? z * s.m * s.k : 0) + (s.aLayout === "mk" ? i * s.k + k : k * s.m + i)]!;
          const y = b[(s.bBatched ? z * s.n * s.k : 0) + (s.bLayout === "kn" ? k * s.n + j : j * s.k + k)]!;
          out.add((z * s.m + i) * s.n + j, x, y);
        }
  return out;
}

/** Calls `visit` for every product of the convolution: indices into x, w and y. */
function visitConv(s: ConvShape, visit: (x: number, w: number, y: number) => void): void {
  for (let n = 0; n < s.batch; n++)
    for (let oh = 0; oh < s.outHeight; oh++)
      for (let ow = 0; ow < s.outWidth; ow++)
        for (let kh = 0; kh < s.kernelHeight; kh++)
          for (let kw = 0; kw < s.kernelWidth; kw++) {
            const ih = oh * s.strideHeight + kh - s.paddingHeight;
            const iw = ow * s.strideWidth + kw - s.paddingWidth;
            if (ih < 0 || ih >= s.inHeight || iw < 0 || iw >= s.inWidth) continue;
            const x = ((n * s.inHeight + ih) * s.inWidth + iw) * s.inChannels;
            const y = ((n * s.outHeight + oh) * s.outWidth + ow) * s.outChannels;
            for (let ic = 0; ic < s.inChannels; ic++) {
              const w = ((kh * s.kernelWidth + kw) * s.inChannels + ic) * s.outChannels;
              for (let oc = 0; oc < s.outChannels; oc++) visit(x + ic, w + oc, y + oc);
            }
          }
}

const sizes = (s: ConvShape) => ({
  x: s.batch * s.inHeight * s.inWidth * s.inChannels,
  w: s.kernelHeight * s.kernelWidth * s.inChannels * s.outChannels,
  y: s.batch * s.outHeight * s.outWidth * s.outChannels,
});

function convReferences(s: ConvShape, x: Float32Array, w: Float32Array, dy: Float32Array) {
  const size = sizes(s);
  const [forward, dataGrad, weightGrad] = [new Reference(size.y), new Reference(size.x), new Reference(size.w)];
  visitConv(s, (i, j, k) => {
    forward.add(k, x[i]!, w[j]!);
    dataGrad.add(i, w[j]!, dy[k]!);
    weightGrad.add(j, x[i]!, dy[k]!);
  });
  return { forward, dataGrad, weightGrad };
}

/** A square convolution; output size as PyTorch defines it. */
function conv(
  batch: number,
  size: number,
  inChannels: number,
  outChannels: number,
  kernel: number,
  stride: number,
  padding: number,
): ConvShape {
  const out = Math.floor((size + 2 * padding - kernel) / stride) + 1;
  return {
    batch,
    inHeight: size,
    inWidth: size,
    inChannels,
    outHeight: out,
    outWidth: out,
    outChannels,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: stride,
    strideWidth: stride,
    paddingHeight: padding,
    paddingWidth: padding,
  };
}

const plain = { batch: 1, aLayout: "mk", bLayout: "kn", aBatched: false, bBatched: false } as const;
const MATMULS: MatmulShape[] = [
  { ...plain, m: 1, n: 1, k: 1 },
  { ...plain, m: 64, n: 64, k: 64 },
  { ...plain, m: 200, n: 132, k: 96 },
  { ...plain, m: 7, n: 5, k: 13 },
  { ...plain, m: 130, n: 3, k: 36 },
  { ...plain, m: 3, n: 130, k: 36, bLayout: "nk" },
  { ...plain, m: 5, n: 1, k: 1030 },
  { ...plain, m: 16, n: 8, k: 2048, aLayout: "km" },
  { ...plain, m: 36, n: 68, k: 20, aLayout: "km", bLayout: "nk" },
  { ...plain, m: 33, n: 31, k: 29, aLayout: "km", bLayout: "nk" },
  { ...plain, m: 48, n: 40, k: 1026, aLayout: "km" },
  { batch: 3, m: 20, n: 12, k: 8, aLayout: "mk", bLayout: "kn", aBatched: true, bBatched: true },
  { batch: 3, m: 9, n: 11, k: 7, aLayout: "km", bLayout: "nk", aBatched: true, bBatched: true },
  { batch: 2, m: 20, n: 12, k: 8, aLayout: "mk", bLayout: "nk", aBatched: true, bBatched: false },
  { batch: 2, m: 17, n: 12, k: 8, aLayout: "km", bLayout: "kn", aBatched: true, bBatched: false },
  { batch: 2, m: 20, n: 10, k: 8, aLayout: "mk", bLayout: "kn", aBatched: false, bBatched: true },
];

const CONVOLUTIONS: [string, ConvShape][] = [
  ["a layer of the discriminator", conv(2, 16, 16, 32, 4, 2, 1)],
  ["image channels in", conv(2, 16, 3, 20, 4, 2, 1)],
  ["image channels and wide out", conv(1, 8, 3, 64, 4, 2, 1)],
  ["odd channels", conv(2, 7, 5, 7, 3, 1, 1)],
  ["one channel", conv(1, 6, 1, 1, 3, 1, 1)],
  ["residual 3x3", conv(3, 4, 16, 24, 3, 1, 1)],
  ["1x1", conv(2, 4, 36, 20, 1, 1, 0)],
  ["1x1 with a stride", conv(2, 5, 8, 12, 1, 2, 0)],
  ["whole input in one kernel", conv(5, 4, 12, 1, 4, 1, 0)],
  ["stride that leaves a remainder", conv(2, 9, 8, 4, 4, 2, 1)],
  ["stride that leaves a remainder, many channels in", conv(1, 5, 40, 4, 3, 2, 0)],
  ["weights turned for the data gradient", conv(6, 8, 36, 8, 4, 2, 1)],
  ["weights turned, odd channels", conv(8, 4, 33, 5, 3, 1, 1)],
  ["stride 3 kernel 4", conv(1, 11, 4, 8, 4, 3, 2)],
  ["stride larger than the kernel", conv(1, 10, 4, 4, 2, 3, 0)],
  ["padding wider than needed", conv(1, 3, 4, 4, 3, 2, 2)],
  ["1-D, height 1", { ...conv(2, 1, 12, 16, 1, 1, 0), inWidth: 21, outWidth: 18, kernelWidth: 4 }],
  [
    "unequal axes",
    {
      batch: 2,
      inHeight: 6,
      inWidth: 9,
      inChannels: 4,
      outHeight: 4,
      outWidth: 5,
      outChannels: 12,
      kernelHeight: 3,
      kernelWidth: 2,
      strideHeight: 1,
      strideWidth: 2,
      paddingHeight: 0,
      paddingWidth: 1,
    },
  ],
];

/** Every variant that this adapter runs; `tiled` only every other time on a CPU adapter, where barriers take long to compile. */
function eachVariant(check: (traits: AdapterTraits, variant: string) => Promise<void>): Promise<unknown> {
  const skip = opened.traits.software && turn++ % 2 === 1 ? "tiled" : "";
  const variants = gemmVariants(opened.traits).filter((variant) => variant !== skip);
  return Promise.all(variants.map((variant) => check(opened.traits, variant)));
}
let turn = 0;

describe("matmul", () => {
  it.each(MATMULS.map((s) => [`${s.batch}x${s.m}x${s.n}x${s.k} ${s.aLayout} ${s.bLayout} ${s.aBatched} ${s.bBatched}`, s] as const))(
    "%s",
    async (label, s) => {
      const a = noise((s.aBatched ? s.batch : 1) * s.m * s.k, 1);
      const b = noise((s.bBatched ? s.batch : 1) * s.n * s.k, 2);
      const reference = matmulReference(s, a, b);
      await eachVariant(async (traits, variant) => {
        const [c] = await run(matmul(s, traits, variant), [a, b], [reference.value.length]);
        reference.expectNear(c!, `${label} ${variant}`);
      });
    },
  );
});

/** What CPU adapters turn first: a whose rows of 1024 share places of the cache, b where both factors lie along the depth. */
describe("matmul of factors that are turned first", () => {
  const batched = { batch: 2, aLayout: "mk", bLayout: "kn", aBatched: true, bBatched: true } as const;
  it.each([
    ["b", 1, { ...plain, m: 1030, n: 112, k: 37, bLayout: "nk" }],
    ["a", 1, { ...plain, m: 20, n: 260, k: 1024 }],
    ["both", 2, { ...plain, m: 256, n: 256, k: 1024, bLayout: "nk" }],
    ["a of each entry of a batch", 1, { ...batched, m: 16, n: 256, k: 1024 }],
    ["b of each entry of a batch", 1, { ...batched, m: 300, n: 40, k: 356, bLayout: "nk" }],
    ["b for the rows of a whole batch", 1, { ...batched, m: 130, n: 132, k: 124, bLayout: "nk", bBatched: false }],
    ["neither, of odd sizes", 0, { ...plain, m: 257, n: 257, k: 1024, bLayout: "nk" }],
    ["neither, of a small product", 0, { ...plain, m: 256, n: 20, k: 36, bLayout: "nk" }],
  ] as [string, number, MatmulShape][])("%s", async (what, count, s) => {
    const [a, b] = [noise((s.aBatched ? s.batch : 1) * s.m * s.k, 1), noise((s.bBatched ? s.batch : 1) * s.n * s.k, 2)];
    const reference = matmulReference(s, a, b);
    const traits = { ...opened.traits, software: true };
    for (const variant of gemmVariants(traits).filter((v) => v !== "tiled")) {
      const lowering = matmul(s, traits, variant);
      const turned = lowering.launches.filter(({ kernel }) => kernel.name.startsWith("turn"));
      expect(turned, variant).toHaveLength(variant === "naive" ? 0 : count);
      const [c] = await run(lowering, [a, b], [reference.value.length]);
      reference.expectNear(c!, `${what} ${variant}`);
    }
  });
});

/** By name, as the rule would take most of them for larger problems only. */
describe("register tiles of subgroups on a CPU adapter", () => {
  const each = ["", " swapped"].flatMap((lanes) => [64, 32, 16, 8, 4].map((R) => `${R}x4${lanes}`));
  const large = ["64x4", "64x4 swapped"];
  const tiles = async (names: string[], lower: (traits: AdapterTraits, name: string) => Lowering, inputs: Float32Array[], r: Reference) => {
    const { traits } = opened;
    if (!traits.software || !gemmVariants(traits).includes("subgroup")) return;
    await Promise.all(
      names.map(async (tile) => {
        const lowering = lower(traits, `subgroup ${tile}`);
        expect(lowering.launches.map(({ kernel }) => kernel.name).join()).toContain(`subgroup ${tile}`);
        const [result] = await run(lowering, inputs, [r.value.length]);
        r.expectNear(result!, tile);
      }),
    );
  };

  it.each([
    ["both along the free index", each, { ...plain, m: 140, n: 100, k: 30, aLayout: "km" }],
    ["an odd depth", large, { ...plain, m: 72, n: 68, k: 37, aLayout: "km" }],
    ["a long and ragged depth", large, { ...plain, m: 68, n: 72, k: 1030, aLayout: "km" }],
    ["a along the depth", large, { ...plain, m: 75, n: 136, k: 44 }],
    ["b along the depth", large, { ...plain, m: 136, n: 75, k: 44, aLayout: "km", bLayout: "nk" }],
    ["both along the depth", large, { ...plain, m: 72, n: 68, k: 44, bLayout: "nk" }],
    ["a along an odd depth", ["64x4 swapped"], { ...plain, m: 37, n: 64, k: 21 }],
    ["a batch", large, { ...plain, batch: 3, m: 68, n: 72, k: 10, aLayout: "km", aBatched: true, bBatched: true }],
  ] as [string, string[], MatmulShape][])("matmul, %s", async (_, names, s) => {
    const [a, b] = [noise(s.batch * s.m * s.k, 1), noise(s.batch * s.n * s.k, 2)];
    await tiles(names, (traits, name) => matmul(s, traits, name), [a, b], matmulReference(s, a, b));
  });

  it.each([
    ["channels of whole vectors", conv(6, 9, 68, 72, 4, 2, 1)],
    ["taps that leave a remainder", conv(24, 5, 68, 68, 3, 2, 0)],
    ["stride 1", conv(2, 7, 64, 64, 3, 1, 1)],
    ["few channels in", conv(1, 10, 3, 64, 4, 2, 1)],
  ] as [string, ConvShape][])("convolution, %s", async (_, s) => {
    const size = sizes(s);
    const [x, w, dy] = [noise(size.x, 3), noise(size.w, 4), noise(size.y, 5)];
    const { forward, dataGrad, weightGrad } = convReferences(s, x, w, dy);
    const few = s.inChannels === 3;
    await tiles(few ? ["64x4 swapped"] : large, (traits, name) => convForward(s, traits, name), [x, w], forward);
    if (!few) await tiles(large, (traits, name) => convDataGrad(s, traits, name), [dy, w], dataGrad);
    await tiles(few ? ["64x4 swapped"] : large, (traits, name) => convWeightGrad(s, traits, name), [x, dy], weightGrad);
  });
});

describe("convolution", () => {
  it.each(CONVOLUTIONS)("%s", async (label, s) => {
    const size = sizes(s);
    const [x, w, dy] = [noise(size.x, 3), noise(size.w, 4), noise(size.y, 5)];
    const reference = convReferences(s, x, w, dy);
    await eachVariant(async (traits, variant) => {
      const [y] = await run(convForward(s, traits, variant), [x, w], [size.y]);
      reference.forward.expectNear(y!, `${label} forward ${variant}`);
      const gradient = convDataGrad(s, traits, variant);
      if (traits.software && label.startsWith("weights turned")) expect(gradient.launches[0]!.kernel.name).toMatch(/^turn/);
      const [dx] = await run(gradient, [dy, w], [size.x]);
      reference.dataGrad.expectNear(dx!, `${label} data gradient ${variant}`);
      const [dw] = await run(convWeightGrad(s, traits, variant), [x, dy], [size.w]);
      reference.weightGrad.expectNear(dw!, `${label} weight gradient ${variant}`);
    });
  });
});

describe("what a GPU would be given: numbers in the text, 32 lanes, large tiles", () => {
  const gpu = (): AdapterTraits => ({ ...opened.traits, software: false, subgroupSize: 0 });
  const square = { aLayout: "mk", bLayout: "kn", aBatched: true, bBatched: true } as const;
  const cases: [string, string, MatmulShape][] = [
    ["tiled 64x64", "tiled", { ...square, batch: 8, m: 136, n: 136, k: 20 }],
    ["tiled 128x128", "tiled", { ...square, batch: 64, m: 132, n: 136, k: 16 }],
    ["tiled 128x128", "tiled", { ...square, batch: 64, m: 130, n: 131, k: 9, aLayout: "km", bLayout: "nk" }],
    ["outer", "outer", { ...square, batch: 2, m: 36, n: 140, k: 20 }],
  ];
  it.each(cases)("matmul %s", async (tile, variant, s) => {
    const [a, b] = [noise(s.batch * s.m * s.k, 1), noise(s.batch * s.n * s.k, 2)];
    const reference = matmulReference(s, a, b);
    const lowering = matmul(s, gpu(), variant);
    expect(lowering.launches[0]!.kernel.name).toContain(tile);
    const [c] = await run(lowering, [a, b], [reference.value.length]);
    reference.expectNear(c!, tile);
  });

  it("convolution, all directions", async () => {
    const s = conv(2, 9, 8, 12, 4, 2, 1);
    const size = sizes(s);
    const [x, w, dy] = [noise(size.x, 3), noise(size.w, 4), noise(size.y, 5)];
    const reference = convReferences(s, x, w, dy);
    for (const variant of ["tiled", "outer"]) {
      reference.forward.expectNear((await run(convForward(s, gpu(), variant), [x, w], [size.y]))[0]!, `forward ${variant}`);
      reference.dataGrad.expectNear((await run(convDataGrad(s, gpu(), variant), [dy, w], [size.x]))[0]!, `data gradient ${variant}`);
      reference.weightGrad.expectNear((await run(convWeightGrad(s, gpu(), variant), [x, dy], [size.w]))[0]!, `weight gradient ${variant}`);
    }
  });
});

describe("an epilogue: half of (element + bias of its column)", () => {
  const epilogue: Epilogue = { vectors: 1, body: ([x, bias]) => ({ statements: `let both = ${x} + ${bias};`, value: "both * 0.5" }) };

  /** Checks every variant, among which `shown` must be in the kernels' names. */
  async function check(
    lower: (traits: AdapterTraits, variant: string, epilogue: Epilogue) => Lowering,
    inputs: Float32Array[],
    columns: number,
    sums: Reference,
    shown: string,
  ) {
    const bias = noise(columns, 9);
    const reference = new Reference(sums.value.length);
    sums.value.forEach((value, i) => {
      reference.value[i] = (value + bias[i % columns]!) / 2;
      reference.magnitude[i] = sums.magnitude[i]! + 1;
      reference.terms[i] = sums.terms[i]! + 1;
    });
    await Promise.all(
      gemmVariants(opened.traits).map(async (variant) => {
        const lowering = lower(opened.traits, variant, epilogue);
        if (variant === "outer") expect(lowering.launches.map(({ kernel }) => kernel.name).join()).toContain(shown);
        const [result] = await run(lowering, [...inputs, bias], [reference.value.length]);
        reference.expectNear(result!, variant);
      }),
    );
  }

  it.each([
    ["whole vectors", { ...plain, m: 19, n: 40, k: 24 }, ""],
    ["odd columns", { ...plain, m: 19, n: 37, k: 24 }, ""],
    ["lanes on the rows", { ...plain, m: 90, n: 4, k: 24 }, "swapped"],
    ["lanes on the rows, odd columns", { ...plain, m: 90, n: 3, k: 24 }, "swapped"],
    ["a sum of parts", { ...plain, m: 4, n: 8, k: 2048 }, "sum of"],
    ["a sum of parts, odd columns", { ...plain, m: 4, n: 7, k: 2048 }, "sum of"],
  ] as [string, MatmulShape, string][])("matmul, %s", async (_, s, shown) => {
    const [a, b] = [noise(s.m * s.k, 1), noise(s.n * s.k, 2)];
    await check((traits, variant, e) => matmul(s, traits, variant, e), [a, b], s.n, matmulReference(s, a, b), shown);
  });

  it.each([
    ["a layer", conv(2, 8, 8, 12, 4, 2, 1), ""],
    ["odd channels", conv(2, 7, 5, 7, 3, 1, 1), ""],
    ["whole input in one kernel", conv(5, 4, 12, 8, 4, 1, 0), ""],
    ["whole input in one kernel, odd channels", conv(5, 4, 5, 8, 4, 1, 0), ""],
    ["few channels, folded", conv(2, 8, 3, 16, 4, 2, 1), "fold"],
    ["weights turned", conv(6, 8, 36, 8, 4, 2, 1), ""],
  ] as [string, ConvShape, string][])("convolution, %s", async (_, s, shown) => {
    const size = sizes(s);
    const [x, w, dy] = [noise(size.x, 3), noise(size.w, 4), noise(size.y, 5)];
    const reference = convReferences(s, x, w, dy);
    await check((traits, variant, e) => convForward(s, traits, variant, e), [x, w], s.outChannels, reference.forward, "");
    await check((traits, variant, e) => convDataGrad(s, traits, variant, e), [dy, w], s.inChannels, reference.dataGrad, shown);
  });
});

describe("every candidate of the tuner", () => {
  const tall: MatmulShape = { ...plain, m: 260, n: 10, k: 600, aLayout: "km" };
  const odd: MatmulShape = { ...plain, m: 70, n: 75, k: 21, bLayout: "nk" };
  const even: MatmulShape = { ...plain, m: 136, n: 72, k: 40 };
  const layer = conv(2, 9, 8, 36, 4, 2, 1);
  const gpu = (): AdapterTraits => ({ ...opened.traits, software: false, subgroupSize: 0 });
  const own = (): AdapterTraits => opened.traits;

  /** Checks them all, and that their names say exactly what is run. @returns the names */
  async function checkAll(
    lower: (traits: AdapterTraits, name?: string) => Lowering,
    traits: AdapterTraits,
    inputs: Float32Array[],
    reference: Reference,
  ) {
    const rule = lower(traits);
    const { candidates } = rule.tuning!;
    expect(lower(traits, candidates[0]).launches, "the first is the rule's choice").toEqual(rule.launches);
    expect(new Set(candidates.map((name) => JSON.stringify(lower(traits, name)))).size, "no two are the same").toBe(candidates.length);
    expect(candidates.length).toBeLessThanOrEqual(8);
    await Promise.all(
      candidates.map(async (name) => {
        const [result] = await run(lower(traits, name), inputs, [reference.value.length]);
        reference.expectNear(result!, `${rule.tuning!.problem} ${name}`);
      }),
    );
    return candidates;
  }

  it.each([
    ["here, a long sum", own, tall],
    ["here, odd sizes", own, odd],
    ["on a GPU, odd sizes", gpu, odd],
    ["on a GPU, whole vectors", gpu, even],
  ] as const)("matmul %s", async (_, traits, s) => {
    const [a, b] = [noise(s.m * s.k, 1), noise(s.n * s.k, 2)];
    const names = await checkAll((t, name) => matmul(s, t, name), traits(), [a, b], matmulReference(s, a, b));
    expect(names.length).toBeGreaterThan(1);
    if (s === tall) expect(names.join()).toContain("split");
    if (!traits().software) expect(names.join()).toContain("outer");
  });

  it.each([
    ["here", own],
    ["on a GPU", gpu],
  ] as const)("convolution %s", async (_, traits) => {
    const size = sizes(layer);
    const [x, w, dy] = [noise(size.x, 3), noise(size.w, 4), noise(size.y, 5)];
    const { forward, dataGrad, weightGrad } = convReferences(layer, x, w, dy);
    await checkAll((t, name) => convForward(layer, t, name), traits(), [x, w], forward);
    await checkAll((t, name) => convDataGrad(layer, t, name), traits(), [dy, w], dataGrad);
    await checkAll((t, name) => convWeightGrad(layer, t, name), traits(), [x, dy], weightGrad);
  });

  it("each tile for workgroups, though it may not be promising", async () => {
    for (const s of [odd, even]) {
      const [a, b] = [noise(s.m * s.k, 1), noise(s.n * s.k, 2)];
      const reference = matmulReference(s, a, b);
      for (const tile of "128x128x8/8x8 128x128x16/8x8 64x64x16/4x4 64x64x8/8x8 64x64x16/8x8 64x32x8/8x4 32x64x8/4x8 32x32x8/4x4".split(
        " ",
      )) {
        const [c] = await run(matmul(s, gpu(), `tiled ${tile}`), [a, b], [reference.value.length]);
        reference.expectNear(c!, tile);
      }
    }
  });

  it("refuses a tile that there is not", () => {
    expect(() => matmul(odd, own(), "outer 5x4")).toThrow('no tile "5x4" of the variant "outer"');
  });
});

it("more workgroups than one dimension of a launch holds", async () => {
  const s: MatmulShape = { ...plain, m: 2100, n: 2050, k: 1 };
  const [a, b] = [noise(s.m, 1), noise(s.n, 2)];
  const lowering = matmul(s, opened.traits, "naive");
  expect(lowering.launches[0]!.kernel.workgroups[1]).toBe(2);
  const [c] = await run(lowering, [a, b], [s.m * s.n]);
  matmulReference(s, a, b).expectNear(c!, "naive");
});

it("subgroups of four lanes, as SwiftShader has", async () => {
  // A workgroup of four lanes runs as half a subgroup where those have eight.
  if (opened.traits.subgroupSize !== 4 && opened.traits.subgroupSize !== 8) return;
  const traits = { ...opened.traits, subgroupSize: 4 };
  for (const s of [MATMULS[2]!, MATMULS[3]!, MATMULS[4]!, MATMULS[8]!]) {
    const [a, b] = [noise(s.m * s.k, 1), noise(s.n * s.k, 2)];
    const reference = matmulReference(s, a, b);
    const [c] = await run(matmul(s, traits, "subgroup"), [a, b], [reference.value.length]);
    reference.expectNear(c!, `${s.m}x${s.n}x${s.k}`);
  }
});

it("refuses a variant that the adapter does not run, naming those it does", () => {
  const traits = { ...opened.traits, subgroupSize: 0 };
  expect(() => matmul(MATMULS[0]!, traits, "subgroup")).toThrow(/no variant "subgroup".*outer, tiled, naive/);
});
