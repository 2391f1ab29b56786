/**
 * Mean, variance and inverse deviation over dimensions, in one pass over memory: for each k, of the n values x[k, r],
 *
 *   μ = Σ x / n        m₂ = Σ (x − μ)²        variance = m₂ / (n − 1)        inverse = 1 / √(m₂ / n + ε)
 *
 * Stage 1 sums, in parts of some hundred elements, d = x − pivot and d², the pivot being the part's first element: a part's mean is
 * pivot + Σd / n_p and its m₂ is Σd² − (Σd)² / n_p, in which little cancels since the pivot is one of the values (at worst, where it is
 * unlike all others, 8 of the 24 bits of that part's m₂). Stage 2 joins the parts by Chan, Golub and LeVeque (1979), which subtracts nothing:
 *
 *   μ ← μ + δ·n_p / (n + n_p),    m₂ ← m₂ + m_p + δ²·n·n_p / (n + n_p),    δ = μ_p − μ
 *
 * Bindings: stage 1: x, scratch [2, P, K] (means, then m₂); stage 2: scratch, mean [K], variance [K], inverse [K].
 * Tiles: stage 1: one invocation a part of a k (of four, as vec4, where k is the fastest dimension and allows it); stage 2: one a k.
 * Lanes lie side by side on k, so on tensors whose kept dimension is not the fastest in memory it is correct, but slow on GPUs.
 * No barriers and no atomics: the order of the sums is fixed.
 */
import type { Kernel, Lowering } from "./kernel.js";
import { input, output, scratch } from "./kernel.js";
import {
  binding,
  Constants,
  coordinates,
  entry,
  flatIndex,
  literal,
  type LoopAxis,
  offset,
  quarter,
  total,
  vectorizes,
  workgroupsFor,
} from "./loops.js";
import { types } from "./map.js";

export interface MomentsProblem {
  /** Loops over x, the results' first; operand 0 of the steps is x. */
  readonly kept: readonly LoopAxis[];
  readonly reduced: readonly LoopAxis[];
  readonly epsilon: number;
}

/** Elements that one invocation of stage 1 walks, and the most parts: what they have left in scratch is walked by one of stage 2. */
const PART = 256;
const MOST_PARTS = 512;

/** Inputs: x. Outputs: mean, variance (unbiased), inverse deviation, [K] each. */
export function moments(problem: MomentsProblem): Lowering {
  const kept = total(problem.kept);
  const parts = Math.min(MOST_PARTS, Math.ceil(total(problem.reduced) / PART));
  return {
    launches: [
      { kernel: partMoments(problem, parts), slots: [input(0), scratch(0)] },
      { kernel: joinMoments(problem, parts), slots: [scratch(0), output(0), output(1), output(2)] },
    ],
    scratch: [2 * parts * kept],
  };
}

function partMoments({ kept, reduced }: MomentsProblem, parts: number): Kernel {
  const fastest = kept.at(-1);
  const wide = vectorizes([...kept, ...reduced], fastest) && fastest!.steps[0] === 1;
  const outer = kept.map((a) => (wide && a === fastest ? quarter(a) : a));
  const constants = new Constants();
  const number = kept.length <= 1 && reduced.length <= 1 ? constants.reference : literal;
  const [columns, length, partCount] = [total(outer), total(reduced), parts].map(number);
  const type = wide ? "vec4f" : "f32";
  const at = `${offset(outer, 0, "k", number)} + ${offset(reduced, 0, "r", number)}`;
  const value = wide ? `x[(${at}) / 4u]` : `x[${at}]`;
  const code = `// moments of parts
${types(wide)}
${binding(0, "x", type)}
${binding(1, "parts", type)}
${constants.declaration(2)}

${entry()} {
  let i = ${flatIndex()};
  let part = i / ${columns};
  let k = i % ${columns};
  if (part >= ${partCount}) { return; }
  ${coordinates(outer, "k", "k")}
  var pivot = T(0);
  var sum = T(0);
  var squares = T(0);
  var count = 0.0;
  // A lane's elements lie apart, so that neighbours in memory belong to neighbouring parts, which run side by side.
  for (var r = part; r < ${length}; r += ${partCount}) {
    ${coordinates(reduced, "r", "r")}
    let value = ${value};
    pivot = select(pivot, value, count == 0.0);
    let d = value - pivot;
    sum += d;
    squares += d * d;
    count += 1.0;
  }
  let mean = sum / count;
  parts[part * ${columns} + k] = pivot + mean;
  parts[(${partCount} + part) * ${columns} + k] = max(squares - sum * mean, T(0));
}
`;
  return { name: "moments", code, constants: constants.values, workgroups: workgroupsFor(total(outer) * parts) };
}

function joinMoments({ kept, reduced, epsilon }: MomentsProblem, parts: number): Kernel {
  const constants = new Constants();
  const [columns, length, partCount] = [total(kept), total(reduced), parts].map(constants.reference);
  const code = `// moments joined
${binding(0, "parts", "f32")}
${["mean", "variance", "inverse"].map((name, i) => binding(1 + i, name, "f32")).join("\n")}
${constants.declaration(4)}

${entry()} {
  let k = ${flatIndex()};
  if (k >= ${columns}) { return; }
  var mu = 0.0;
  var m2 = 0.0;
  var n = 0.0;
  for (var p = 0u; p < ${partCount}; p++) {
    // Part p holds the elements p, p + P, p + 2 P ... of the length.
    let own = f32((${length} - p + ${partCount} - 1u) / ${partCount});
    let delta = parts[p * ${columns} + k] - mu;
    let all = n + own;
    mu += delta * own / all;
    m2 += parts[(${partCount} + p) * ${columns} + k] + delta * delta * n * own / all;
    n = all;
  }
  mean[k] = mu;
  variance[k] = m2 / max(n - 1.0, 1.0);
  inverse[k] = inverseSqrt(m2 / n + ${epsilon});
}
`;
  return { name: "moments joined", code, constants: constants.values, workgroups: workgroupsFor(total(kept)) };
}
