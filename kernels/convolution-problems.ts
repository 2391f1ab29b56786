/** The three directions of convolution (convolution.ts) as GEMM problems: what rows, columns, segments and depths mean in memory. */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import type { GemmProblem } from "./gemm-problem.js";
import type { Numbers } from "./loops.js";

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

/** With so few channels a GEMM of one tap's channels is too thin: forward takes a whole line of taps at once, the data gradient is folded. */
export const FEW_CHANNELS = 8;

export function forwardProblem(s: ConvShape, numbers: Numbers): GemmProblem {
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
      ...outputChannels(OC),
      run: `return Run(i32(${lines ? "major" : `(major * ${u(KW)} + minor)`}) * ${i(depth * OC)} + site.x, 0u, ${u(depth)});`,
    },
    c: { size: s.batch * OH * OW * OC, row: `return i32(row * ${u(OC)});`, holes: false },
  };
}

/** A factor whose free index is an output channel, which lies closest in memory. */
const outputChannels = (OC: number) => ({
  ...({ extent: OC, contiguous: "free", vec4: OC % 4 === 0, stride: OC, outside: "never" } as const),
  site: "return vec4i(i32(i), 0, 0, 0);",
});

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

/** `order` of the weights' channels in memory: [KH, KW, IC, OC] or [KH, KW, OC, IC]. */
export function dataGradProblem(s: ConvShape, numbers: Numbers, order: "io" | "oi"): GemmProblem {
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
      contiguous: order === "oi" ? "free" : "depth",
      vec4: (order === "oi" ? IC : OC) % 4 === 0,
      stride: order === "oi" ? IC : 1,
      outside: "never",
      site: `return vec4i(i32(i)${order === "oi" ? "" : ` * ${i(OC)}`}, i32(${offset.y} % ${tallStep}), i32(${offset.x} % ${wideStep}), 0);`,
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

export function weightGradProblem(s: ConvShape, numbers: Numbers): GemmProblem {
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
      ...outputChannels(OC),
      run: `return Run(i32(major * ${u(OH)} + minor) * ${i(OW * OC)} + site.x, 0u, ${u(OW)});`,
    },
    c: { size: rows * OC, row: `return i32(row * ${u(OC)});`, holes: false },
  };
}

export function describe(s: ConvShape): string {
  const kernel = `k${s.kernelHeight}x${s.kernelWidth} s${s.strideHeight}x${s.strideWidth} p${s.paddingHeight}x${s.paddingWidth}`;
  return `${s.batch}x${s.inHeight}x${s.inWidth}x${s.inChannels} ${s.outHeight}x${s.outWidth}x${s.outChannels} ${kernel}`;
}
