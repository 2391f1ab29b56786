/**
 * Lowers a GEMM problem (gemm-problem.ts) to kernels: which variant, which tile, in how many parts the reduction is cut; by rule, or by
 * the name of a candidate that a tuner found faster.
 *
 *     gemm-naive.ts     one output element an invocation; the base rung
 *     gemm-register.ts  `outer` and `subgroup`: register tiles without barriers or workgroup memory
 *     gemm-tiled.ts     `tiled`: workgroup-memory tiles for GPUs
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import { naiveKernel } from "./gemm-naive.js";
import { epilogueFunction, type GemmProblem, Grid, type Ranked, roundUp, type SplitProblem } from "./gemm-problem.js";
import { registerKernel, type RegisterTile, registerTiles } from "./gemm-register.js";
import { tiledKernel, tiledTiles, type WorkgroupTile } from "./gemm-tiled.js";
import { type AdapterTraits, input, type Kernel, type Lowering, output, scratch, type Tuning } from "./kernel.js";
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

/** A way to compute a problem, complete: from its name the same kernels come again. */
interface Candidate {
  /** Variant, tile, and the parts of the reduction where there are several: "subgroup 16x4 swapped split 4". */
  readonly name: string;
  readonly variant: GemmVariant;
  readonly tile?: RegisterTile | WorkgroupTile;
  readonly problem: SplitProblem;
}

/**
 * Lowers a problem as the rule prefers on such an adapter, or by name: a variant, whose tile is then chosen by rule, or one of the
 * lowering's candidates.
 * @throws RangeError for what does not run there.
 */
export function gemm(problem: GemmProblem, traits: AdapterTraits, name?: string): Lowering {
  const { variant, tile, problem: split } = name === undefined ? preferred(problem, traits) : named(problem, traits, name);
  const kernel = build(split, traits, variant, tile);
  const tuning = name === undefined ? { tuning: tuningOf(problem, traits) } : {};
  const vectors = Array.from({ length: problem.epilogue?.vectors ?? 0 }, (_, i) => input(2 + i));
  if (split.splits === 1) return { launches: [{ kernel, slots: [input(0), input(1), output(0), ...vectors] }], scratch: [], ...tuning };
  return {
    launches: [
      { kernel, slots: [input(0), input(1), scratch(0)] },
      { kernel: sumOfParts(problem, split.splits, numbersFor(traits)), slots: [scratch(0), output(0), ...vectors] },
    ],
    scratch: [split.splits * roundUp(problem.c.size, 4)],
    ...tuning,
  };
}

function build(problem: SplitProblem, traits: AdapterTraits, variant: GemmVariant, tile: Candidate["tile"]): Kernel {
  switch (variant) {
    case "naive":
      return naiveKernel(problem);
    case "outer":
    case "subgroup":
      return registerKernel(problem, tile as RegisterTile);
    case "tiled":
      return tiledKernel(problem, tile as WorkgroupTile, traits.software);
  }
}

/** The tiles of a variant, best guess first. */
function tiles(problem: SplitProblem, traits: AdapterTraits, variant: GemmVariant): Ranked<RegisterTile | WorkgroupTile>[] {
  switch (variant) {
    case "naive":
      return [];
    case "outer":
      return registerTiles(problem, traits, 0);
    case "subgroup":
      return registerTiles(problem, traits, traits.subgroupSize);
    case "tiled":
      return tiledTiles(problem, traits);
  }
}

/** Workgroup memory and barriers are what CPU adapters are slow at and GPUs are made of. */
function preferredVariant(traits: AdapterTraits): GemmVariant {
  const names = gemmVariants(traits);
  if (!traits.software && names.includes("tiled")) return "tiled";
  return names.includes("subgroup") ? "subgroup" : "outer";
}

/** The rule's choice: the preferred variant, or a given one, with its likeliest tile. */
function preferred(problem: GemmProblem, traits: AdapterTraits, variant = preferredVariant(traits)): Candidate {
  const split = splitProblem(problem, splitCount(problem, traits, variant));
  return candidate(split, variant, tiles(split, traits, variant)[0]?.tile);
}

function candidate(problem: SplitProblem, variant: GemmVariant, tile: Candidate["tile"]): Candidate {
  const split = problem.splits > 1 ? [`split ${problem.splits}`] : [];
  return { name: [variant, ...(tile ? [tile.name] : []), ...split].join(" "), variant, ...(tile && { tile }), problem };
}

function named(problem: GemmProblem, traits: AdapterTraits, name: string): Candidate {
  const [, word, tileName, splits] = /^([a-z]+)(?: (\d.*?))?(?: split (\d+))?$/.exec(name) ?? [];
  const names = gemmVariants(traits);
  const variant = names.find((known) => known === word);
  if (!variant) throw new RangeError(`${problem.name}: no variant "${name}" on this adapter, it runs ${names.join(", ")}`);
  if (word === name) return preferred(problem, traits, variant);
  const split = splitProblem(problem, Number(splits ?? 1));
  const tile = tiles(split, traits, variant).find((ranked) => ranked.tile.name === tileName)?.tile;
  if (!tile) throw new RangeError(`${problem.name}: no tile "${tileName ?? ""}" of the variant "${variant}" on this adapter`);
  return candidate(split, variant, tile);
}

/** How many ways a problem is tuned over. */
const MOST_CANDIDATES = 8;

/** A tile is worth timing when its estimated work is at most so many times the least. */
const PROMISING = 1.35;

/**
 * What a tuner chooses from: the rule's choice; on a GPU the other variants as their rules have them; then other tiles, and twice or half
 * as many parts of the reduction, of the preferred variant, as far as the estimates of work call them promising.
 */
function tuningOf(problem: GemmProblem, traits: AdapterTraits): Tuning {
  const variant = preferredVariant(traits);
  const rule = preferred(problem, traits);
  const others = traits.software ? [] : gemmVariants(traits).filter((other) => other !== variant && other !== "naive");
  const { splits } = rule.problem;
  const parts = [splits, splits * 2, splits / 2].filter((count) => count >= 1 && count <= problem.segments);
  const ranked = parts
    .map((count) => splitProblem(problem, Math.ceil(count)))
    .flatMap((split) => tiles(split, traits, variant).map(({ tile, work }) => ({ name: candidate(split, variant, tile).name, work })))
    .sort((p, q) => p.work - q.work);
  const promising = ranked.filter(({ work }) => work <= PROMISING * ranked[0]!.work).map(({ name }) => name);
  const names = [rule.name, ...others.map((other) => preferred(problem, traits, other).name), ...promising];
  return {
    problem: problem.epilogue
      ? `${problem.name}, ${epilogueFunction(problem.epilogue, false, problem.columns, 0).replace(/\s+/g, " ")}`
      : problem.name,
    work: 2 * problem.rows * problem.columns * problem.layers * problem.segments * problem.depth,
    candidates: [...new Set(names)].slice(0, MOST_CANDIDATES),
  };
}

/** The problem with its reduction cut in `splits` parts, or in fewer that are as long. */
function splitProblem(problem: GemmProblem, splits: number): SplitProblem {
  const segmentsPerSplit = Math.max(1, Math.ceil(problem.segments / splits));
  return { ...problem, splits: Math.max(1, Math.ceil(problem.segments / segmentsPerSplit)), segmentsPerSplit };
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

/** Parts that are added up one after the other. */
const MOST_IN_A_ROW = 32;

/**
 * c[i] = sum over parts p of parts[p * size + i], in order of p: no atomics, so the same bits every time; then the epilogue.
 * Many parts are added up in blocks, lest small numbers be added to large ones. Four elements an invocation.
 */
function sumOfParts({ name, columns, epilogue, c }: GemmProblem, parts: number, { u, constants }: Numbers): Kernel {
  const quads = Math.ceil(c.size / 4);
  const result = epilogue ? `finish(sum, i * 4u % ${u(columns)})` : "sum";
  const grid = new Grid(Math.ceil(quads / 64));
  const [quadsText, partsText] = [u(quads), u(parts)];
  const sum =
    parts <= MOST_IN_A_ROW
      ? `  var sum = parts[i];
  for (var p = 1u; p < ${partsText}; p++) { sum += parts[p * ${quadsText} + i]; }`
      : `  var sum = vec4f();
  for (var p = 0u; p < ${partsText};) {
    let stop = min(p + ${MOST_IN_A_ROW}u, ${partsText});
    var block = vec4f();
    for (; p < stop; p++) { block += parts[p * ${quadsText} + i]; }
    sum += block;
  }`;
  const code = wgsl`// GEMM: sum of parts
@group(0) @binding(0) var<storage, read_write> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> c: array<vec4f>;
${epilogue ? epilogueFunction(epilogue, true, columns, 2) : ""}
${constants.declaration(2 + (epilogue?.vectors ?? 0))}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = ${grid.index} * 64u + lane;
  if (i >= ${quadsText}) { return; }
${sum}
  c[i] = ${result};
}
`;
  return { name: `${name} sum of ${parts}`, code, constants: constants.values, workgroups: grid.workgroups };
}
