/**
 * Scaled sums and maxima over dimensions: out[k] = s·Σ_r f(a[k, r], b[k, r], ...), where f is a fused elementwise expression. Several
 * results over the same loops are made in one pass: out_0, out_1, ... from f_0, f_1, ...
 *
 * A sum in one row of n equal numbers is off by n 2^-26 at worst, so no number is added to one more than some 32 times as large: a lane
 * adds up blocks of 16 and then the blocks, and long sums run in stages, which also leaves work for every lane. Stage 1 leaves P partial
 * results for each k in scratch [results, P, K], which are few enough a lane or are reduced in stages themselves.
 *
 * Bindings: the operands, then the results (stage 1: scratch). Two forms of stage 1:
 * - columns: the fastest dimension is kept. Lanes lie side by side on k (vec4 where it allows), each walks its part of r.
 * - rows: the fastest dimension is reduced. Lanes interleave along r, vec4 where it allows.
 * Variants: "staged" has no barriers (software adapters); "tree" splits each part over the lanes of a workgroup and joins them in
 * workgroup memory (GPUs). No atomics: the order of the sum is fixed, so the same adapter gives the same bits.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import type { AdapterTraits, Kernel, Launch, Lowering, Slot } from "./kernel.js";
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
import { BLOCK, partsOf, partWalk } from "./part-walk.js";

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

export const REDUCE_VARIANTS = ["staged", "tree"] as const;
export type ReduceVariant = (typeof REDUCE_VARIANTS)[number];

/** Elements that one invocation walks: few on a GPU, where a walk by few lanes is all waiting. */
const PART = { staged: 256, tree: 32 };

/** Inputs: the operands. Outputs: the results. */
export function reduce(problem: ReduceProblem, traits: AdapterTraits, variant?: ReduceVariant): Lowering {
  return stages(problem, (variant ?? (traits.software ? "staged" : "tree")) === "tree", `${problem.name} later stage`);
}

/** A stage, and those that follow. */
function stages(problem: ReduceProblem, tree: boolean, later: string): Lowering {
  const kept = total(problem.kept);
  const inputs = Array.from({ length: problem.bindings }, (_, i) => input(i));
  const outputs = problem.scales.map((_, i) => output(i));
  const share = tree ? (problem.rows ? LANES : LANES / ACROSS) * PART.tree : PART.staged;
  const parts = partsOf(total(problem.reduced), share);
  if (parts === 1) return { launches: [{ kernel: stage(problem, 1, tree, false), slots: [...inputs, ...outputs] }], scratch: [] };
  const results = outputs.map((_, i) => i);
  const next: ReduceProblem = {
    name: later,
    combine: problem.combine,
    scales: problem.scales,
    kept: [{ count: kept, steps: results.map(() => 1) }],
    reduced: [{ count: parts, steps: results.map(() => kept) }],
    rows: false,
    loads: results.map((i) => ({ binding: 0, operand: i, first: i * parts * kept })),
    bindings: 1,
    bodies: (args) => ({ statements: "", values: args }),
  };
  const kernel = stage({ ...problem, scales: problem.scales.map(() => 1) }, parts, tree, true);
  return following([{ kernel, slots: [...inputs, scratch(0)] }], results.length * parts * kept, stages(next, tree, later));
}

/** The launches, which leave `size` elements in scratch 0, and then a lowering whose only input those are. */
function following(launches: readonly Launch[], size: number, next: Lowering): Lowering {
  const moved = (slot: Slot): Slot => (slot.role === "input" ? scratch(0) : slot.role === "scratch" ? scratch(slot.index + 1) : slot);
  return {
    launches: [...launches, ...next.launches.map(({ kernel, slots }) => ({ kernel, slots: slots.map(moved) }))],
    scratch: [size, ...next.scratch],
  };
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
  const [columnsText, partsText] = [columns, parts].map(number);
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
  const { first, end, step, blocked: long } = partWalk(total(inner), parts, { along, lane: rows ? "lane" : `lane / ${across}u`, number });
  const blocked = long && combine === "sum";
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
#if ${blocked}
  let end = ${end};
  let step = ${step};
  var r = ${first};
#endif
  if (live${blocked ? " && r < end" : ""}) {
    ${coordinates(outer, "k", "k")}
#if ${blocked}
    // The loops' conditions stand at their feet: at the head, a CPU adapter runs a body once more than it is asked to, with all lanes off.
    loop {
      let stop = min(r + ${BLOCK}u * step, end);
      ${results.map((i) => `var block${i} = ${zero};`).join(" ")}
      loop {
        ${coordinates(inner, "r", "r")}
${args.map((a, i) => `        let x${i} = ${a};`).join("\n")}
${statements}
${values.map((value, i) => `        block${i} += ${value};`).join("\n")}
        continuing { r += step; break if (r >= stop); }
      }
      ${results.map((i) => `sum${i} += block${i};`).join(" ")}
      continuing { break if (r >= end); }
    }
#else
    for (var r = ${first}; r < ${end}; r += ${step}) {
      ${coordinates(inner, "r", "r")}
${args.map((a, i) => `      let x${i} = ${a};`).join("\n")}
${statements}
${values.map((value, i) => `      sum${i} = ${join(`sum${i}`, value)};`).join("\n")}
    }
#endif
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
