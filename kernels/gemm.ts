/**
 * Lowers a GEMM problem (gemm-problem.ts) to kernels: which variant, and in how many parts the reduction is cut.
 *
 *     gemm-naive.ts     one output element an invocation; the base rung
 *     gemm-register.ts  `outer` and `subgroup`: register tiles without barriers or workgroup memory
 *     gemm-tiled.ts     `tiled`: workgroup-memory tiles for GPUs
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import { naiveKernel } from "./gemm-naive.js";
import { type GemmProblem, Grid, roundUp, type SplitProblem } from "./gemm-problem.js";
import { registerKernel } from "./gemm-register.js";
import { tiledKernel } from "./gemm-tiled.js";
import { type AdapterTraits, input, type Kernel, type Lowering, output, scratch } from "./kernel.js";
import { type Numbers, numbersFor } from "./loops.js";

export const GEMM_VARIANTS = ["subgroup", "outer", "tiled", "naive"] as const;
export type GemmVariant = (typeof GEMM_VARIANTS)[number];

/** Names of the variants that run on such an adapter. */
export function gemmVariants(traits: AdapterTraits): readonly GemmVariant[] {
  return GEMM_VARIANTS.filter((variant) => {
    if (variant === "subgroup") return [4, 8, 16, 32, 64].includes(traits.subgroupSize);
    if (variant === "tiled") return traits.workgroupMemory >= 16384 && traits.maxInvocations >= 256;
    return true;
  });
}

/**
 * Lowers a problem by the named variant, or by the one the rule prefers on such an adapter.
 * @throws RangeError for a variant that does not run there.
 */
export function gemm(problem: GemmProblem, traits: AdapterTraits, variant?: string): Lowering {
  const names = gemmVariants(traits);
  const chosen = variant === undefined ? preferredVariant(traits) : names.find((name) => name === variant);
  if (!chosen) throw new RangeError(`${problem.name}: no variant "${variant}" on this adapter, it runs ${names.join(", ")}`);
  const splits = splitCount(problem, traits, chosen);
  const segmentsPerSplit = Math.max(1, Math.ceil(problem.segments / splits));
  const split: SplitProblem = { ...problem, splits: Math.max(1, Math.ceil(problem.segments / segmentsPerSplit)), segmentsPerSplit };
  const kernel = build(split, traits, chosen);
  if (split.splits === 1) return { launches: [{ kernel, slots: [input(0), input(1), output(0)] }], scratch: [] };
  return {
    launches: [
      { kernel, slots: [input(0), input(1), scratch(0)] },
      { kernel: sumOfParts(problem.name, problem.c.size, split.splits, numbersFor(traits)), slots: [scratch(0), output(0)] },
    ],
    scratch: [split.splits * roundUp(problem.c.size, 4)],
  };
}

function build(problem: SplitProblem, traits: AdapterTraits, variant: GemmVariant): Kernel {
  switch (variant) {
    case "naive":
      return naiveKernel(problem);
    case "outer":
      return registerKernel(problem, traits, 0);
    case "subgroup":
      return registerKernel(problem, traits, traits.subgroupSize);
    case "tiled":
      return tiledKernel(problem, traits);
  }
}

/** Workgroup memory and barriers are what CPU adapters are slow at and GPUs are made of. */
function preferredVariant(traits: AdapterTraits): GemmVariant {
  const names = gemmVariants(traits);
  if (!traits.software && names.includes("tiled")) return "tiled";
  return names.includes("subgroup") ? "subgroup" : "outer";
}

/**
 * A long reduction into few outputs leaves most of an adapter idle: cut it until there are enough invocations (a GPU wants tens of
 * thousands; a CPU a few workgroups a core), but leave each part some hundred multiplications an output.
 */
function splitCount(problem: GemmProblem, traits: AdapterTraits, variant: GemmVariant): number {
  if (variant === "naive") return 1;
  const outputs = problem.rows * problem.columns * problem.layers;
  const wanted = traits.software ? 16 * 1024 : 256 * 1024;
  const most = Math.floor((problem.segments * problem.depth) / 128);
  return Math.max(1, Math.min(Math.ceil(wanted / outputs), most, problem.segments));
}

/** c[i] = sum over parts p of parts[p * size + i], in order of p: no atomics, so the same bits every time. Four elements an invocation. */
function sumOfParts(name: string, size: number, parts: number, { u, constants }: Numbers): Kernel {
  const quads = Math.ceil(size / 4);
  const grid = new Grid(Math.ceil(quads / 64));
  const [quadsText, partsText] = [u(quads), u(parts)];
  const code = wgsl`// GEMM: sum of parts
@group(0) @binding(0) var<storage, read_write> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> c: array<vec4f>;
${constants.declaration(2)}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = ${grid.index} * 64u + lane;
  if (i >= ${quadsText}) { return; }
  var sum = parts[i];
  for (var p = 1u; p < ${partsText}; p++) { sum += parts[p * ${quadsText} + i]; }
  c[i] = sum;
}
`;
  return { name: `${name} sum of ${parts}`, code, constants: constants.values, workgroups: grid.workgroups };
}
