/**
 * GEMM with register tiles, without barriers or workgroup memory: `outer` and `subgroup`.
 *
 * A workgroup is one row of lanes and makes a tile of R x (4 * lanes) elements: every lane owns four neighbouring columns, as one vec4f, of
 * all R rows, and adds an outer product a depth. Where C has few columns the factors change places: lanes own rows then ("swapped").
 *     lane factor      each lane reads its own four values of a depth
 *     shared factor    R values of a depth, the same for all lanes:
 *         outer        every lane reads all of them
 *         subgroup     lane i reads row i as a vector along the depth (or one vec4f of rows, where rows are contiguous), and
 *                      each value is handed round from its lane: R / lanes reads instead of R. On a CPU adapter a read is some 13
 *                      instructions an element and lane, also at one address for all lanes; handing round is one, as a shuffle,
 *                      where a subgroup is one vector of AVX2: eight lanes (a broadcast is three); others broadcast.
 * Preconditions: `subgroup` needs a fixed subgroup size; the workgroup is exactly one subgroup.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import {
  blocksOf,
  finished,
  Grid,
  type Operand,
  prelude,
  type Ranked,
  roundUp,
  segmentRange,
  type SplitProblem,
  widest,
  type Width,
} from "./gemm-problem.js";
import type { AdapterTraits, Kernel } from "./kernel.js";
import type { WriteNumber } from "./loops.js";

export interface RegisterTile {
  /** "16x4", "16x4 swapped". */
  readonly name: string;
  /** True: the lanes own rows and share columns. */
  readonly swapped: boolean;
  readonly lanes: number;
  /** Shared indices of a tile. */
  readonly R: number;
  readonly subgroup: boolean;
}

export function registerKernel(problem: SplitProblem, tile: RegisterTile): Kernel {
  const { name, rows, columns, layers, splits, depth, c, minors, numbers } = problem;
  const { u } = numbers;
  const { swapped, lanes, R, subgroup } = tile;
  const [own, common] = swapped ? (["a", "b"] as const) : (["b", "a"] as const);
  const wide = c.size % 4 === 0 && columns % 4 === 0 && (!swapped || R % 4 === 0);
  const width = { a: widthOf(problem.a, R), b: widthOf(problem.b, R), c: wide ? 4 : 1 } as const;
  const lane = laneFactor(own, problem[own], width[own], u);
  const shared = (subgroup ? broadcastFactor : directFactor)(common, problem[common], width[common], tile, depth, u);
  const step = stepFor(depth, Math.max(lane.step, shared.step), R, !problem[common].vec4);
  // A layer with fewer segments than others may have none, or none for one of its parts.
  const empty = problem.segmentsOfLayer !== undefined;
  // Long sums are made in blocks, whose lengths are counted in rounds here.
  const levels = blocksOf(problem).map((length) => Math.floor(length / step));
  const laneTiles = Math.ceil((swapped ? rows : columns) / (lanes * 4));
  const sharedTiles = Math.ceil((swapped ? columns : rows) / R);
  const grid = new Grid(laneTiles * sharedTiles * layers * splits);
  const main = wgsl`
@compute @workgroup_size(${lanes})
#if ${subgroup}
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
#endif
  let tile = ${grid.index};
#if ${!grid.exact}
  if (tile >= ${u(grid.count)}) { return; }
#endif
  let lane_first = tile % ${u(laneTiles)} * ${lanes * 4}u + lane * 4u;
  let shared_first = tile / ${u(laneTiles)} % ${u(sharedTiles)} * ${R}u;
  let split = tile / ${u(laneTiles * sharedTiles)} % ${u(splits)};
  let z = tile / ${u(laneTiles * sharedTiles * splits)};
${lines([...lane.sites, ...shared.sites], 1)}
  ${levels.length > 0 ? `var tile_c = array<vec4f, ${(levels.length + 1) * R}>();` : each(R, (r) => `var c${r} = vec4f();`).join(" ")}
  ${segmentRange(problem)}
  let minors = ${minors ?? "1u"};
  var major = start / minors;
  var minor = start % minors;
  // One loop over the rounds of all segments, which works out anew where each lies: to enter a loop within the loop would cost about as
  // much as a round, as all accumulators are moved. Its condition stands at the foot: at the head, a CPU adapter runs the body once
  // more than it is asked to, with all lanes off.
  var d = 0u;
  let rounds = (end - start) * ${u(depth / step)};
  var i = 0u;
#if ${empty}
  if (rounds != 0u) {
#endif
${walk(levels, R, [
  ...[...lane.runs, ...shared.runs, ...round(R, step, lane, shared, levels.length * R)],
  `d += ${step}u;`,
  `let next = d == ${u(depth)};`,
  `d = select(d, 0u, next);`,
  `minor = select(minor, minor + 1u, next);`,
  `major = select(major, major + 1u, minor == minors);`,
  `minor = select(minor, 0u, minor == minors);`,
])}
#if ${empty}
  }
#endif
${swapped ? storeSwapped(problem, tile, wide, levels.length > 0) : store(problem, tile, wide, subgroup, levels.length > 0)}
}
`;
  const kind = `${subgroup ? "subgroup" : "outer"} ${tile.name}`;
  // The comment names no shape: kernels of one text share a pipeline.
  const code = wgsl`// GEMM, ${kind}: ${R} ${swapped ? "columns" : "rows"} x 4 ${swapped ? "rows" : "columns"} a lane
#if ${subgroup}
enable subgroups;
#endif
${prelude(problem, width)}${main}`;
  return { name: `${name} ${kind}`, code, constants: numbers.constants.values, workgroups: grid.workgroups };
}

/** Elements read at once. Tiles of more than 32 make two depths a round: their code is as long as that of four depths of 32. */
const widthOf = (operand: Operand, R: number): Width => (R > 32 && operand.contiguous === "depth" && operand.vec4 ? 2 : widest(operand));

/** Statements and expressions by which a kernel reads a factor. */
interface Reader {
  /** Once an invocation. */
  readonly sites: string[];
  /** Once a round. */
  readonly runs: string[];
  /** Depths that one set of loads covers. */
  readonly step: number;
  /** Loads for depths d + k ... d + k + step - 1. */
  loads(k: number): string[];
  /** Value at depth d + k of shared index r (a number), or of the lane's four indices (a vec4f; r is 0). */
  value(r: number, k: number): string;
}

/**
 * One round: all loads, then row by row all products. A tile has more elements than a CPU has registers; this order fetches and puts
 * back each of them once a round instead of once a product. `first`: where the sums lie in tile_c; 0: they are variables.
 */
function round(R: number, step: number, lane: Reader, shared: Reader, first: number): string[] {
  const depths = each(step, (k) => k);
  const loads = depths.flatMap((k) => [...(k % shared.step === 0 ? shared.loads(k) : []), ...(k % lane.step === 0 ? lane.loads(k) : [])]);
  const values = depths.map((k) => `let v${k} = ${lane.value(0, k)};`);
  const products = each(R, (r) => {
    const row = depths.map((k) => `c${r} = fma(vec4f(${shared.value(r, k)}), v${k}, c${r});`).join(" ");
    return first === 0 ? row : `var c${r} = tile_c[${first + r}]; ${row} tile_c[${first + r}] = c${r};`;
  });
  return [...loads, ...values, ...products];
}

/**
 * The loop over `rounds`, in which `i` counts. Where blocks have lengths (in rounds, innermost first), loops of so many: the sums of a block
 * lie R places above those of the blocks around it, to which they are added. (As variables, a CPU adapter's driver would move them all
 * between registers and memory at each branch of a round, which takes 1.7 times as long; in an array they stay in memory.)
 */
function walk(levels: readonly number[], R: number, body: readonly string[]): string {
  const stop = (level: number) => (level === levels.length ? "rounds" : `stop${level}`);
  const inner = [`loop {`, ...body.map((line) => `  ${line}`), `  continuing { i++; break if (i == ${stop(0)}); }`, `}`];
  const nest = levels.reduce((within, length, level) => {
    const above = (levels.length - level) * R;
    const flush = each(R, (r) => `tile_c[${above - R + r}] += tile_c[${above + r}]; tile_c[${above + r}] = vec4f();`);
    const line = `let ${stop(level)} = min(i + ${length}u, ${stop(level + 1)});`;
    const all = [line, ...within, ...flush, `continuing { break if (i == ${stop(level + 1)}); }`];
    return [`loop {`, ...all.map((l) => `  ${l}`), `}`];
  }, inner);
  return lines(nest, 1);
}

/** The lane's own four indices. */
function laneFactor(name: string, operand: Operand, width: Width, u: WriteNumber): Reader {
  if (operand.contiguous === "free" && width === 4) {
    return {
      sites: [`let lane_site = ${name}_site(min(lane_first, ${u(operand.extent - 4)}), z);`],
      runs: [`let lane_run = ${name}_run(lane_site, major, minor, z);`],
      step: 1,
      loads: (k) => [`let l${k} = ${name}_at(lane_run, ${plus("d", k)});`],
      value: (_, k) => `l${k}`,
    };
  }
  const four = [0, 1, 2, 3];
  return {
    sites: four.map((i) => `let lane_site${i} = ${name}_site(min(lane_first + ${i}u, ${u(operand.extent - 1)}), z);`),
    runs: four.map((i) => `let lane_run${i} = ${name}_run(lane_site${i}, major, minor, z);`),
    step: width,
    loads: (k) => four.map((i) => `let l${k}_${i} = ${name}_at(lane_run${i}, ${plus("d", k)});`),
    value: (_, k) => `vec4f(${four.map((i) => `l${k - (k % width)}_${i}${width > 1 ? `.${"xyzw"[k % width]}` : ""}`).join(", ")})`,
  };
}

/** The shared indices, read by every lane itself. */
function directFactor(name: string, operand: Operand, width: Width, { R }: RegisterTile, _depth: number, u: WriteNumber): Reader {
  const quads = operand.contiguous === "free" && width === 4 && R % 4 === 0;
  const step = operand.contiguous === "depth" ? width : 1;
  const size = quads ? 4 : 1;
  const groups = each(R / size, (g) => g);
  return {
    sites: groups.map((g) => `let shared_site${g} = ${name}_site(min(shared_first + ${g * size}u, ${u(operand.extent - size)}), z);`),
    runs: groups.map((g) => `let shared_run${g} = ${name}_run(shared_site${g}, major, minor, z);`),
    step,
    loads: (k) => groups.map((g) => `let s${k}_${g} = ${name}_at(shared_run${g}, ${plus("d", k)});`),
    value: (r, k) => `s${k - (k % step)}_${Math.floor(r / size)}${quads ? `.${"xyzw"[r % 4]}` : step > 1 ? `.${"xyzw"[k % step]}` : ""}`,
  };
}

/**
 * The shared indices, read by the lanes together. An index group is one shared index, or four neighbours where they are contiguous;
 * lane i reads group i mod P (P: the next power of two) and, with lanes to spare, a later part of the depth.
 */
function broadcastFactor(name: string, operand: Operand, width: Width, { R, lanes }: RegisterTile, depth: number, u: WriteNumber): Reader {
  const quads = operand.contiguous === "free" && width === 4 && R % 4 === 0;
  const along = operand.contiguous === "depth" ? width : 1;
  const groups = quads ? R / 4 : R;
  const padded = Math.min(lanes, 2 ** Math.ceil(Math.log2(groups)));
  let parts = lanes / padded;
  while (depth % (parts * along) !== 0) parts /= 2;
  const step = parts * along;
  const group = padded === lanes ? "lane" : `lane % ${padded}u`;
  const part = parts === 1 ? "0u" : `lane / ${padded}u % ${parts}u * ${along}u`;
  const loads = each(Math.ceil(groups / padded), (h) => h);
  const size = quads ? 4 : 1;
  const handRound = lanes === 8 ? "subgroupShuffle" : "subgroupBroadcast";
  const index = (h: number) => `min(shared_first + (${group} + ${h * padded}u) * ${size}u, ${u(operand.extent - size)})`;
  return {
    sites: [...loads.map((h) => `let shared_site${h} = ${name}_site(${index(h)}, z);`), `let part = ${part};`],
    runs: loads.map((h) => `let shared_run${h} = ${name}_run(shared_site${h}, major, minor, z);`),
    step,
    loads: (k) => loads.map((h) => `let s${k}_${h} = ${name}_at(shared_run${h}, ${plus("d", k)} + part);`),
    value: (r, k) => {
      const of = quads ? r >> 2 : r;
      const component = quads ? `.${"xyzw"[r % 4]}` : along > 1 ? `.${"xyzw"[k % along]}` : "";
      const from = (of % padded) + padded * Math.floor((k % step) / along);
      return `${handRound}(s${k - (k % step)}_${Math.floor(of / padded)}${component}, ${from}u)`;
    },
  };
}

/**
 * Writes the tile, leaving out what lies beyond the matrix. The accumulators go through an array that a loop reads: a store is much code
 * on a CPU adapter (every lane has its own branches), and one copy of it compiles in a fraction of the time of R copies. The loop's
 * bound is not a constant, lest the compiler unroll it. With subgroups lane i works out where rows i, i + lanes ... begin.
 */
function store(problem: SplitProblem, { lanes, R }: RegisterTile, wide: boolean, subgroup: boolean, made: boolean): string {
  const { rows, columns, c, numbers } = problem;
  const { u } = numbers;
  const place = (h: number) => `c_row(min(shared_first + ${h * lanes}u + lane, ${u(rows - 1)}), z)`;
  const places = each(Math.ceil(R / lanes), place);
  const guard = (column: string) =>
    [...(columns % (lanes * 4) === 0 ? [] : [`${column} < ${u(columns)}`]), ...(c.holes ? ["at >= 0"] : [])].join(" && ") || "true";
  const scalars = each(
    4,
    (j) =>
      `if (${guard(`lane_first + ${j}u`)}) { c[to + lane_first + ${j}u] = ${finished(problem, `tile_c[r][${j}]`, `lane_first + ${j}u`)}; }`,
  );
  return wgsl`
  ${made ? "" : `var tile_c = array<vec4f, ${R}>(${each(R, (r) => `c${r}`).join(", ")});`}
#if ${subgroup}
  var places = array<i32, ${places.length}>(${places.join(", ")});
#endif
  for (var r = 0u; r < min(${R}u, ${u(rows)} - shared_first); r++) {
#if ${subgroup}
    let at = subgroupShuffle(places[r / ${lanes}u], r % ${lanes}u);
#else
    let at = c_row(shared_first + r, z);
#endif
    let to = u32(at)${part(problem)};
#if ${wide}
    if (${guard("lane_first")}) { c[(to + lane_first) >> 2u] = ${finished(problem, "tile_c[r]", "lane_first")}; }
#else
${lines(scalars, 2)}
#endif
  }`;
}

/**
 * The same where the lanes own rows. The accumulators are put in the array whole, and turned when they are read: taken apart right after
 * the loop, each would be two variables to the driver, the loop's and the array's, and be moved twice a round.
 */
function storeSwapped(problem: SplitProblem, { R }: RegisterTile, wide: boolean, made: boolean): string {
  const { rows, columns, c, numbers } = problem;
  const { u } = numbers;
  const size = wide ? 4 : 1;
  const element = each(size, (n) => `q${n}[i]`).join(", ");
  const value = finished(problem, wide ? `vec4f(${element})` : element, "column");
  const guard = ["i < own_rows", ...(columns % R === 0 ? [] : [`column < ${u(columns)}`]), ...(c.holes ? ["places[i] >= 0"] : [])].join(
    " && ",
  );
  return wgsl`
  ${made ? "" : `var tile_c = array<vec4f, ${R}>(${each(R, (r) => `c${r}`).join(", ")});`}
  let own_rows = ${u(rows)} - min(lane_first, ${u(rows)});
  let places = vec4i(${each(4, (i) => `c_row(min(lane_first + ${i}u, ${u(rows - 1)}), z)`).join(", ")});
  for (var j = 0u; j < ${R / size}u + group.z; j++) {
    let column = shared_first + j * ${size}u;
    ${each(size, (n) => `let q${n} = tile_c[j * ${size}u + ${n}u];`).join(" ")}
    for (var i = 0u; i < 4u + group.z; i++) {
      if (${guard}) { c[(u32(places[i])${part(problem)} + column)${wide ? " >> 2u" : ""}] = ${value}; }
    }
  }`;
}

/** Offset of a split's own copy of C. */
const part = ({ splits, c, numbers }: SplitProblem): string => (splits > 1 ? ` + split * ${numbers.u(roundUp(c.size, 4))}` : "");

/**
 * Work of one depth of a tile with R shared indices, in loads and products as lavapipe runs them. With subgroups a fit to all tiles of all
 * layers of the networks (widths 16, 32 and 64): 9 + R within 4 % from 8 to 64 where both factors lie along the free index, .84 to 1.13 of
 * it for the others; 1 more along the depth prefers whole vectors where there is a choice. Without subgroups the shared loads dominate.
 */
function depthCost(R: number, subgroup: boolean, shared: Operand): number {
  if (!subgroup) return R <= 8 ? 2 + R : 2 * R;
  return (shared.contiguous === "depth" ? 10 : 9) + R;
}

/** Where a tile's elements are and their way to memory cost as much as so many depths: 20 in a matmul, up to 60 in a data gradient. */
const TILE_OVERHEAD = 32;

/** An element of one part, added to the sum, in the same unit: six a vec4f of eight lanes, as a load. */
const SUM_COST = 6 / 32;

/**
 * All tiles, those with the least work first: padding, idle cores (eight of them, say) and the sum of the parts included.
 * `subgroupSize` 0: without subgroups.
 */
export function registerTiles(problem: SplitProblem, traits: AdapterTraits, subgroupSize: number): Ranked<RegisterTile>[] {
  const { rows, columns, layers, splits, segmentsPerSplit, depth, c } = problem;
  const subgroup = subgroupSize > 0;
  const sum = splits > 1 ? splits * c.size * SUM_COST : 0;
  const lanes = subgroup ? subgroupSize : traits.software ? 8 : 32;
  return [false, true]
    .flatMap((swapped) => {
      const [own, common] = swapped ? [rows, columns] : [columns, rows];
      const shared = swapped ? problem.b : problem.a;
      // Read element by element, 64 indices take more code than a CPU keeps decoded; on a GPU they take its registers.
      const large = subgroup && traits.software && shared.vec4 ? [64] : [];
      return (common < 4 ? [common] : [...large, 32, 16, 8, 4]).map((R) => {
        const tiles = Math.ceil(own / (lanes * 4)) * Math.ceil(common / R) * layers * splits;
        const work = roundUp(tiles, 8) * depthCost(R, subgroup, shared) * (segmentsPerSplit * depth + TILE_OVERHEAD) + sum;
        return { tile: { name: `${R}x4${swapped ? " swapped" : ""}`, swapped, lanes, R, subgroup }, work };
      });
    })
    .sort((p, q) => p.work - q.work);
}

/**
 * As many depths a round as fit the readers. All that a round reads waits in registers, through the branches of all later reads, and its
 * code must fit what a CPU keeps decoded: from 24 KiB on it may take a quarter longer (bench/notes/limits.md). So the more shared indices, or
 * elements read one by one, the fewer depths.
 */
function stepFor(depth: number, least: number, R: number, elementwise: boolean): number {
  if (least >= 4) return least;
  const steps = R > 32 ? [2] : R > 16 || elementwise ? [3, 2, 4] : [4, 3, 2];
  return steps.find((step) => depth % step === 0 && step % least === 0) ?? least;
}

const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const lines = (statements: string[], depth: number): string => statements.map((s) => "  ".repeat(depth) + s).join("\n");

const plus = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}u`);
