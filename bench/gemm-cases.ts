/** The problems that bench/gemm.ts times: matmul, and the convolutions of the generator and the discriminator in their three directions. */
import { convDataGrad, convForward, type ConvShape, convWeightGrad } from "../kernels/convolution.js";
import type { AdapterTraits, Lowering } from "../kernels/kernel.js";
import { matmul } from "../kernels/matmul.js";

export type ConvDirection = "forward" | "dataGrad" | "weightGrad";

/** What a peer is asked to run: sizes as in ConvShape, memory channels-last. */
export type Problem = { readonly op: "matmul"; readonly size: number } | { readonly op: ConvDirection; readonly conv: ConvShape };

export interface Case {
  readonly suite: "matmul" | "width 64" | "width 16";
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

/** All cases, batch 16. Width 64 and matmul have peers; width 16 is the preset that trains on CPUs. */
export function gemmCases(): Case[] {
  return [512, 1024].map(matmulCase).concat(ganCases("width 64", 64), ganCases("width 16", 16));
}

function matmulCase(size: number): Case {
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

/** Generator and discriminator of one width (Reed et al. 2016, section 4.2, with the residual blocks of the authors' code). */
function ganCases(suite: Case["suite"], n: number): Case[] {
  const layers: [string, ConvShape, "conv" | "deconv"][] = [
    ["D conv1", conv(64, 3, n, 4, 2, 1), "conv"],
    ["D conv2", conv(32, n, 2 * n, 4, 2, 1), "conv"],
    ["D conv3", conv(16, 2 * n, 4 * n, 4, 2, 1), "conv"],
    ["D conv4", conv(8, 4 * n, 8 * n, 4, 2, 1), "conv"],
    ["G deconv2", conv(8, 4 * n, 8 * n, 4, 2, 1), "deconv"],
    ["G deconv3", conv(16, 2 * n, 4 * n, 4, 2, 1), "deconv"],
    ["G deconv4", conv(32, n, 2 * n, 4, 2, 1), "deconv"],
    ["G deconv5", conv(64, 3, n, 4, 2, 1), "deconv"],
  ];
  if (suite === "width 16") {
    layers.push(
      ["G deconv1", conv(4, 8 * n, 228, 4, 1, 0), "deconv"],
      ["residual 1x1", conv(4, 8 * n, 2 * n, 1, 1, 0), "conv"],
      ["residual 3x3", conv(4, 2 * n, 2 * n, 3, 1, 1), "conv"],
      ["residual 3x3 out", conv(4, 2 * n, 8 * n, 3, 1, 1), "conv"],
      ["G residual 8x8", conv(8, n, n, 3, 1, 1), "conv"],
      ["D joint 1x1", conv(4, 8 * n + 128, 8 * n, 1, 1, 0), "conv"],
      ["D score", conv(4, 8 * n, 1, 4, 1, 0), "conv"],
    );
  }
  return layers.flatMap(([name, shape, kind]) =>
    (["forward", "dataGrad", "weightGrad"] as const).map((role) => convCase(suite, name, shape, kind, role)),
  );
}

/** `role` is the direction within the layer: a transposed convolution goes forward by the data gradient of the convolution it transposes. */
function convCase(suite: Case["suite"], name: string, s: ConvShape, kind: "conv" | "deconv", role: ConvDirection): Case {
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

/** The convolution (for a transposed one: that it transposes) from a square image of `size` pixels with `from` channels; batch 16. */
function conv(size: number, from: number, to: number, kernel: number, stride: number, padding: number): ConvShape {
  const out = (size + 2 * padding - kernel) / stride + 1;
  return {
    batch: 16,
    inHeight: size,
    inWidth: size,
    inChannels: from,
    outHeight: out,
    outWidth: out,
    outChannels: to,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: stride,
    strideWidth: stride,
    paddingHeight: padding,
    paddingWidth: padding,
  };
}
