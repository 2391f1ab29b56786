/** Problems of the GEMM core: matmul, and the convolutions of the generator and the discriminator in their three directions. */
import { convDataGrad, convForward, type ConvShape, convWeightGrad } from "../kernels/convolution.js";
import type { AdapterTraits, Lowering } from "../kernels/kernel.js";
import { matmul } from "../kernels/matmul.js";
import type { Device } from "../src/gpu/device.js";

export type ConvDirection = "forward" | "dataGrad" | "weightGrad";

/** What a peer is asked to run: sizes as in ConvShape, memory channels-last. */
export type Problem = { readonly op: "matmul"; readonly size: number } | { readonly op: ConvDirection; readonly conv: ConvShape };

/** The kernels that a program on this device would use: the tuner's choice where it has one, else the rule's. */
export async function lowered({ traits, tuner }: Device, c: Case): Promise<Lowering> {
  const lowering = c.lower(traits);
  const { tuning } = lowering;
  if (!tuner || !tuning) return lowering;
  const tunable = { tuning, inputs: c.inputs, outputs: [c.output], lower: (name: string) => c.lower(traits, name) };
  const choice = (await tuner.choose([tunable])).get(tuning.problem);
  return choice === undefined ? lowering : c.lower(traits, choice);
}

/** Variant and tile of a lowering: a kernel's name is its problem, then these. */
export const variantOf = ({ launches }: Lowering): string =>
  launches.map(({ kernel }) => /(subgroup|outer|tiled|naive).*/.exec(kernel.name)?.[0]).find(Boolean) ?? "";

export interface Case {
  /** "matmul", or the networks' width and batch: "width 64, batch 16". */
  readonly suite: string;
  readonly name: string;
  readonly shape: string;
  readonly problem: Problem;
  /** Elements of the inputs and of the output. */
  readonly inputs: readonly number[];
  readonly output: number;
  /** Multiplications and additions; taps that fall into the padding count. */
  readonly flops: number;
  lower(traits: AdapterTraits, variant?: string): Lowering;
}

/** What is tuned and compared by default: matmul, the width that peers run too, and that of the preset for CPUs. */
export function gemmCases(): Case[] {
  return [512, 1024].map(matmulCase).concat(ganCases(64, 16), ganCases(16, 16));
}

export function matmulCase(size: number): Case {
  const shape = { batch: 1, m: size, n: size, k: size, aLayout: "mk", bLayout: "kn", aBatched: false, bBatched: false } as const;
  return {
    suite: "matmul",
    name: `matmul ${size}`,
    shape: `${size}x${size}x${size}`,
    problem: { op: "matmul", size },
    inputs: [size * size, size * size],
    output: size * size,
    flops: 2 * size ** 3,
    lower: (traits, variant) => matmul(shape, traits, variant),
  };
}

/** The eight strided convolutions of one width (Reed et al. 2016, section 4.2): most of the arithmetic. */
export function stridedCases(n: number, batch: number): Case[] {
  const conv = convolution(batch);
  return threeDirections(n, batch, [
    ["D conv1", conv(64, 3, n, 4, 2, 1), "conv"],
    ["D conv2", conv(32, n, 2 * n, 4, 2, 1), "conv"],
    ["D conv3", conv(16, 2 * n, 4 * n, 4, 2, 1), "conv"],
    ["D conv4", conv(8, 4 * n, 8 * n, 4, 2, 1), "conv"],
    ["G deconv2", conv(8, 4 * n, 8 * n, 4, 2, 1), "deconv"],
    ["G deconv3", conv(16, 2 * n, 4 * n, 4, 2, 1), "deconv"],
    ["G deconv4", conv(32, n, 2 * n, 4, 2, 1), "deconv"],
    ["G deconv5", conv(64, 3, n, 4, 2, 1), "deconv"],
  ]);
}

/** All convolutions of one width, with the residual blocks of the authors' code. */
export function ganCases(n: number, batch: number): Case[] {
  const conv = convolution(batch);
  return [
    ...stridedCases(n, batch),
    ...threeDirections(n, batch, [
      ["G deconv1", conv(4, 8 * n, 228, 4, 1, 0), "deconv"],
      ["residual 1x1", conv(4, 8 * n, 2 * n, 1, 1, 0), "conv"],
      ["residual 3x3", conv(4, 2 * n, 2 * n, 3, 1, 1), "conv"],
      ["residual 3x3 out", conv(4, 2 * n, 8 * n, 3, 1, 1), "conv"],
      ["G residual 8x8", conv(8, n, n, 3, 1, 1), "conv"],
      ["D joint 1x1", conv(4, 8 * n + 128, 8 * n, 1, 1, 0), "conv"],
      ["D score", conv(4, 8 * n, 1, 4, 1, 0), "conv"],
    ]),
  ];
}

type Layer = readonly [name: string, shape: ConvShape, kind: "conv" | "deconv"];

function threeDirections(n: number, batch: number, layers: readonly Layer[]): Case[] {
  return layers.flatMap(([name, shape, kind]) =>
    (["forward", "dataGrad", "weightGrad"] as const).map((role) => convCase(`width ${n}, batch ${batch}`, name, shape, kind, role)),
  );
}

/** `role` is the direction within the layer: a transposed convolution goes forward by the data gradient of the convolution it transposes. */
function convCase(suite: string, name: string, s: ConvShape, kind: "conv" | "deconv", role: ConvDirection): Case {
  const direction = kind === "conv" || role === "weightGrad" ? role : role === "forward" ? "dataGrad" : "forward";
  const x = s.batch * s.inHeight * s.inWidth * s.inChannels;
  const w = s.kernelHeight * s.kernelWidth * s.inChannels * s.outChannels;
  const y = s.batch * s.outHeight * s.outWidth * s.outChannels;
  const { lower, inputs, output } = {
    forward: { lower: convForward, inputs: [x, w], output: y },
    dataGrad: { lower: convDataGrad, inputs: [y, w], output: x },
    weightGrad: { lower: convWeightGrad, inputs: [x, y], output: w },
  }[direction];
  const [from, to] = kind === "conv" ? [s.inChannels, s.outChannels] : [s.outChannels, s.inChannels];
  const sizes = kind === "conv" ? `${s.inHeight}->${s.outHeight}` : `${s.outHeight}->${s.inHeight}`;
  return {
    suite,
    name: `${name} ${role}`,
    shape: `${s.batch}x ${from}->${to} ${sizes} k${s.kernelHeight} s${s.strideHeight} p${s.paddingHeight}`,
    problem: { op: direction, conv: s },
    inputs,
    output,
    flops: (2 * y * w) / s.outChannels,
    lower: (traits, variant) => lower(s, traits, variant),
  };
}

/** The convolution (for a transposed one: that it transposes) from a square image of `size` pixels with `from` channels. */
const convolution =
  (batch: number) =>
  (size: number, from: number, to: number, kernel: number, stride: number, padding: number): ConvShape => {
    const out = (size + 2 * padding - kernel) / stride + 1;
    return {
      ...{ batch, inHeight: size, inWidth: size, inChannels: from, outHeight: out, outWidth: out, outChannels: to },
      ...{ kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride },
      ...{ paddingHeight: padding, paddingWidth: padding },
    };
  };
