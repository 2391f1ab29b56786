/**
 * GEMM with register tiles, without barriers or workgroup memory: `outer` and `subgroup`.
 *
 * A workgroup is one row of lanes. It makes a tile of R x (lanes * C) elements: every lane owns C columns (as C / 4 vec4f) of all R rows,
 * and adds an outer product a step. Where C has few columns the two factors change places: lanes own rows then ("swapped").
 *     lane factor      each lane reads its own C values a step
 *     shared factor    R values a step, the same for all lanes:
 *         outer        every lane reads all of them
 *         subgroup     lane i reads row i as a vec4f along the depth (or one vec4f of rows, where rows are contiguous), and
 *                      subgroupBroadcast with a constant lane hands the values round: R / lanes reads instead of R. On a CPU adapter
 *                      a read, even at one address for all lanes, costs a gather; a broadcast costs one instruction.
 * Preconditions: `subgroup` needs a fixed subgroup size; the workgroup is exactly one subgroup.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import { Grid, type Operand, prelude, roundUp, segmentRange, type SplitProblem } from "./gemm-problem.js";
import type { AdapterTraits, Kernel } from "./kernel.js";
import type { WriteNumber } from "./loops.js";

/** Which factor the lanes own, and the tile. */
interface Tile {
  readonly swapped: boolean;
  readonly lanes: number;
  /** Shared indices of a tile. */
  readonly R: number;
  /** Indices a lane owns: a multiple of 4. */
  readonly C: number;
}

/** `subgroupSize` 0: without subgroups. */
export function registerKernel(problem: SplitProblem, traits: AdapterTraits, subgroupSize: number): Kernel {
  const { name, rows, columns, layers, splits, depth, c, numbers } = problem;
  const { u } = numbers;
  const tile = chooseTile(problem, traits, subgroupSize);
  const { swapped, lanes, R, C } = tile;
  const [laneName, sharedName] = swapped ? ["a", "b"] : ["b", "a"];
  const lane = laneFactor(laneName!, swapped ? problem.a : problem.b, tile, u);
  const shared =
    subgroupSize > 0
      ? broadcastFactor(sharedName!, swapped ? problem.b : problem.a, tile, depth, u)
      : directFactor(sharedName!, swapped ? problem.b : problem.a, tile, u);
  const step = stepFor(depth, Math.max(lane.step, shared.step));
  const laneTiles = Math.ceil((swapped ? rows : columns) / (lanes * C));
  const sharedTiles = Math.ceil((swapped ? columns : rows) / R);
  const grid = new Grid(laneTiles * sharedTiles * layers * splits);
  const wideC = c.size % 4 === 0 && columns % 4 === 0 && (!swapped || R % 4 === 0);
  const wide = { a: problem.a.vec4, b: problem.b.vec4, c: wideC };
  const accumulators = each(R, (r) => each(C / 4, (q) => `var c${r}_${q} = vec4f();`).join(" "));
  const main = wgsl`
@compute @workgroup_size(${lanes})
#if ${subgroupSize > 0}
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
#endif
  let tile = ${grid.index};
#if ${!grid.exact}
  if (tile >= ${u(grid.count)}) { return; }
#endif
  let lane_first = tile % ${u(laneTiles)} * ${lanes * C}u + lane * 4u;
  let shared_first = tile / ${u(laneTiles)} % ${u(sharedTiles)} * ${R}u;
  let split = tile / ${u(laneTiles * sharedTiles)} % ${u(splits)};
  let z = tile / ${u(laneTiles * sharedTiles * splits)};
${lines(lane.sites, 1)}
${lines(shared.sites, 1)}
${lines(accumulators, 1)}
  ${segmentRange(problem)}
  for (var s = start; s < end; s++) {
${lines(lane.runs, 2)}
${lines(shared.runs, 2)}
    // group.z is 0: a bound that the compiler does not know keeps it from unrolling rounds that are large already.
    for (var d = 0u; d < ${u(depth)} + group.z; d += ${step}u) {
${lines(body(tile, step, lane, shared), 3)}
    }
  }
${store(problem, tile, wideC)}
}
`;
  // The comment names no shape: kernels of one text share a pipeline.
  const code = wgsl`// GEMM, ${subgroupSize > 0 ? "subgroup" : "outer"}: ${R} ${swapped ? "columns" : "rows"} x ${C} ${swapped ? "rows" : "columns"} a lane
#if ${subgroupSize > 0}
enable subgroups;
#endif
${prelude(problem, wide)}${main}`;
  const label = `${R}x${C}${swapped ? " swapped" : ""}`;
  return {
    name: `${name} ${subgroupSize > 0 ? "subgroup" : "outer"} ${label}`,
    code,
    constants: numbers.constants.values,
    workgroups: grid.workgroups,
  };
}

/** Statements and expressions by which a kernel reads a factor. */
interface Reader {
  /** Once an invocation. */
  readonly sites: string[];
  /** Once a segment. */
  readonly runs: string[];
  /** Depths that one round of loads covers. */
  readonly step: number;
  /** Loads for depths d + k ... d + k + step - 1. */
  loads(k: number): string[];
  /** Value at depth d + k: of the lane's q-th four indices, or of shared index r. */
  value(index: number, k: number): string;
}

/**
 * One round: all loads, then row by row all products. A tile has more elements than a CPU has registers; this order fetches and puts
 * back each of them once a round instead of once a product.
 */
function body({ R, C }: Tile, step: number, lane: Reader, shared: Reader): string[] {
  const depths = each(step, (k) => k);
  const loads = depths.flatMap((k) => [...(k % shared.step === 0 ? shared.loads(k) : []), ...(k % lane.step === 0 ? lane.loads(k) : [])]);
  const values = depths.map((k) => each(C / 4, (q) => `let v${k}_${q} = ${lane.value(q, k)};`).join(" "));
  const products = each(R, (r) => [
    depths.map((k) => `let u${k}_${r} = vec4f(${shared.value(r, k)});`).join(" "),
    ...each(C / 4, (q) => depths.map((k) => `c${r}_${q} = fma(u${k}_${r}, v${k}_${q}, c${r}_${q});`).join(" ")),
  ]);
  return [...loads, ...values, ...products.flat()];
}

/** The lane's own C indices, in groups of four neighbours; the groups of one lane are 4 * lanes apart, so that lanes together read whole lines. */
function laneFactor(name: string, operand: Operand, { lanes, C }: Tile, u: WriteNumber): Reader {
  const quads = each(C / 4, (q) => q);
  const start = (q: number) => (q === 0 ? "lane_first" : `lane_first + ${q * lanes * 4}u`);
  if (operand.contiguous === "free" && operand.vec4) {
    return {
      sites: quads.map((q) => `let lane_site${q} = ${name}_site(min(${start(q)}, ${u(operand.extent - 4)}), z);`),
      runs: quads.map((q) => `let lane_run${q} = ${name}_run(lane_site${q}, s, z);`),
      step: 1,
      loads: (k) => quads.map((q) => `let l${k}_${q} = ${name}_at(lane_run${q}, ${plus("d", k)});`),
      value: (q, k) => `l${k}_${q}`,
    };
  }
  const all = each(C, (i) => i);
  const index = (i: number) => `min(${start(Math.floor(i / 4))} + ${i % 4}u, ${u(operand.extent - 1)})`;
  const sites = all.map((i) => `let lane_site${i} = ${name}_site(${index(i)}, z);`);
  const runs = all.map((i) => `let lane_run${i} = ${name}_run(lane_site${i}, s, z);`);
  const step = operand.vec4 ? 4 : 1;
  return {
    sites,
    runs,
    step,
    loads: (k) => all.map((i) => `let l${k}_${i} = ${name}_at(lane_run${i}, ${plus("d", k)});`),
    value: (q, k) => {
      const part = operand.vec4 ? `.${"xyzw"[k % 4]}` : "";
      return `vec4f(${each(4, (j) => `l${k - (k % step)}_${4 * q + j}${part}`).join(", ")})`;
    },
  };
}

/** The shared indices, read by every lane itself. */
function directFactor(name: string, operand: Operand, { R }: Tile, u: WriteNumber): Reader {
  if (operand.contiguous === "free" && operand.vec4 && R % 4 === 0) {
    const quads = each(R / 4, (q) => q);
    return {
      sites: quads.map((q) => `let shared_site${q} = ${name}_site(min(shared_first + ${4 * q}u, ${u(operand.extent - 4)}), z);`),
      runs: quads.map((q) => `let shared_run${q} = ${name}_run(shared_site${q}, s, z);`),
      step: 1,
      loads: (k) => quads.map((q) => `let s${k}_${q} = ${name}_at(shared_run${q}, ${plus("d", k)});`),
      value: (r, k) => `s${k}_${r >> 2}.${"xyzw"[r % 4]}`,
    };
  }
  const all = each(R, (r) => r);
  const step = operand.vec4 && operand.contiguous === "depth" ? 4 : 1;
  return {
    sites: all.map((r) => `let shared_site${r} = ${name}_site(min(shared_first + ${r}u, ${u(operand.extent - 1)}), z);`),
    runs: all.map((r) => `let shared_run${r} = ${name}_run(shared_site${r}, s, z);`),
    step,
    loads: (k) => all.map((r) => `let s${k}_${r} = ${name}_at(shared_run${r}, ${plus("d", k)});`),
    value: (r, k) => `s${k - (k % step)}_${r}${step === 4 ? `.${"xyzw"[k % 4]}` : ""}`,
  };
}

/**
 * The shared indices, read by the lanes together. An index group is one shared index, or four neighbours where they are contiguous;
 * lane i reads group i mod P (P: the next power of two) and, with lanes to spare, a later part of the depth.
 */
function broadcastFactor(name: string, operand: Operand, { R, lanes }: Tile, depth: number, u: WriteNumber): Reader {
  const quads = operand.contiguous === "free" && operand.vec4 && R % 4 === 0;
  const along = operand.contiguous === "depth" && operand.vec4 ? 4 : 1;
  const groups = quads ? R / 4 : R;
  const padded = Math.min(lanes, 2 ** Math.ceil(Math.log2(groups)));
  const perLane = Math.ceil(groups / padded);
  let parts = lanes / padded;
  while (depth % (parts * along) !== 0) parts /= 2;
  const step = parts * along;
  const group = padded === lanes ? "lane" : `lane % ${padded}u`;
  const part = parts === 1 ? "0u" : `lane / ${padded}u % ${parts}u * ${along}u`;
  const loads = each(perLane, (h) => h);
  const size = quads ? 4 : 1;
  const index = (h: number) => `min(shared_first + (${group} + ${h * padded}u) * ${size}u, ${u(operand.extent - size)})`;
  return {
    sites: [...loads.map((h) => `let shared_site${h} = ${name}_site(${index(h)}, z);`), `let part = ${part};`],
    runs: loads.map((h) => `let shared_run${h} = ${name}_run(shared_site${h}, s, z);`),
    step,
    loads: (k) => loads.map((h) => `let s${k}_${h} = ${name}_at(shared_run${h}, ${plus("d", k)} + part);`),
    value: (r, k) => {
      const of = quads ? r >> 2 : r;
      const inRound = k % step;
      const component = quads ? `.${"xyzw"[r % 4]}` : along === 4 ? `.${"xyzw"[k % 4]}` : "";
      const from = (of % padded) + padded * Math.floor(inRound / along);
      return `subgroupBroadcast(s${k - inRound}_${Math.floor(of / padded)}${component}, ${from}u)`;
    },
  };
}

/**
 * Writes the tile, leaving out what lies beyond the matrix. The accumulators go through an array that a loop reads: a store is much code
 * on a CPU adapter (every lane has its own branches), and one copy of it compiles in a fraction of the time of R copies. The loop's
 * bound is not a constant, lest the compiler unroll it.
 */
function store(problem: SplitProblem, { swapped, lanes, R, C }: Tile, wide: boolean): string {
  const { rows, columns, splits, c, numbers } = problem;
  const { u } = numbers;
  const part = splits > 1 ? ` + split * ${u(roundUp(c.size, 4))}` : "";
  const hole = c.holes ? " && at >= 0" : "";
  const [size, type] = wide ? [4, "vec4f"] : [1, "f32"];
  const fits = (column: string) => (columns % (swapped ? R : lanes * C) === 0 ? "true" : `${column} < ${u(columns)}`);
  const place = (column: string) => (wide ? `c[(to + ${column}) >> 2u]` : `c[to + ${column}]`);
  if (swapped) {
    // Element j: the lane's row j / across, columns size * (j mod across) + 0..size-1 of the tile.
    const across = R / size;
    const element = (j: number) => {
      const [i, r] = [Math.floor(j / across), (j % across) * size];
      const own = (n: number) => `c${r + n}_${i >> 2}.${"xyzw"[i % 4]}`;
      return wide ? `vec4f(${each(4, own).join(", ")})` : own(0);
    };
    return wgsl`
  var tile_c = array<${type}, ${C * across}>(
${lines(chunked(each(C * across, element), wide ? 2 : 8), 2)}
  );
  for (var j = 0u; j < min(${C * across}u, ${u(rows * across)} - min(lane_first, ${u(rows)}) * ${across}u); j++) {
    let i = j / ${across}u;
    let row = lane_first + i / 4u * ${lanes * 4}u + i % 4u;
    let column = shared_first + j % ${across}u * ${size}u;
    let at = c_row(min(row, ${u(rows - 1)}), z);
    let to = u32(at)${part};
    if (row < ${u(rows)} && ${fits("column")}${hole}) { ${place("column")} = tile_c[j]; }
  }`;
  }
  return each(C / 4, (q) => {
    const writes = each(
      4 / size,
      (j) => `if (${fits(`column + ${j}u`)}${hole}) { ${place(`column + ${j}u`)} = tile_c${q}[r]${wide ? "" : `[${j}]`}; }`,
    );
    return wgsl`
  var tile_c${q} = array<vec4f, ${R}>(${each(R, (r) => `c${r}_${q}`).join(", ")});
  for (var r = 0u; r < min(${R}u, ${u(rows)} - shared_first); r++) {
    let at = c_row(shared_first + r, z);
    let to = u32(at)${part};
    let column = lane_first + ${q * lanes * 4}u;
${lines(writes, 2)}
  }`;
  }).join("");
}

/** Multiplications below which a small tile serves as well as a large one: it compiles faster. */
const SMALL = 8e6;
const LARGE = 2e8;

/**
 * Tiles as measured on lavapipe, in shares of the rate of multiply-adds without memory (118 GFLOP/s): subgroup 32 x 4 .60, 16 x 4 .55,
 * 8 x 4 .41, 16 x 8 .40, 8 x 8 .40; outer 8 x 4 .16, 16 x 8 .13, 8 x 8 .12. First compilation: 1.2 s, .45 s, .27 s, 1.2 s, .7 s of a core.
 */
function chooseTile({ rows, columns, layers, segments, depth }: SplitProblem, traits: AdapterTraits, subgroupSize: number): Tile {
  const lanes = subgroupSize > 0 ? subgroupSize : traits.software ? 8 : 32;
  const C = 4;
  const work = rows * columns * layers * segments * depth;
  const most = subgroupSize === 0 || work < SMALL ? 8 : work < LARGE ? 16 : 32;
  const shape = (swapped: boolean) => {
    const [own, common] = swapped ? [rows, columns] : [columns, rows];
    const R = evenly(common, most);
    return { tile: { swapped, lanes, C, R }, computed: roundUp(own, lanes * C) * roundUp(common, R) };
  };
  const [straight, swapped] = [shape(false), shape(true)];
  return (swapped.computed < straight.computed ? swapped : straight).tile;
}

/** A tile of at most `most` that cuts `size` into equal parts, in whole vec4f where there are as many. */
function evenly(size: number, most: number): number {
  if (size < 4) return size;
  return roundUp(Math.ceil(size / Math.ceil(size / most)), 4);
}

/** As many depths a round as fit the readers, four where the depth allows: enough to pay for moving an accumulator. */
function stepFor(depth: number, least: number): number {
  if (least >= 4) return least;
  return [4, 3, 2].find((step) => depth % step === 0 && step % least === 0) ?? least;
}

const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const chunked = (items: string[], size: number): string[] =>
  each(Math.ceil(items.length / size), (i) => `${items.slice(i * size, (i + 1) * size).join(", ")},`);

const lines = (statements: string[], depth: number): string => statements.map((s) => "  ".repeat(depth) + s).join("\n");

const plus = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}u`);
