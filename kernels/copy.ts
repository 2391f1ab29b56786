/**
 * Copies of rectangular regions between tensors of any memory order: concat, slice, pad; and zeros for what lies between packed tensors.
 *
 * out[to + Σ c_d·to_d] = in[from + Σ c_d·from_d] for all coordinates c of the region.
 * Bindings: 0 source, 1 result. One invocation copies one element, or four where both sides are contiguous and start at multiples of
 * four. The launches of a `concat` write disjoint regions of the same result.
 */
import type { Kernel, Lowering } from "./kernel.js";
import { input, output } from "./kernel.js";
import { binding, coordinates, entry, flatIndex, type LoopAxis, offset, quarter, total, vectorizes, workgroupsFor } from "./loops.js";

export interface Region {
  readonly shape: readonly number[];
  /** Strides and first element in the source, over the region's dimensions. */
  readonly from: readonly number[];
  readonly fromOffset?: number;
  readonly to: readonly number[];
  readonly toOffset?: number;
}

/** Copies one region per input into the output. `order` is the result's memory order, walked fastest last. */
export function copyRegions(name: string, regions: readonly Region[], order: readonly number[]): Lowering {
  const launches = regions.map((region, i) => ({ kernel: copyRegion(name, region, order), slots: [input(i), output(0)] }));
  return { launches, scratch: [] };
}

function copyRegion(name: string, { shape, from, to, fromOffset = 0, toOffset = 0 }: Region, order: readonly number[]): Kernel {
  const axes = order.filter((d) => shape[d] !== 1).map((d): LoopAxis => ({ count: shape[d]!, steps: [from[d]!, to[d]!] }));
  const fastest = axes.at(-1);
  const wide = vectorizes(axes, fastest) && fastest!.steps.every((s) => s === 1) && fromOffset % 4 === 0 && toOffset % 4 === 0;
  const walk = wide ? [...axes.slice(0, -1), quarter(fastest!)] : axes;
  const type = wide ? "vec4u" : "u32";
  const place = (start: number, operand: number) =>
    wide ? `(${start}u + ${offset(walk, operand, "c")}) / 4u` : `${start}u + ${offset(walk, operand, "c")}`;
  const code = `// ${name}
${binding(0, "source", type)}
${binding(1, "result", type)}

${entry()} {
  let i = ${flatIndex()};
  if (i >= ${total(walk)}u) { return; }
  ${coordinates(walk, "i", "c")}
  result[${place(toOffset, 1)}] = source[${place(fromOffset, 0)}];
}
`;
  return { name, code, workgroups: workgroupsFor(total(walk)) };
}

export interface PadProblem {
  /** The padded shape and its memory order. */
  readonly shape: readonly number[];
  readonly order: readonly number[];
  /** The source's strides. */
  readonly from: readonly number[];
  readonly dimension: number;
  /** First and one-past-last position, along the padded dimension, that come from the source. */
  readonly before: number;
  readonly end: number;
}

/** out[c] = in[c − before along the dimension] inside the source, 0 outside. Bindings: 0 source, 1 result. */
export function padRegion({ shape, order, from, dimension, before, end }: PadProblem): Lowering {
  const axes = order.map((d): LoopAxis => ({ count: shape[d]!, steps: [from[d]!] }));
  const along = `c${order.indexOf(dimension)}`;
  const terms = order.map((d, a) => `${d === dimension ? `(${along} - ${before}u)` : `c${a}`} * ${from[d]!}u`).join(" + ");
  const code = `// pad
${binding(0, "source", "u32")}
${binding(1, "result", "u32")}

${entry()} {
  let i = ${flatIndex()};
  if (i >= ${total(axes)}u) { return; }
  ${coordinates(axes, "i", "c")}
  var value = 0u;
  if (${along} >= ${before}u && ${along} < ${end}u) { value = source[${terms}]; }
  result[i] = value;
}
`;
  return {
    launches: [{ kernel: { name: "pad", code, workgroups: workgroupsFor(total(axes)) }, slots: [input(0), output(0)] }],
    scratch: [],
  };
}

/**
 * Zeros in [start, end) of each gap. Binding: 0 result. One invocation fills one gap; where they are stands in the constants, two in a
 * vector.
 */
export function zeroGaps(gaps: readonly { readonly start: number; readonly end: number }[]): Kernel {
  const code = `// zeros between
${binding(0, "result", "f32")}
@group(0) @binding(1) var<uniform> constants: array<vec4u, ${Math.ceil(gaps.length / 2)}>;

${entry()} {
  let i = ${flatIndex()};
  if (i >= ${gaps.length}u) { return; }
  let pair = constants[i / 2u];
  let gap = select(pair.xy, pair.zw, i % 2u == 1u);
  for (var at = gap.x; at < gap.y; at++) { result[at] = 0.0; }
}
`;
  const constants = gaps.flatMap(({ start, end }) => [start, end]);
  return { name: "zeros between", code, constants, workgroups: workgroupsFor(gaps.length) };
}
