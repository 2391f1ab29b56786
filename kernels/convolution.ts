/**
 * 2-D convolution without an im2col buffer, in its three directions. S, P: stride and padding of the axis.
 *
 *     forward          y[n, oh, ow, oc]  = sum over kh, kw, ic of  x[n, oh S + kh - P, ow S + kw - P, ic] w[kh, kw, ic, oc]
 *     data gradient    dx[n, ih, iw, ic] = sum over kh, kw, oc of  dy[n, (ih + P - kh) / S, (iw + P - kw) / S, oc] w[kh, kw, ic, oc]
 *                      over the kh, kw for which both quotients are whole; it is the forward pass of a transposed convolution
 *     weight gradient  dw[kh, kw, ic, oc] = sum over n, oh, ow of  x[n, oh S + kh - P, ow S + kw - P, ic] dy[n, oh, ow, oc]
 *
 * Memory: x [N, H, W, IC], y [N, OH, OW, OC], w [KH, KW, IC, OC]: channels last. A 1-D convolution has height 1.
 * As a GEMM (gemm.ts):
 *                      rows                 columns   segments       depth
 *     forward          n, oh, ow            oc        kh, kw         ic
 *     data gradient    n, ih / S, iw / S    ic        kh, kw         oc      one layer for each phase (ih mod S, iw mod S)
 *     weight gradient  kh, kw, ic           oc        n, oh          ow
 *
 * A phase of the data gradient meets only every S-th tap, so nothing is multiplied by the zeros a stride would insert.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import { type ConvShape, dataGradProblem, describe, FEW_CHANNELS, forwardProblem, weightGradProblem } from "./convolution-problems.js";
import { gemm } from "./gemm.js";
import { type Epilogue, epilogueFunction, Grid, roundUp } from "./gemm-problem.js";
import { type AdapterTraits, input, type Kernel, type Lowering, output, prepared, scratch } from "./kernel.js";
import { numbersFor } from "./loops.js";
import { matmul } from "./matmul.js";
import { turnKernel } from "./turn.js";

export type { ConvShape } from "./convolution-problems.js";

/** y = x * w for inputs x, w (and the epilogue's vectors [OC]) and output y. */
export function convForward(shape: ConvShape, traits: AdapterTraits, variant?: string, epilogue?: Epilogue): Lowering {
  const flat = asMatmul(shape);
  const plain = { batch: 1, aBatched: false, bBatched: false } as const;
  if (flat)
    return matmul({ ...plain, m: flat.rows, n: shape.outChannels, k: flat.fan, aLayout: "mk", bLayout: "kn" }, traits, variant, epilogue);
  return gemm({ ...forwardProblem(shape, numbersFor(traits)), ...(epilogue && { epilogue }) }, traits, variant);
}

/** dx from inputs dy, w (and the epilogue's vectors [IC]); every element of dx is written, with 0 where no output looked at it. */
export function convDataGrad(shape: ConvShape, traits: AdapterTraits, variant?: string, epilogue?: Epilogue): Lowering {
  const flat = asMatmul(shape);
  const plain = { batch: 1, aBatched: false, bBatched: false } as const;
  if (flat) {
    const product = { ...plain, m: flat.rows, n: flat.fan, k: shape.outChannels, aLayout: "mk", bLayout: "nk" } as const;
    return matmul(product, traits, variant, epilogue && { ...epilogue, length: shape.inChannels });
  }
  if (shape.inChannels <= FEW_CHANNELS && shape.outChannels >= WORTH_FOLDING && variant !== "naive")
    return foldedDataGrad(shape, traits, variant, epilogue);
  const { batch, outHeight, outWidth } = shape;
  if (traits.software && batch * outHeight * outWidth >= WORTH_TURNING && shape.inChannels >= 32)
    return turnedDataGrad(shape, traits, variant, epilogue);
  return gemm({ ...dataGradProblem(shape, numbersFor(traits), "io"), ...(epilogue && { epilogue }) }, traits, variant);
}

/** dw from inputs x, dy; long sums are made in stages of fixed order, so the same bits every time. */
export function convWeightGrad(shape: ConvShape, traits: AdapterTraits, variant?: string): Lowering {
  const flat = asMatmul(shape);
  const plain = { batch: 1, aBatched: false, bBatched: false } as const;
  if (flat) return matmul({ ...plain, m: flat.fan, n: shape.outChannels, k: flat.rows, aLayout: "km", bLayout: "kn" }, traits, variant);
  return gemm(weightGradProblem(shape, numbersFor(traits)), traits, variant);
}

/**
 * Two kinds of convolution are plain matrix products over memory as it lies: a 1 x 1 kernel of stride 1, and a kernel that covers
 * its whole unpadded input. `rows` is how many output pixels there are, `fan` how many inputs each sees.
 */
function asMatmul(s: ConvShape): { rows: number; fan: number } | undefined {
  if (s.paddingHeight !== 0 || s.paddingWidth !== 0) return undefined;
  const pointwise = s.kernelHeight === 1 && s.kernelWidth === 1 && s.strideHeight === 1 && s.strideWidth === 1;
  if (pointwise) return { rows: s.batch * s.inHeight * s.inWidth, fan: s.inChannels };
  const whole = s.kernelHeight === s.inHeight && s.kernelWidth === s.inWidth;
  return whole ? { rows: s.batch, fan: s.inHeight * s.inWidth * s.inChannels } : undefined;
}

/** Below so many output channels, folding costs more than the thin GEMM loses (measured on lavapipe). */
const WORTH_FOLDING = 12;

/**
 * From so many output pixels on, weights turned to [KH, KW, OC, IC] pay for the turning: 1.2 to 1.6 times as fast on lavapipe, where the
 * lanes own input channels. GPUs turn tiles as they load them.
 */
const WORTH_TURNING = 96;

/**
 * The data gradient with weights turned first, so that the lanes' four input channels lie side by side: loads along the depth, one line of
 * cache for each lane, cost a sixth of the whole on CPU adapters.
 */
function turnedDataGrad(s: ConvShape, traits: AdapterTraits, variant?: string, epilogue?: Epilogue): Lowering {
  const product = gemm({ ...dataGradProblem(s, numbersFor(traits), "oi"), ...(epilogue && { epilogue }) }, traits, variant);
  const { kernelHeight, kernelWidth, inChannels, outChannels } = s;
  const kernel = turnKernel(kernelHeight * kernelWidth, inChannels, outChannels);
  return prepared(product, [{ input: 1, kernel, size: kernelHeight * kernelWidth * inChannels * outChannels }]);
}

/**
 * The data gradient of few channels in two steps: T[n, oh, ow, (kh, kw, ic)] = sum over oc of dy[n, oh, ow, oc] w[kh, kw, ic, oc], one
 * matmul in which every dy is read once for all taps, then dx[n, ih, iw, ic] = the sum of the T that belong to the pixel.
 */
function foldedDataGrad(s: ConvShape, traits: AdapterTraits, variant?: string, epilogue?: Epilogue): Lowering {
  const taps = s.kernelHeight * s.kernelWidth * s.inChannels;
  const rows = s.batch * s.outHeight * s.outWidth;
  const shape = { batch: 1, m: rows, n: taps, k: s.outChannels, aLayout: "mk", bLayout: "nk", aBatched: false, bBatched: false } as const;
  const product = matmul(shape, traits, variant);
  const vectors = Array.from({ length: epilogue?.vectors ?? 0 }, (_, i) => input(2 + i));
  const parts = scratch(product.scratch.length);
  const launches = product.launches.map(({ kernel, slots }) => ({
    kernel,
    slots: slots.map((slot) => (slot.role === "output" ? parts : slot)),
  }));
  return {
    launches: [...launches, { kernel: foldKernel(s, epilogue), slots: [parts, output(0), ...vectors] }],
    scratch: [...product.scratch, rows * taps],
    ...(product.tuning && { tuning: { ...product.tuning, problem: `conv2d.dataGrad folded ${describe(s)}` } }),
  };
}

/** Bindings: 0 t [N, OH, OW, KH, KW, IC], 1 dx [N, H, W, IC], then the epilogue's vectors. One invocation makes the channels of one pixel. */
function foldKernel(s: ConvShape, epilogue?: Epilogue): Kernel {
  const { outHeight: OH, outWidth: OW, inHeight: H, inWidth: W, inChannels: IC, kernelHeight: KH, kernelWidth: KW } = s;
  const { strideHeight: SH, strideWidth: SW } = s;
  const pixels = s.batch * H * W;
  const taps = KH * KW * IC;
  const grid = new Grid(Math.ceil(pixels / 64));
  const name = `conv2d.fold ${describe(s)}`;
  const channels = Array.from({ length: IC }, (_, c) => c);
  const code = wgsl`// ${name}
@group(0) @binding(0) var<storage, read_write> t: array<f32, ${roundUp(s.batch * OH * OW * taps, 4)}>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32, ${roundUp(pixels * IC, 4)}>;
${epilogue ? epilogueFunction(epilogue, false, IC, 2) : ""}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = ${grid.index} * 64u + lane;
  if (pixel >= ${pixels}u) { return; }
  let line = pixel / ${W}u;
  let y = line % ${H}u + ${s.paddingHeight}u;
  let x = pixel % ${W}u + ${s.paddingWidth}u;
  let image = line / ${H}u * ${OH}u;
  ${channels.map((c) => `var sum${c} = 0.0;`).join(" ")}
  // Tap kh meets the pixel from output line (y - kh) / S, where that is whole.
  for (var kh = y % ${SH}u; kh < ${KH}u; kh += ${SH}u) {
    let oh = i32(y / ${SH}u) - i32(kh / ${SH}u);
    for (var kw = x % ${SW}u; kw < ${KW}u; kw += ${SW}u) {
      let ow = i32(x / ${SW}u) - i32(kw / ${SW}u);
      if (u32(oh) < ${OH}u && u32(ow) < ${OW}u) {
        let at = ((image + u32(oh)) * ${OW}u + u32(ow)) * ${taps}u + (kh * ${KW}u + kw) * ${IC}u;
        ${channels.map((c) => `sum${c} += t[at + ${c}u];`).join(" ")}
      }
    }
  }
  ${channels.map((c) => `dx[pixel * ${IC}u + ${c}u] = ${epilogue ? `finish(sum${c}, ${c}u)` : `sum${c}`};`).join(" ")}
}
`;
  return { name, code, workgroups: grid.workgroups };
}
