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
import { Grid, type Operand, prelude, segmentRange, type SplitProblem } from "./gemm-problem.js";
import type { AdapterTraits, Kernel } from "./kernel.js";

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
  const { name, rows, columns, layers, splits, depth, c } = problem;
  const tile = chooseTile(problem, traits, subgroupSize);
  const { swapped, lanes, R, C } = tile;
  const [laneName, sharedName] = swapped ? ["a", "b"] : ["b", "a"];
  const lane = laneFactor(laneName!, swapped ? problem.a : problem.b, tile);
  const shared =
    subgroupSize > 0
      ? broadcastFactor(sharedName!, swapped ? problem.b : problem.a, tile, depth)
      : directFactor(sharedName!, swapped ? problem.b : problem.a, tile);
  const step = Math.max(lane.step, shared.step);
  const laneTiles = Math.ceil((swapped ? rows : columns) / (lanes * C));
  const sharedTiles = Math.ceil((swapped ? columns : rows) / R);
  const grid = new Grid(laneTiles * sharedTiles * layers * splits);
  const wideC = c.size % 4 === 0 && columns % 4 === 0 && (!swapped || R % 4 === 0);
  const wide = { a: problem.a.vec4, b: problem.b.vec4, c: wideC };
  const accumulators = each(R, (r) => each(C / 4, (q) => `var c${r}_${q} = vec4f();`).join(" "));
  const code = wgsl`// ${name}, ${subgroupSize > 0 ? "subgroup" : "outer"}: ${R} ${swapped ? "columns" : "rows"} x ${C} ${swapped ? "rows" : "columns"} a lane
#if ${subgroupSize > 0}
enable subgroups;
#endif
${prelude(problem, wide)}
@compute @workgroup_size(${lanes})
#if ${subgroupSize > 0}
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
#endif
  let tile = ${grid.index};
#if ${!grid.exact}
  if (tile >= ${grid.count}u) { return; }
#endif
  let lane_first = tile % ${laneTiles}u * ${lanes * C}u + lane * 4u;
  let shared_first = tile / ${laneTiles}u % ${sharedTiles}u * ${R}u;
  let split = tile / ${laneTiles * sharedTiles}u % ${splits}u;
  let z = tile / ${laneTiles * sharedTiles * splits}u;
${lines(lane.sites, 1)}
${lines(shared.sites, 1)}
${lines(accumulators, 1)}
  ${segmentRange(problem)}
  for (var s = start; s < end; s++) {
${lines(lane.runs, 2)}
${lines(shared.runs, 2)}
    for (var d = 0u; d < ${depth}u; d += ${step}u) {
${lines(body(tile, step, lane, shared), 3)}
    }
  }
${lines(store(problem, tile, wideC), 1)}
}
`;
  const label = `${R}x${C}${swapped ? " swapped" : ""}`;
  return { name: `${name} ${subgroupSize > 0 ? "subgroup" : "outer"} ${label}`, code, workgroups: grid.workgroups };
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

function body({ R, C }: Tile, step: number, lane: Reader, shared: Reader): string[] {
  const out: string[] = [];
  for (let k = 0; k < step; k++) {
    if (k % shared.step === 0) out.push(...shared.loads(k));
    if (k % lane.step === 0) out.push(...lane.loads(k));
    const values = each(C / 4, (q) => `let v${k}_${q} = ${lane.value(q, k)};`);
    out.push(values.join(" "));
    for (let r = 0; r < R; r++) {
      const products = each(C / 4, (q) => `c${r}_${q} = fma(vec4f(u${k}_${r}), v${k}_${q}, c${r}_${q});`);
      out.push(`let u${k}_${r} = ${shared.value(r, k)}; ${products.join(" ")}`);
    }
  }
  return out;
}

/** The lane's own C indices, in groups of four neighbours; the groups of one lane are 4 * lanes apart, so that lanes together read whole lines. */
function laneFactor(name: string, operand: Operand, { lanes, C }: Tile): Reader {
  const quads = each(C / 4, (q) => q);
  const start = (q: number) => (q === 0 ? "lane_first" : `lane_first + ${q * lanes * 4}u`);
  if (operand.contiguous === "free" && operand.vec4) {
    return {
      sites: quads.map((q) => `let lane_site${q} = ${name}_site(min(${start(q)}, ${operand.extent - 4}u), z);`),
      runs: quads.map((q) => `let lane_run${q} = ${name}_run(lane_site${q}, s, z);`),
      step: 1,
      loads: (k) => quads.map((q) => `let l${k}_${q} = ${name}_at(lane_run${q}, ${plus("d", k)});`),
      value: (q, k) => `l${k}_${q}`,
    };
  }
  const all = each(C, (i) => i);
  const index = (i: number) => `min(${start(Math.floor(i / 4))} + ${i % 4}u, ${operand.extent - 1}u)`;
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
function directFactor(name: string, operand: Operand, { R }: Tile): Reader {
  if (operand.contiguous === "free" && operand.vec4 && R % 4 === 0) {
    const quads = each(R / 4, (q) => q);
    return {
      sites: quads.map((q) => `let shared_site${q} = ${name}_site(min(shared_first + ${4 * q}u, ${operand.extent - 4}u), z);`),
      runs: quads.map((q) => `let shared_run${q} = ${name}_run(shared_site${q}, s, z);`),
      step: 1,
      loads: (k) => quads.map((q) => `let s${k}_${q} = ${name}_at(shared_run${q}, ${plus("d", k)});`),
      value: (r, k) => `s${k}_${r >> 2}.${"xyzw"[r % 4]}`,
    };
  }
  const all = each(R, (r) => r);
  const step = operand.vec4 && operand.contiguous === "depth" ? 4 : 1;
  return {
    sites: all.map((r) => `let shared_site${r} = ${name}_site(min(shared_first + ${r}u, ${operand.extent - 1}u), z);`),
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
function broadcastFactor(name: string, operand: Operand, { R, lanes }: Tile, depth: number): Reader {
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
  const index = (h: number) => `min(shared_first + (${group} + ${h * padded}u) * ${size}u, ${operand.extent - size}u)`;
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

/** Writes the tile, row by row, leaving out what lies beyond the matrix. */
function store(problem: SplitProblem, { swapped, lanes, R, C }: Tile, wide: boolean): string[] {
  const { rows, columns, splits, c } = problem;
  const part = splits > 1 ? ` + split * ${Math.ceil(c.size / 4) * 4}u` : "";
  const out: string[] = [];
  const row = (index: string, always: boolean, write: string[]) => {
    const guard = [...(always ? [] : [`${index} < ${rows}u`]), ...(c.holes ? [`at >= 0`] : [])];
    const bounded = always ? index : `min(${index}, ${rows - 1}u)`;
    const open = guard.length > 0 ? `if (${guard.join(" && ")}) {` : "{";
    out.push(`{ let at = c_row(${bounded}, z);`, `  ${open} let to = u32(at)${part};`, ...write.map((w) => `    ${w}`), "  } }");
  };
  const guarded = (column: string, size: number, always: boolean, write: string) =>
    always ? write : `if (${column} ${size > 1 ? `+ ${size - 1}u ` : ""}< ${columns}u) { ${write} }`;
  if (!swapped) {
    for (let r = 0; r < R; r++) {
      const write = each(C / 4, (q) => {
        const column = q === 0 ? "lane_first" : `lane_first + ${q * lanes * 4}u`;
        const always = columns % (lanes * C) === 0;
        if (wide) return [guarded(column, 4, always, `c[(to + ${column}) >> 2u] = c${r}_${q};`)];
        return each(4, (j) => guarded(`${column} + ${j}u`, 1, always, `c[to + ${column} + ${j}u] = c${r}_${q}.${"xyzw"[j]};`));
      }).flat();
      row(`shared_first + ${r}u`, rows % R === 0, write);
    }
    return out;
  }
  const always = columns % R === 0;
  for (let i = 0; i < C; i++) {
    const [q, x] = [i >> 2, "xyzw"[i % 4]!];
    const write = wide
      ? each(R / 4, (r) => {
          const value = `vec4f(${each(4, (j) => `c${4 * r + j}_${q}.${x}`).join(", ")})`;
          return guarded(`shared_first + ${4 * r}u`, 4, always, `c[(to + shared_first + ${4 * r}u) >> 2u] = ${value};`);
        })
      : each(R, (r) => guarded(`shared_first + ${r}u`, 1, always, `c[to + shared_first + ${r}u] = c${r}_${q}.${x};`));
    row(`lane_first + ${q * lanes * 4 + (i % 4)}u`, rows % (lanes * C) === 0, write);
  }
  return out;
}

function chooseTile({ rows, columns }: SplitProblem, traits: AdapterTraits, subgroupSize: number): Tile {
  const lanes = subgroupSize > 0 ? subgroupSize : traits.software ? 8 : 32;
  const swapped = columns < lanes * 4 && rows > columns;
  const [own, common] = swapped ? [rows, columns] : [columns, rows];
  const C = own > lanes * 4 ? 8 : 4;
  return { swapped, lanes, C, R: Math.min(16, common) };
}

const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const lines = (statements: string[], depth: number): string => statements.map((s) => "  ".repeat(depth) + s).join("\n");

const plus = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}u`);
