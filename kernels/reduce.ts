/**
 * Scaled sums and maxima over dimensions: out[k] = s·Σ_r f(a[k, r], b[k, r], ...), where f is a fused elementwise expression.
 *
 * Long sums run in two stages, so that rounding errors grow with the root of the length's parts and not with the length, and so that
 * there is work for every lane: stage 1 leaves P partial results for each k in scratch [P, K], stage 2 adds those up.
 *
 * Bindings: the operands, then the result (stage 1: scratch). Two forms of stage 1:
 * - columns: the fastest dimension is kept. Lanes lie side by side on k (vec4 where it allows), each walks its part of r.
 * - rows: the fastest dimension is reduced. Lanes interleave along r, vec4 where it allows.
 * Variants: "staged" has no barriers (software adapters); "tree" splits each part over the lanes of a workgroup and joins them in
 * workgroup memory (GPUs). No atomics: the order of the sum is fixed, so the same adapter gives the same bits.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import type { AdapterTraits, Kernel, Launch, Lowering } from "./kernel.js";
import { input, output, scratch } from "./kernel.js";
import {
  binding,
  bindingTypes,
  Constants,
  coordinates,
  entry,
  flatIndex,
  literal,
  type Load,
  LANES,
  type LoopAxis,
  offset,
  quarter,
  read,
  total,
  vectorizes,
  workgroupsFor,
} from "./loops.js";
import { type Body, types } from "./map.js";

export interface ReduceProblem {
  readonly name: string;
  readonly combine: "sum" | "max";
  /** Factor on the result. */
  readonly scale: number;
  /** Kept loops, slowest first, in the result's order. The steps are the operands'. */
  readonly kept: readonly LoopAxis[];
  readonly reduced: readonly LoopAxis[];
  readonly rows: boolean;
  readonly loads: readonly Load[];
  /** Bindings of the operands; the result comes after them. */
  readonly bindings: number;
  readonly body: Body;
}

export const reduceVariants = ["staged", "tree"] as const;
export type ReduceVariant = (typeof reduceVariants)[number];

/** Elements that one invocation adds up one after the other. */
const PART = 256;

export function reduce(problem: ReduceProblem, traits: AdapterTraits, variant?: ReduceVariant): Lowering {
  const tree = (variant ?? (traits.software ? "staged" : "tree")) === "tree";
  const kept = total(problem.kept);
  const inputs = Array.from({ length: problem.bindings }, (_, i) => input(i));
  const parts = Math.min(1024, Math.ceil(total(problem.reduced) / (tree ? PART * 16 : PART)));
  if (parts === 1) return { launches: [{ kernel: stage(problem, 1, tree), slots: [...inputs, output(0)] }], scratch: [] };
  const second: ReduceProblem = {
    name: `${problem.name} stage 2`,
    combine: problem.combine,
    scale: problem.scale,
    kept: [{ count: kept, steps: [1] }],
    reduced: [{ count: parts, steps: [kept] }],
    rows: false,
    loads: [{ binding: 0, operand: 0 }],
    bindings: 1,
    body: ([a]) => ({ statements: "", value: a! }),
  };
  const launches: Launch[] = [
    { kernel: stage({ ...problem, scale: 1 }, parts, tree), slots: [...inputs, scratch(0)] },
    { kernel: stage(second, 1, tree), slots: [scratch(0), output(0)] },
  ];
  return { launches, scratch: [parts * kept] };
}

const floatBits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;

function stage({ name, combine, scale, kept, reduced, rows, loads, bindings, body }: ReduceProblem, parts: number, tree: boolean): Kernel {
  const all = [...kept, ...reduced];
  const fastest = rows ? reduced.at(-1) : kept.at(-1);
  const wide = vectorizes(all, fastest);
  const narrow = (axes: readonly LoopAxis[]) => axes.map((a) => (wide && a === fastest ? quarter(a) : a));
  const outer = narrow(kept);
  const inner = narrow(reduced);
  // Simple nests share one text: their numbers are read from the constants.
  const constants = new Constants();
  const simple = kept.length <= 1 && reduced.length <= 1;
  const number = simple ? constants.reference : literal;
  const columns = total(outer);
  const [columnsText, lengthText, partsText] = [columns, total(inner), parts].map(number);
  const vector = (operand: number) => wide && fastest!.steps[operand] === 1;
  const kinds = bindingTypes(
    bindings,
    loads.map((l) => ({ ...l, vector: vector(l.operand) })),
  );
  const args = loads.map((l) =>
    read(
      `in${l.binding}`,
      kinds[l.binding]!,
      `${offset(outer, l.operand, "k", number)} + ${offset(inner, l.operand, "r", number)}`,
      vector(l.operand),
      wide,
    ),
  );
  const { statements, value } = body(args.map((_, i) => `x${i}`));
  const join = combine === "sum" ? (a: string, b: string) => `${a} + ${b}` : (a: string, b: string) => `max(${a}, ${b})`;
  const zero = combine === "sum" ? "T(0)" : "T(-3.4028234e38)";

  // In a tree, the lanes of a workgroup share out one part of r: all of them in rows, 8 kept columns wide otherwise.
  const across = tree ? (rows ? 1 : Math.min(8, LANES)) : 1;
  const along = tree ? LANES / across : 1;
  const groups = tree ? Math.ceil(columns / across) : columns;
  const groupsText = tree ? number(groups) : "";
  const start = tree ? `part * ${along}u + ${rows ? "lane" : `lane / ${across}u`}` : "part";
  const joined = rows && wide ? join(join("sum.x", "sum.y"), join("sum.z", "sum.w")) : "sum";
  const whole = scale === 1 ? joined : `(${joined}) * ${simple ? `bitcast<f32>(${number(floatBits(scale))})` : scale}`;
  const code = wgsl`// ${name}
${types(wide)}
${kinds.map((type, b) => binding(b, `in${b}`, type)).join("\n")}
${binding(bindings, "result", wide && !rows ? "vec4f" : "f32")}
${constants.declaration(bindings + 1)}
#if ${tree}
var<workgroup> shared_sums: array<T, ${LANES}>;
#endif

${entry()} {
#if ${tree}
  let group = workgroup.x + workgroup.y * 65535u;
  let part = group / ${groupsText};
  let k = (group % ${groupsText}) * ${across}u + lane % ${across}u;
#else
  let i = ${flatIndex()};
  let part = i / ${columnsText};
  let k = i % ${columnsText};
#endif
  let live = k < ${columnsText} && part < ${partsText};
  var sum = ${zero};
  if (live) {
    ${coordinates(outer, "k", "k")}
    // A lane's elements lie apart, so that neighbours in memory belong to neighbouring parts, which run side by side.
    for (var r = ${start}; r < ${lengthText}; r += ${partsText} * ${along}u) {
      ${coordinates(inner, "r", "r")}
${args.map((a, i) => `      let x${i} = ${a};`).join("\n")}
${statements}
      sum = ${join("sum", value)};
    }
  }
#if ${tree}
  shared_sums[lane] = sum;
  for (var half = ${LANES / 2}u; half >= ${across}u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { shared_sums[lane] = ${join("shared_sums[lane]", "shared_sums[lane + half]")}; }
  }
  sum = shared_sums[lane];
  if (live && lane < ${across}u) { result[part * ${columnsText} + k] = ${whole}; }
#else
  if (live) { result[part * ${columnsText} + k] = ${whole}; }
#endif
}
`;
  return { name, code, constants: constants.values, workgroups: tree ? workgroupsFor(groups * parts, 1) : workgroupsFor(columns * parts) };
}
