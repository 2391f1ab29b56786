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
import type { GemmProblem } from "./gemm-problem.js";
import type { AdapterTraits, Lowering } from "./kernel.js";
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
  return gemm(forwardProblem(shape), traits, variant);
}

/** dx from inputs dy, w; every element of dx is written, with 0 where no output looked at it. */
export function convDataGrad(shape: ConvShape, traits: AdapterTraits, variant?: string): Lowering {
  const flat = asMatmul(shape);
  const plain = { batch: 1, aBatched: false, bBatched: false } as const;
  if (flat) return matmul({ ...plain, m: flat.rows, n: flat.fan, k: shape.outChannels, aLayout: "mk", bLayout: "nk" }, traits, variant);
  return gemm(dataGradProblem(shape), traits, variant);
}

/** dw from inputs x, dy; long sums are made in stages of fixed order, so the same bits every time. */
export function convWeightGrad(shape: ConvShape, traits: AdapterTraits, variant?: string): Lowering {
  const flat = asMatmul(shape);
  const plain = { batch: 1, aBatched: false, bBatched: false } as const;
  if (flat) return matmul({ ...plain, m: flat.fan, n: shape.outChannels, k: flat.rows, aLayout: "km", bLayout: "kn" }, traits, variant);
  return gemm(weightGradProblem(shape), traits, variant);
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

function forwardProblem(s: ConvShape): GemmProblem {
  const { outHeight: OH, outWidth: OW, inHeight: H, inWidth: W, inChannels: IC, outChannels: OC } = s;
  return {
    name: `conv2d.forward ${describe(s)}`,
    rows: s.batch * OH * OW,
    columns: OC,
    layers: 1,
    segments: s.kernelHeight * s.kernelWidth,
    depth: IC,
    a: {
      size: s.batch * H * W * IC,
      extent: s.batch * OH * OW,
      contiguous: "depth",
      vec4: IC % 4 === 0,
      stride: 1,
      outside: reachesOutside(s) ? "segment" : "never",
      site: wgsl`
        let line = i / ${OW}u;
        return vec3i(
          i32(line / ${OH}u * ${H}u),
          i32(line % ${OH}u * ${s.strideHeight}u) - ${s.paddingHeight},
          i32(i % ${OW}u * ${s.strideWidth}u) - ${s.paddingWidth});`,
      run: wgsl`
        let y = site.y + i32(segment / ${s.kernelWidth}u);
        let x = site.z + i32(segment % ${s.kernelWidth}u);
        let at = ((site.x + y) * ${W} + x) * ${IC};
        #if ${reachesOutside(s)}
        let inside = u32(y) < ${H}u && u32(x) < ${W}u;
        return Run(select(0, at, inside), 0u, select(0u, ${IC}u, inside));
        #else
        return Run(at, 0u, ${IC}u);
        #endif`,
    },
    b: {
      size: s.kernelHeight * s.kernelWidth * IC * OC,
      extent: OC,
      contiguous: "free",
      vec4: OC % 4 === 0,
      stride: OC,
      outside: "never",
      site: "return vec3i(i32(i), 0, 0);",
      run: `return Run(i32(segment) * ${IC * OC} + site.x, 0u, ${IC}u);`,
    },
    c: { size: s.batch * OH * OW * OC, row: `return i32(row * ${OC}u);`, holes: false },
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

function dataGradProblem(s: ConvShape): GemmProblem {
  const { outHeight: OH, outWidth: OW, inHeight: H, inWidth: W, inChannels: IC, outChannels: OC } = s;
  const { kernelHeight: KH, kernelWidth: KW, strideHeight: SH, strideWidth: SW, paddingHeight: PH, paddingWidth: PW } = s;
  const [phaseHeight, phaseWidth] = [Math.ceil(H / SH), Math.ceil(W / SW)];
  const [mostTall, mostWide] = [Math.ceil(KH / SH), Math.ceil(KW / SW)];
  // The phase's pixels ih = S q + p meet the taps kh = r + S j with r = (p + P) mod S, from the output lines oh = q + (p + P) div S - j.
  const phase = { y: SW === 1 ? "z" : `(z / ${SW}u)`, x: SW === 1 ? "0u" : `(z % ${SW}u)` };
  const even = KH % SH === 0 && KW % SW === 0;
  const tall = even ? `${mostTall}u` : `((${KH + SH - 1}u - (${phase.y} + ${PH}u) % ${SH}u) / ${SH}u)`;
  const wide = even ? `${mostWide}u` : `((${KW + SW - 1}u - (${phase.x} + ${PW}u) % ${SW}u) / ${SW}u)`;
  return {
    name: `conv2d.dataGrad ${describe(s)}`,
    rows: s.batch * phaseHeight * phaseWidth,
    columns: IC,
    layers: SH * SW,
    segments: mostTall * mostWide,
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
        let line = i / ${phaseWidth}u;
        return vec3i(
          i32(line / ${phaseHeight}u * ${OH}u),
          i32(line % ${phaseHeight}u + (${phase.y} + ${PH}u) / ${SH}u),
          i32(i % ${phaseWidth}u + (${phase.x} + ${PW}u) / ${SW}u));`,
      run: wgsl`
        let y = site.y - i32(segment / ${wide});
        let x = site.z - i32(segment % ${wide});
        let inside = u32(y) < ${OH}u && u32(x) < ${OW}u;
        return Run(select(0, ((site.x + y) * ${OW} + x) * ${OC}, inside), 0u, select(0u, ${OC}u, inside));`,
    },
    b: {
      size: KH * KW * IC * OC,
      extent: IC,
      contiguous: "depth",
      vec4: OC % 4 === 0,
      stride: 1,
      outside: "never",
      site: wgsl`return vec3i(i32(i) * ${OC}, i32((${phase.y} + ${PH}u) % ${SH}u), i32((${phase.x} + ${PW}u) % ${SW}u));`,
      run: wgsl`
        let kh = site.y + i32(segment / ${wide}) * ${SH};
        let kw = site.z + i32(segment % ${wide}) * ${SW};
        return Run((kh * ${KW} + kw) * ${IC * OC} + site.x, 0u, ${OC}u);`,
    },
    c: {
      size: s.batch * H * W * IC,
      holes: H % SH !== 0 || W % SW !== 0,
      row: wgsl`
        let line = row / ${phaseWidth}u;
        let y = line % ${phaseHeight}u * ${SH}u + ${phase.y};
        let x = row % ${phaseWidth}u * ${SW}u + ${phase.x};
        #if ${H % SH !== 0 || W % SW !== 0}
        if (y >= ${H}u || x >= ${W}u) { return -1; }
        #endif
        return i32(((line / ${phaseHeight}u * ${H}u + y) * ${W}u + x) * ${IC}u);`,
    },
  };
}

function weightGradProblem(s: ConvShape): GemmProblem {
  const { outHeight: OH, outWidth: OW, inHeight: H, inWidth: W, inChannels: IC, outChannels: OC, strideWidth: SW } = s;
  const rows = s.kernelHeight * s.kernelWidth * IC;
  const outside = reachesOutside(s);
  return {
    name: `conv2d.weightGrad ${describe(s)}`,
    rows,
    columns: OC,
    layers: 1,
    segments: s.batch * OH,
    depth: OW,
    a: {
      size: s.batch * H * W * IC,
      extent: rows,
      contiguous: "free",
      vec4: IC % 4 === 0,
      stride: SW * IC,
      outside: outside ? "ends" : "never",
      site: wgsl`
        let tap = i / ${IC}u;
        return vec3i(
          i32(i % ${IC}u),
          i32(tap / ${s.kernelWidth}u) - ${s.paddingHeight},
          i32(tap % ${s.kernelWidth}u) - ${s.paddingWidth});`,
      run: wgsl`
        let y = i32(segment % ${OH}u * ${s.strideHeight}u) + site.y;
        let at = ((i32(segment / ${OH}u) * ${H} + y) * ${W} + site.z) * ${IC} + site.x;
        #if ${outside}
        // The line's pixels ow for which 0 <= ow S + kw - P < W.
        let first = max(0, ${SW - 1} - site.z) / ${SW};
        let end = min(max(0, ${W - 1 + SW} - site.z) / ${SW}, ${OW});
        return Run(at, u32(first), select(0u, u32(max(end - first, 0)), u32(y) < ${H}u));
        #else
        return Run(at, 0u, ${OW}u);
        #endif`,
    },
    b: {
      size: s.batch * OH * OW * OC,
      extent: OC,
      contiguous: "free",
      vec4: OC % 4 === 0,
      stride: OC,
      outside: "never",
      site: "return vec3i(i32(i), 0, 0);",
      run: `return Run(i32(segment) * ${OW * OC} + site.x, 0u, ${OW}u);`,
    },
    c: { size: rows * OC, row: `return i32(row * ${OC}u);`, holes: false },
  };
}

function describe(s: ConvShape): string {
  const kernel = `k${s.kernelHeight}x${s.kernelWidth} s${s.strideHeight}x${s.strideWidth} p${s.paddingHeight}x${s.paddingWidth}`;
  return `${s.batch}x${s.inHeight}x${s.inWidth}x${s.inChannels} ${s.outHeight}x${s.outWidth}x${s.outChannels} ${kernel}`;
}
