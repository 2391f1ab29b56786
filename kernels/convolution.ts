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
import { gemm } from "./gemm.js";
import { type GemmProblem, Grid, roundUp } from "./gemm-problem.js";
import { type AdapterTraits, type Kernel, type Lowering, output, scratch } from "./kernel.js";
import { type Numbers, numbersFor } from "./loops.js";
import { matmul } from "./matmul.js";

export interface ConvShape {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly paddingHeight: number;
  readonly paddingWidth: number;
}

/** y = x * w for inputs x, w and output y. */
export function convForward(shape: ConvShape, traits: AdapterTraits, variant?: string): Lowering {
  const flat = asMatmul(shape);
  const plain = { batch: 1, aBatched: false, bBatched: false } as const;
  if (flat) return matmul({ ...plain, m: flat.rows, n: shape.outChannels, k: flat.fan, aLayout: "mk", bLayout: "kn" }, traits, variant);
  return gemm(forwardProblem(shape, numbersFor(traits)), traits, variant);
}

/** dx from inputs dy, w; every element of dx is written, with 0 where no output looked at it. */
export function convDataGrad(shape: ConvShape, traits: AdapterTraits, variant?: string): Lowering {
  const flat = asMatmul(shape);
  const plain = { batch: 1, aBatched: false, bBatched: false } as const;
  if (flat) return matmul({ ...plain, m: flat.rows, n: flat.fan, k: shape.outChannels, aLayout: "mk", bLayout: "nk" }, traits, variant);
  if (shape.inChannels <= FEW_CHANNELS && shape.outChannels >= WORTH_FOLDING && variant !== "naive")
    return foldedDataGrad(shape, traits, variant);
  return gemm(dataGradProblem(shape, numbersFor(traits)), traits, variant);
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

/** With so few channels a GEMM of one tap's channels is too thin: forward takes a whole line of taps at once, the data gradient is folded. */
const FEW_CHANNELS = 8;

/** Below so many output channels, folding costs more than the thin GEMM loses (measured on lavapipe). */
const WORTH_FOLDING = 12;

function forwardProblem(s: ConvShape, numbers: Numbers): GemmProblem {
  const { u, i } = numbers;
  const { outHeight: OH, outWidth: OW, inHeight: H, inWidth: W, inChannels: IC, outChannels: OC, kernelWidth: KW } = s;
  // The taps of one kernel line see KW * IC consecutive elements of x; those beyond the image's sides are the segment's ends.
  const lines = IC <= FEW_CHANNELS;
  const depth = lines ? KW * IC : IC;
  const outside = reachesOutside(s);
  return {
    numbers,
    name: `conv2d.forward ${describe(s)}`,
    rows: s.batch * OH * OW,
    columns: OC,
    layers: 1,
    segments: lines ? s.kernelHeight : s.kernelHeight * KW,
    ...(lines ? {} : { minors: u(KW) }),
    depth,
    a: {
      size: s.batch * H * W * IC,
      extent: s.batch * OH * OW,
      contiguous: "depth",
      vec4: IC % 4 === 0,
      stride: 1,
      outside: !outside ? "never" : lines ? "ends" : "segment",
      site: wgsl`
        let line = i / ${u(OW)};
        let image = i32(line / ${u(OH)} * ${u(H)});
        let y = i32(line % ${u(OH)} * ${u(s.strideHeight)}) - ${i(s.paddingHeight)};
        let x = i32(i % ${u(OW)} * ${u(s.strideWidth)}) - ${i(s.paddingWidth)};
        return vec4i(image, y, x, 0);`,
      run: wgsl`
        #if ${lines}
        let y = site.y + i32(major);
        let x = site.z;
        #else
        let y = site.y + i32(major);
        let x = site.z + i32(minor);
        #endif
        let at = ((site.x + y) * ${i(W)} + x) * ${i(IC)};
        #if ${!outside}
        return Run(at, 0u, ${u(depth)});
        #elif ${lines}
        let first = max(0, -x);
        let end = min(${i(KW)}, ${i(W)} - x);
        return Run(at, u32(first * ${i(IC)}), select(0u, u32(max(end - first, 0) * ${i(IC)}), u32(y) < ${u(H)}));
        #else
        let inside = u32(y) < ${u(H)} && u32(x) < ${u(W)};
        return Run(select(0, at, inside), 0u, select(0u, ${u(IC)}, inside));
        #endif`,
    },
    b: {
      size: s.kernelHeight * KW * IC * OC,
      extent: OC,
      contiguous: "free",
      vec4: OC % 4 === 0,
      stride: OC,
      outside: "never",
      site: "return vec4i(i32(i), 0, 0, 0);",
      run: `return Run(i32(${lines ? "major" : `(major * ${u(KW)} + minor)`}) * ${i(depth * OC)} + site.x, 0u, ${u(depth)});`,
    },
    c: { size: s.batch * OH * OW * OC, row: `return i32(row * ${u(OC)});`, holes: false },
  };
}

/** True when some tap of some output pixel falls into the padding (or, for a caller's odd shape, past the far edge). */
function reachesOutside(s: ConvShape): boolean {
  const far = (out: number, stride: number, kernel: number, size: number) => (out - 1) * stride + kernel > size;
  return (
    s.paddingHeight > 0 ||
    s.paddingWidth > 0 ||
    far(s.outHeight, s.strideHeight, s.kernelHeight, s.inHeight) ||
    far(s.outWidth, s.strideWidth, s.kernelWidth, s.inWidth)
  );
}

function dataGradProblem(s: ConvShape, numbers: Numbers): GemmProblem {
  const { u, i } = numbers;
  const { outHeight: OH, outWidth: OW, inHeight: H, inWidth: W, inChannels: IC, outChannels: OC } = s;
  const { kernelHeight: KH, kernelWidth: KW, strideHeight: SH, strideWidth: SW, paddingHeight: PH, paddingWidth: PW } = s;
  const [phaseHeight, phaseWidth] = [Math.ceil(H / SH), Math.ceil(W / SW)];
  const [mostTall, mostWide] = [Math.ceil(KH / SH), Math.ceil(KW / SW)];
  // The phase's pixels ih = S q + p meet the taps kh = r + S j with r = (p + P) mod S, from the output lines oh = q + (p + P) div S - j.
  const [tallStep, wideStep] = [u(SH), u(SW)];
  const phase = { y: `(z / ${wideStep})`, x: `(z % ${wideStep})` };
  const offset = { y: `(${phase.y} + ${u(PH)})`, x: `(${phase.x} + ${u(PW)})` };
  const even = KH % SH === 0 && KW % SW === 0;
  const tall = even ? u(mostTall) : `((${u(KH + SH - 1)} - ${offset.y} % ${tallStep}) / ${tallStep})`;
  const wide = even ? u(mostWide) : `((${u(KW + SW - 1)} - ${offset.x} % ${wideStep}) / ${wideStep})`;
  return {
    numbers,
    name: `conv2d.dataGrad ${describe(s)}`,
    rows: s.batch * phaseHeight * phaseWidth,
    columns: IC,
    layers: SH * SW,
    segments: mostTall * mostWide,
    minors: wide,
    ...(even ? {} : { segmentsOfLayer: `${tall} * ${wide}` }),
    depth: OC,
    a: {
      size: s.batch * OH * OW * OC,
      extent: s.batch * phaseHeight * phaseWidth,
      contiguous: "depth",
      vec4: OC % 4 === 0,
      stride: 1,
      outside: "segment",
      site: wgsl`
        let line = i / ${u(phaseWidth)};
        let image = i32(line / ${u(phaseHeight)} * ${u(OH)});
        let y = line % ${u(phaseHeight)} + ${offset.y} / ${tallStep};
        let x = i % ${u(phaseWidth)} + ${offset.x} / ${wideStep};
        return vec4i(image, i32(y), i32(x), 0);`,
      run: wgsl`
        let y = site.y - i32(major);
        let x = site.z - i32(minor);
        let inside = u32(y) < ${u(OH)} && u32(x) < ${u(OW)};
        return Run(select(0, ((site.x + y) * ${i(OW)} + x) * ${i(OC)}, inside), 0u, select(0u, ${u(OC)}, inside));`,
    },
    b: {
      size: KH * KW * IC * OC,
      extent: IC,
      contiguous: "depth",
      vec4: OC % 4 === 0,
      stride: 1,
      outside: "never",
      site: `return vec4i(i32(i) * ${i(OC)}, i32(${offset.y} % ${tallStep}), i32(${offset.x} % ${wideStep}), 0);`,
      run: wgsl`
        let kh = site.y + i32(major * ${tallStep});
        let kw = site.z + i32(minor * ${wideStep});
        return Run((kh * ${i(KW)} + kw) * ${i(IC * OC)} + site.x, 0u, ${u(OC)});`,
    },
    c: {
      size: s.batch * H * W * IC,
      holes: H % SH !== 0 || W % SW !== 0,
      row: wgsl`
        let line = row / ${u(phaseWidth)};
        let y = line % ${u(phaseHeight)} * ${tallStep} + ${phase.y};
        let x = row % ${u(phaseWidth)} * ${wideStep} + ${phase.x};
        #if ${H % SH !== 0 || W % SW !== 0}
        if (y >= ${u(H)} || x >= ${u(W)}) { return -1; }
        #endif
        return i32(((line / ${u(phaseHeight)} * ${u(H)} + y) * ${u(W)} + x) * ${u(IC)});`,
    },
  };
}

/**
 * The data gradient of few channels in two steps: T[n, oh, ow, (kh, kw, ic)] = sum over oc of dy[n, oh, ow, oc] w[kh, kw, ic, oc], one
 * matmul in which every dy is read once for all taps, then dx[n, ih, iw, ic] = the sum of the T that belong to the pixel.
 */
function foldedDataGrad(s: ConvShape, traits: AdapterTraits, variant?: string): Lowering {
  const taps = s.kernelHeight * s.kernelWidth * s.inChannels;
  const rows = s.batch * s.outHeight * s.outWidth;
  const shape = { batch: 1, m: rows, n: taps, k: s.outChannels, aLayout: "mk", bLayout: "nk", aBatched: false, bBatched: false } as const;
  const product = matmul(shape, traits, variant);
  const parts = scratch(product.scratch.length);
  const launches = product.launches.map(({ kernel, slots }) => ({
    kernel,
    slots: slots.map((slot) => (slot.role === "output" ? parts : slot)),
  }));
  return {
    launches: [...launches, { kernel: foldKernel(s), slots: [parts, output(0)] }],
    scratch: [...product.scratch, rows * taps],
    ...(product.tuning && { tuning: { ...product.tuning, problem: `conv2d.dataGrad folded ${describe(s)}` } }),
  };
}

/** Bindings: 0 t [N, OH, OW, KH, KW, IC], 1 dx [N, H, W, IC]. One invocation makes the channels of one pixel. */
function foldKernel(s: ConvShape): Kernel {
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
  ${channels.map((c) => `dx[pixel * ${IC}u + ${c}u] = sum${c};`).join(" ")}
}
`;
  return { name, code, workgroups: grid.workgroups };
}

function weightGradProblem(s: ConvShape, numbers: Numbers): GemmProblem {
  const { u, i } = numbers;
  const { outHeight: OH, outWidth: OW, inHeight: H, inWidth: W, inChannels: IC, outChannels: OC, strideWidth: SW } = s;
  const rows = s.kernelHeight * s.kernelWidth * IC;
  const outside = reachesOutside(s);
  return {
    numbers,
    name: `conv2d.weightGrad ${describe(s)}`,
    rows,
    columns: OC,
    layers: 1,
    segments: s.batch * OH,
    minors: u(OH),
    depth: OW,
    a: {
      size: s.batch * H * W * IC,
      extent: rows,
      contiguous: "free",
      vec4: IC % 4 === 0,
      stride: SW * IC,
      outside: outside ? "ends" : "never",
      // Of a tap: how far from the line's start it reads, its line, and the pixels ow for which 0 <= ow S + kw - P < W.
      site: wgsl`
        let tap = i / ${u(IC)};
        let y = i32(tap / ${u(s.kernelWidth)}) - ${i(s.paddingHeight)};
        let x = i32(tap % ${u(s.kernelWidth)}) - ${i(s.paddingWidth)};
        let first = max(0, ${i(SW - 1)} - x) / ${i(SW)};
        let end = min(max(0, ${i(W - 1 + SW)} - x) / ${i(SW)}, ${i(OW)});
        return vec4i(x * ${i(IC)} + i32(i % ${u(IC)}), y, first, max(end - first, 0));`,
      run: wgsl`
        let y = i32(minor * ${u(s.strideHeight)}) + site.y;
        let at = (i32(major) * ${i(H)} + y) * ${i(W * IC)} + site.x;
        return Run(at, u32(site.z), select(0u, u32(site.w), u32(y) < ${u(H)}));`,
    },
    b: {
      size: s.batch * OH * OW * OC,
      extent: OC,
      contiguous: "free",
      vec4: OC % 4 === 0,
      stride: OC,
      outside: "never",
      site: "return vec4i(i32(i), 0, 0, 0);",
      run: `return Run(i32(major * ${u(OH)} + minor) * ${i(OW * OC)} + site.x, 0u, ${u(OW)});`,
    },
    c: { size: rows * OC, row: `return i32(row * ${u(OC)});`, holes: false },
  };
}

function describe(s: ConvShape): string {
  const kernel = `k${s.kernelHeight}x${s.kernelWidth} s${s.strideHeight}x${s.strideWidth} p${s.paddingHeight}x${s.paddingWidth}`;
  return `${s.batch}x${s.inHeight}x${s.inWidth}x${s.inChannels} ${s.outHeight}x${s.outWidth}x${s.outChannels} ${kernel}`;
}
