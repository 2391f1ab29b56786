/**
 * Mean, variance and inverse deviation over dimensions, in one pass over memory: for each k, of the n values x[k, r],
 *
 *   μ = Σ x / n        m₂ = Σ (x − μ)²        variance = m₂ / (n − 1)        inverse = 1 / √(m₂ / n + ε)
 *
 * Stage 1 sums, in parts of some hundred elements, d = x − pivot, the pivot being the part's first element, and m₂ by Youngs and Cramer
 * (1971), in which nothing is taken away from what was added up: with each element, the sum t then being of n,
 *
 *   t ← t + d,    m₂ ← m₂ + (n·d − t)² / (n (n − 1));    a part's mean is pivot + t / n
 *
 * (m₂ as Σd² − (Σd)² / n is faster by a twentieth, and off by up to 4e-6 for random numbers where the pivot lies at an end of them.)
 * Later stages join parts by Chan, Golub and LeVeque (1979), which subtracts nothing either:
 *
 *   μ ← μ + δ·n_p / (n + n_p),    m₂ ← m₂ + m_p + δ²·n·n_p / (n + n_p),    δ = μ_p − μ
 *
 * As in reduce.ts, rounding errors hardly grow with n: an invocation joins blocks of 16 parts and then the blocks, some hundred parts in all,
 * and of more parts a stage leaves fewer. What stage 1 adds up are deviations, which are zero where numbers are equal.
 *
 * Bindings: stage 1: x, scratch [3, P, K] (means, m₂, counts); then, where there are many parts, scratch, scratch; last scratch, mean [K],
 * variance [K], inverse [K].
 * Tiles: one invocation a part of a k (of four, as vec4, where k is the fastest dimension and allows it), then one a k. Lanes lie side by side
 * on k, so on tensors whose kept dimension is not the fastest in memory it is correct, but slow on GPUs.
 * Variants: "staged" has no barriers (software adapters); in "tree" the lanes of a workgroup, 8 wide on k, share out a part, or the parts,
 * and join in workgroup memory (GPUs, where a long walk by few lanes is all waiting). No atomics: the order of the sums is fixed.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import type { AdapterTraits, Kernel, Launch, Lowering } from "./kernel.js";
import { input, output, scratch } from "./kernel.js";
import {
  ACROSS,
  binding,
  Constants,
  coordinates,
  entry,
  flatIndex,
  groupIndex,
  LANES,
  literal,
  type LoopAxis,
  offset,
  quarter,
  total,
  vectorizes,
  workgroupsFor,
} from "./loops.js";
import { types } from "./map.js";
import { BLOCK, partsOf, partWalk } from "./part-walk.js";

export interface MomentsProblem {
  /** Loops over x, the results' first; operand 0 of the steps is x. */
  readonly kept: readonly LoopAxis[];
  readonly reduced: readonly LoopAxis[];
  readonly epsilon: number;
}

export const MOMENTS_VARIANTS = ["staged", "tree"] as const;
export type MomentsVariant = (typeof MOMENTS_VARIANTS)[number];

/** Elements, or parts, that one invocation walks. */
const PART = { staged: 256, tree: 32 };

/** Lanes that share out a part in a tree. */
const ALONG = LANES / ACROSS;

/** Inputs: x. Outputs: mean, variance (unbiased), inverse deviation, [K] each. */
export function moments(problem: MomentsProblem, traits: AdapterTraits, variant?: MomentsVariant): Lowering {
  const chosen = variant ?? (traits.software ? "staged" : "tree");
  const kept = total(problem.kept);
  const share = chosen === "tree" ? ALONG * PART.tree : PART.staged;
  const launches: Launch[] = [];
  const scratchSizes: number[] = [];
  let parts = partsOf(total(problem.reduced), share);
  launches.push({ kernel: partMoments(problem, parts, chosen), slots: [input(0), scratch(0)] });
  scratchSizes.push(3 * parts * kept);
  while (parts > share) {
    const fewer = partsOf(parts, share);
    const from = scratchSizes.length - 1;
    launches.push({ kernel: joinMoments(problem, parts, fewer, chosen), slots: [scratch(from), scratch(from + 1)] });
    scratchSizes.push(3 * fewer * kept);
    parts = fewer;
  }
  const slots = [scratch(scratchSizes.length - 1), output(0), output(1), output(2)];
  launches.push({ kernel: joinMoments(problem, parts, 1, chosen), slots });
  return { launches, scratch: scratchSizes };
}

const JOIN = `struct Part { mean: T, m2: T, n: f32 }

fn join(a: Part, b: Part) -> Part {
  let n = a.n + b.n;
  let share = b.n / max(n, 1.0);
  let delta = b.mean - a.mean;
  return Part(a.mean + delta * share, a.m2 + b.m2 + delta * delta * a.n * share, n);
}`;

/** Where an invocation stands: which k, which part, and of how many lanes that share a part it is which. */
function place(variant: MomentsVariant, columns: number, number: (value: number) => string) {
  if (variant === "staged") {
    const text = number(columns);
    return { along: 1, groups: columns, part: `i / ${text}`, k: `i % ${text}`, lane: "0u", index: `let i = ${flatIndex()};` };
  }
  const groups = Math.ceil(columns / ACROSS);
  const text = number(groups);
  return {
    ...{ along: ALONG, groups, part: `group / ${text}`, k: `group % ${text} * ${ACROSS}u + lane % ${ACROSS}u`, lane: `lane / ${ACROSS}u` },
    index: `let group = ${groupIndex};`,
  };
}

/** Joins `own` of the lanes that share a part; the first of them then has it all. */
const joinLanes = (variant: MomentsVariant): string =>
  variant === "staged"
    ? ""
    : `shared_parts[lane] = own;
  for (var half = ${LANES / 2}u; half >= ${ACROSS}u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { shared_parts[lane] = join(shared_parts[lane], shared_parts[lane + half]); }
  }
  own = shared_parts[lane];`;

const sharedParts = (variant: MomentsVariant): string => (variant === "tree" ? `var<workgroup> shared_parts: array<Part, ${LANES}>;` : "");

const launchSize = (variant: MomentsVariant, groups: number) => workgroupsFor(groups, variant === "tree" ? 1 : LANES);

function partMoments({ kept, reduced }: MomentsProblem, parts: number, variant: MomentsVariant): Kernel {
  const fastest = kept.at(-1);
  const wide = vectorizes([...kept, ...reduced], fastest) && fastest!.steps[0] === 1;
  const outer = kept.map((a) => (wide && a === fastest ? quarter(a) : a));
  const constants = new Constants();
  const number = kept.length <= 1 && reduced.length <= 1 ? constants.reference : literal;
  const [columns, partCount] = [total(outer), parts].map(number);
  const { along, groups, part, k, lane, index } = place(variant, total(outer), number);
  const walk = partWalk(total(reduced), parts, { along, lane, number });
  const type = wide ? "vec4f" : "f32";
  const at = `${offset(outer, 0, "k", number)} + ${offset(reduced, 0, "r", number)}`;
  const value = wide ? `x[(${at}) / 4u]` : `x[${at}]`;
  const code = wgsl`// moments of parts, ${variant}
${types(wide)}
${binding(0, "x", type)}
${binding(1, "parts", type)}
${constants.declaration(2)}
${JOIN}
${sharedParts(variant)}

${entry()} {
  ${index}
  let part = ${part};
  let k = ${k};
  let live = k < ${columns} && part < ${partCount};
  var pivot = T(0);
  var sum = T(0);
  var m2 = T(0);
  var count = 0.0;
  if (live) {
    ${coordinates(outer, "k", "k")}
    for (var r = ${walk.first}; r < ${walk.end}; r += ${walk.step}) {
      ${coordinates(reduced, "r", "r")}
      let value = ${value};
      pivot = select(pivot, value, count == 0.0);
      let d = value - pivot;
      sum += d;
      count += 1.0;
      let t = count * d - sum;
      m2 += t * t * (1.0 / max(count * (count - 1.0), 1.0));
    }
  }
  let mean = sum / max(count, 1.0);
  var own = Part(pivot + mean, m2, count);
  ${joinLanes(variant)}
  if (live && ${lane} == 0u) {
    parts[part * ${columns} + k] = own.mean;
    parts[(${partCount} + part) * ${columns} + k] = own.m2;
    parts[(2u * ${partCount} + part) * ${columns} + k] = T(own.n);
  }
}
`;
  return { name: "moments", code, constants: constants.values, workgroups: launchSize(variant, groups * parts) };
}

/** Joins parts to fewer; to one: the results. */
function joinMoments({ kept, epsilon }: MomentsProblem, parts: number, fewer: number, variant: MomentsVariant): Kernel {
  const constants = new Constants();
  const [columns, partCount, fewerCount] = [total(kept), parts, fewer].map(constants.reference);
  const { along, groups, part, k, lane, index } = place(variant, total(kept), constants.reference);
  const walk = partWalk(parts, fewer, { along, lane, number: constants.reference });
  const last = fewer === 1;
  const next = `Part(parts[r * ${columns} + k], parts[(${partCount} + r) * ${columns} + k], parts[(2u * ${partCount} + r) * ${columns} + k])`;
  const code = wgsl`// moments joined, ${variant}
alias T = f32;
${binding(0, "parts", "f32")}
${(last ? ["mean", "variance", "inverse"] : ["fewer"]).map((name, i) => binding(1 + i, name, "f32")).join("\n")}
${constants.declaration(last ? 4 : 2)}
${JOIN}
${sharedParts(variant)}

${entry()} {
  ${index}
  let part = ${part};
  let k = ${k};
  let live = k < ${columns} && part < ${fewerCount};
  var own = Part(0.0, 0.0, 0.0);
  if (live) {
#if ${walk.blocked}
    for (var r = ${walk.first}; r < ${walk.end};) {
      let stop = min(r + ${BLOCK}u * ${walk.step}, ${walk.end});
      var block = Part(0.0, 0.0, 0.0);
      for (; r < stop; r += ${walk.step}) { block = join(block, ${next}); }
      own = join(own, block);
    }
#else
    for (var r = ${walk.first}; r < ${walk.end}; r += ${walk.step}) { own = join(own, ${next}); }
#endif
  }
  ${joinLanes(variant)}
  if (live && ${lane} == 0u) {
#if ${last}
    mean[k] = own.mean;
    variance[k] = own.m2 / max(own.n - 1.0, 1.0);
    inverse[k] = inverseSqrt(own.m2 / own.n + ${epsilon});
#else
    fewer[part * ${columns} + k] = own.mean;
    fewer[(${fewerCount} + part) * ${columns} + k] = own.m2;
    fewer[(2u * ${fewerCount} + part) * ${columns} + k] = own.n;
#endif
  }
}
`;
  return { name: "moments joined", code, constants: constants.values, workgroups: launchSize(variant, groups * fewer) };
}
