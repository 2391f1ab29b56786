/**
 * Scaled sums and maxima over dimensions: out[k] = s·Σ_r f(a[k, r], b[k, r], ...), where f is a fused elementwise expression. Several
 * results over the same loops are made in one pass: out_0, out_1, ... from f_0, f_1, ...
 *
 * Long sums run in two stages, so that rounding errors grow with the root of the length's parts and not with the length, and so that
 * there is work for every lane: stage 1 leaves P partial results for each k in scratch [results, P, K], stage 2 adds those up.
 *
 * Bindings: the operands, then the results (stage 1: scratch). Two forms of stage 1:
 * - columns: the fastest dimension is kept. Lanes lie side by side on k (vec4 where it allows), each walks its part of r.
 * - rows: the fastest dimension is reduced. Lanes interleave along r, vec4 where it allows.
 * Variants: "staged" has no barriers (software adapters); "tree" splits each part over the lanes of a workgroup and joins them in
 * workgroup memory (GPUs). No atomics: the order of the sum is fixed, so the same adapter gives the same bits.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import type { AdapterTraits, Kernel, Launch, Lowering } from "./kernel.js";
import { input, output, scratch } from "./kernel.js";
import {
  ACROSS,
  binding,
  bindingTypes,
  Constants,
  coordinates,
  entry,
  flatIndex,
  groupIndex,
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
import { types } from "./map.js";
import { larger, minusInfinity } from "./non-finite.js";

/** Statements that compute one value for each result from the arguments' names; T is f32 or vec4f and U the unsigned integers of that width. */
export type Bodies = (args: readonly string[]) => { statements: string; values: readonly string[] };

export interface ReduceProblem {
  readonly name: string;
  readonly combine: "sum" | "max";
  /** Factor on each result. */
  readonly scales: readonly number[];
  /** Kept loops, slowest first, in the results' order. The steps are the operands'. */
  readonly kept: readonly LoopAxis[];
  readonly reduced: readonly LoopAxis[];
  readonly rows: boolean;
  readonly loads: readonly Load[];
  /** Bindings of the operands; the results come after them. */
  readonly bindings: number;
  readonly bodies: Bodies;
}

export const reduceVariants = ["staged", "tree"] as const;
export type ReduceVariant = (typeof reduceVariants)[number];

/** Elements that one invocation adds up one after the other: few on a GPU, where a walk by few lanes is all waiting. */
const PART = { staged: 256, tree: 32 };

/** Inputs: the operands. Outputs: the results. */
export function reduce(problem: ReduceProblem, traits: AdapterTraits, variant?: ReduceVariant): Lowering {
  const tree = (variant ?? (traits.software ? "staged" : "tree")) === "tree";
  const kept = total(problem.kept);
  const inputs = Array.from({ length: problem.bindings }, (_, i) => input(i));
  const outputs = problem.scales.map((_, i) => output(i));
  const share = tree ? (problem.rows ? LANES : LANES / ACROSS) * PART.tree : PART.staged;
  const parts = Math.min(1024, Math.ceil(total(problem.reduced) / share));
  if (parts === 1) return { launches: [{ kernel: stage(problem, 1, tree, false), slots: [...inputs, ...outputs] }], scratch: [] };
  const results = outputs.map((_, i) => i);
  const second: ReduceProblem = {
    name: `${problem.name} stage 2`,
    combine: problem.combine,
    scales: problem.scales,
    kept: [{ count: kept, steps: results.map(() => 1) }],
    reduced: [{ count: parts, steps: results.map(() => kept) }],
    rows: false,
    loads: results.map((i) => ({ binding: 0, operand: i, first: i * parts * kept })),
    bindings: 1,
    bodies: (args) => ({ statements: "", values: args }),
  };
  const launches: Launch[] = [
    { kernel: stage({ ...problem, scales: problem.scales.map(() => 1) }, parts, tree, true), slots: [...inputs, scratch(0)] },
    { kernel: stage(second, 1, tree, false), slots: [scratch(0), ...outputs] },
  ];
  return { launches, scratch: [results.length * parts * kept] };
}

const floatBits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;

/** NaN where one of the numbers is; written as functions, since each argument is read several times. */
const MAXIMA = `fn larger(a: T, b: T) -> T { return ${larger("a", "b")}; }
fn larger_of(a: f32, b: f32) -> f32 { return ${larger("a", "b", "u32")}; }
fn largest(x: vec4f) -> f32 { return larger_of(larger_of(x.x, x.y), larger_of(x.z, x.w)); }`;

/** One stage; `together`: all results go to one buffer [results, parts, K], otherwise each to its own. */
function stage(problem: ReduceProblem, parts: number, tree: boolean, together: boolean): Kernel {
  const { name, combine, scales, kept, reduced, rows, loads, bindings, bodies } = problem;
  const all = [...kept, ...reduced];
  const fastest = rows ? reduced.at(-1) : kept.at(-1);
  const wide = vectorizes(all, fastest) && loads.every(({ first = 0 }) => first % 4 === 0);
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
  const args = loads.map((l) => {
    const from = l.first === undefined || l.first === 0 ? "" : ` + ${number(l.first)}`;
    const at = `${offset(outer, l.operand, "k", number)} + ${offset(inner, l.operand, "r", number)}${from}`;
    return read(`in${l.binding}`, kinds[l.binding]!, at, vector(l.operand), wide);
  });
  const { statements, values } = bodies(args.map((_, i) => `x${i}`));
  const results = values.map((_, i) => i);
  const join = combine === "sum" ? (a: string, b: string) => `${a} + ${b}` : (a: string, b: string) => `larger(${a}, ${b})`;
  const zero = combine === "sum" ? "T(0)" : "T(lowest)";

  // In a tree, the lanes of a workgroup share out one part of r: all of them in rows, some kept columns wide otherwise.
  const across = tree && !rows ? ACROSS : 1;
  const along = tree ? LANES / across : 1;
  const groups = tree ? Math.ceil(columns / across) : columns;
  const groupsText = tree ? number(groups) : "";
  const start = tree ? `part * ${along}u + ${rows ? "lane" : `lane / ${across}u`}` : "part";
  const joined = (s: string) => (rows && wide ? joinLanes(s) : s);
  const joinLanes = (s: string) => (combine === "sum" ? `${s}.x + ${s}.y + ${s}.z + ${s}.w` : `largest(${s})`);
  const whole = (i: number) =>
    scales[i] === 1
      ? joined(`sum${i}`)
      : `(${joined(`sum${i}`)}) * ${simple ? `bitcast<f32>(${number(floatBits(scales[i]!))})` : scales[i]!}`;
  const element = wide && !rows ? "vec4f" : "f32";
  const stores = results.map((i) =>
    together
      ? `result0[(${i}u * ${partsText} + part) * ${columnsText} + k] = ${whole(i)};`
      : `result${i}[part * ${columnsText} + k] = ${whole(i)};`,
  );
  const store = (condition: string) => `  if (${condition}) {\n${stores.map((s) => `    ${s}`).join("\n")}\n  }`;
  const buffers = together ? [0] : results;
  const shared = results.map((i) => `shared_sums${i}`);
  const code = wgsl`// ${name}
${types(wide)}
${kinds.map((type, b) => binding(b, `in${b}`, type)).join("\n")}
${buffers.map((i) => binding(bindings + i, `result${i}`, element)).join("\n")}
${constants.declaration(bindings + buffers.length)}
${combine === "max" ? MAXIMA : ""}
#if ${tree}
${shared.map((s) => `var<workgroup> ${s}: array<T, ${LANES}>;`).join("\n")}
#endif

${entry()} {
#if ${tree}
  let group = ${groupIndex};
  let part = group / ${groupsText};
  let k = (group % ${groupsText}) * ${across}u + lane % ${across}u;
#else
  let i = ${flatIndex()};
  let part = i / ${columnsText};
  let k = i % ${columnsText};
#endif
  let live = k < ${columnsText} && part < ${partsText};
  ${combine === "max" ? minusInfinity("lowest") : ""}
  ${results.map((i) => `var sum${i} = ${zero};`).join(" ")}
  if (live) {
    ${coordinates(outer, "k", "k")}
    // A lane's elements lie apart, so that neighbours in memory belong to neighbouring parts, which run side by side.
    for (var r = ${start}; r < ${lengthText}; r += ${partsText} * ${along}u) {
      ${coordinates(inner, "r", "r")}
${args.map((a, i) => `      let x${i} = ${a};`).join("\n")}
${statements}
${values.map((value, i) => `      sum${i} = ${join(`sum${i}`, value)};`).join("\n")}
    }
  }
#if ${tree}
  ${shared.map((s, i) => `${s}[lane] = sum${i};`).join(" ")}
  for (var half = ${LANES / 2}u; half >= ${across}u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
${shared.map((s) => `      ${s}[lane] = ${join(`${s}[lane]`, `${s}[lane + half]`)};`).join("\n")}
    }
  }
  ${shared.map((s, i) => `sum${i} = ${s}[lane];`).join(" ")}
${store(`live && lane < ${across}u`)}
#else
${store("live")}
#endif
}
`;
  return { name, code, constants: constants.values, workgroups: tree ? workgroupsFor(groups * parts, 1) : workgroupsFor(columns * parts) };
}
