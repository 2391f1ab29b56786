/**
 * GEMM for GPUs: tiles of both factors in workgroup memory.
 *
 * A workgroup of W x W invocations makes a tile of rows x columns = (4 W QR) x (4 W QC) elements of C: invocation (x, y) the rows
 * 4 (y + W q) + 0..3 for q < QR, and the columns 4 (x + W q) + 0..3 for q < QC, so that what a warp reads of workgroup memory is
 * consecutive vec4f. A step brings in K depths of both factors; the loads of the next step are issued before this step's products
 * and stored after them into the other half of the memory, which makes one barrier a step (double buffering).
 *     tile        W   QR QC  K    elements an invocation   workgroup memory
 *     128 x 128   16  2  2   8    8 x 8                    16 KiB, and 16 deep with 32 KiB
 *     64 x 64     16  1  1   16   4 x 4                    16 KiB
 *     64 x 64     8   2  2   8    8 x 8                     8 KiB, and 16 deep with 16 KiB
 *     64 x 32     8   2  1   8    8 x 4                     6 KiB, and 32 x 64
 *     32 x 32     8   1  1   8    4 x 4                     4 KiB
 * Where K does not divide the depth (few channels), depth and segments are walked as one index, so that steps are always full.
 * Preconditions: W * W invocations a workgroup and the workgroup memory above; a tile's K depths of either factor are at least one
 * vec4f an invocation.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import {
  blocksOf,
  digits,
  Grid,
  type Operand,
  prelude,
  type Ranked,
  roundUp,
  segmentRange,
  type SplitProblem,
  finished,
  widest,
} from "./gemm-problem.js";
import type { AdapterTraits, Kernel } from "./kernel.js";

export interface WorkgroupTile {
  /** Rows x columns x K, then the rows x columns that one invocation makes: "64x64x16/4x4". */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly W: number;
  readonly QR: number;
  readonly QC: number;
  readonly K: number;
}

function workgroupTile(W: number, QR: number, QC: number, K: number): WorkgroupTile {
  const [rows, columns] = [4 * W * QR, 4 * W * QC];
  return { name: `${rows}x${columns}x${K}/${4 * QR}x${4 * QC}`, rows, columns, W, QR, QC, K };
}

const LARGE = workgroupTile(16, 2, 2, 8);
const MIDDLE = workgroupTile(16, 1, 1, 16);
const SMALL = workgroupTile(8, 1, 1, 8);
const TILES = [
  ...[LARGE, workgroupTile(16, 2, 2, 16), MIDDLE, workgroupTile(8, 2, 2, 8), workgroupTile(8, 2, 2, 16)],
  ...[workgroupTile(8, 2, 1, 8), workgroupTile(8, 1, 2, 8), SMALL],
];

export function tiledKernel(problem: SplitProblem, tile: WorkgroupTile, software: boolean): Kernel {
  const { name, rows, columns, layers, splits, depth, numbers } = problem;
  const { u } = numbers;
  const { W, QR, QC, K, rows: tileRows, columns: tileColumns } = tile;
  const [rowTiles, columnTiles] = [Math.ceil(rows / tileRows), Math.ceil(columns / tileColumns)];
  const grid = new Grid(rowTiles * columnTiles * layers * splits);
  const wide = columns % 4 === 0;
  const fused = depth % K !== 0;
  const a = fetch("a", problem.a, tileRows, tile, "first_row", fused, problem);
  const b = fetch("b", problem.b, tileColumns, tile, "first_column", fused, problem);
  const [block, blocks] = blocksOf(problem).map((length) => length / K);
  const sums = range(4 * QR).flatMap((r) => range(QC).map((q) => `c${r}_${q}`));
  const flush = (to: string) => sums.map((sum, e) => `${to}[${e}] += ${sum}; ${sum} = vec4f();`).join(" ");
  const flushBlocks = sums.map((_, e) => `tile_c[${e}] += block_c[${e}]; block_c[${e}] = vec4f();`).join(" ");
  const main = wgsl`
// Two halves each; depth-major: depth k of row r is at [k * ${tileRows / 4} + r / 4][r % 4].
var<workgroup> a_tile: array<vec4f, ${(2 * K * tileRows) / 4}>;
var<workgroup> b_tile: array<vec4f, ${(2 * K * tileColumns) / 4}>;

@compute @workgroup_size(${W}, ${W})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) lane: u32) {
  let tile = ${grid.index};
#if ${!grid.exact}
  if (tile >= ${u(grid.count)}) { return; }
#endif
  let first_column = tile % ${u(columnTiles)} * ${tileColumns}u;
  let first_row = tile / ${u(columnTiles)} % ${u(rowTiles)} * ${tileRows}u;
  let split = tile / ${u(columnTiles * rowTiles)} % ${u(splits)};
  let z = tile / ${u(columnTiles * rowTiles * splits)};
${lines(a.sites, 1)}
${lines(b.sites, 1)}
${lines(accumulators(tile), 1)}
  ${segmentRange(problem)}
#if ${fused}
  // One index over all depths of all segments of this part.
  let depth = ${u(depth)};
  let stop = end * depth;
  let steps = (stop - start * depth + ${K - 1}u) / ${K}u;
#else
  let rounds = ${u(depth / K)};
  let steps = (end - start) * rounds;
#endif
  let last_segment = max(end, 1u) - 1u;
#if ${block !== undefined}
  // Long sums are made in blocks, and blocks of blocks.
  var tile_c = array<vec4f, ${sums.length}>();
#endif
#if ${blocks !== undefined}
  var block_c = array<vec4f, ${sums.length}>();
#endif
  // Round i loads step i and multiplies step i - 1.
  for (var i = 0u; i <= steps; i++) {
#if ${fused}
    let f = start * depth + i * ${K}u;
#else
    let s = min(start + i / rounds, last_segment);
    let d = i % rounds * ${K}u;
#endif
${lines(a.loads, 2)}
${lines(b.loads, 2)}
    if (i > 0u) {
      let half = (i - 1u) & 1u;
      for (var k = 0u; k < ${K}u; k++) {
${lines(products(tile), 4)}
      }
    }
#if ${block !== undefined}
    if (i % ${block}u == 0u) { ${flush(blocks === undefined ? "tile_c" : "block_c")} }
#endif
#if ${blocks !== undefined}
    if (i % ${blocks}u == 0u) { ${flushBlocks} }
#endif
    let other = i & 1u;
${lines(a.stores, 2)}
${lines(b.stores, 2)}
    workgroupBarrier();
  }
#if ${blocks !== undefined}
  ${flushBlocks}
#endif
#if ${block !== undefined}
  ${flush("tile_c")}
#endif
${store(problem, tile, wide, software ? " + group.z" : "", block !== undefined)}
}
`;
  const code = wgsl`// GEMM, tiled: ${tileRows} x ${tileColumns} a workgroup, ${K} deep, ${4 * QR} x ${4 * QC} an invocation
${prelude(problem, { a: widest(problem.a), b: widest(problem.b), c: wide ? 4 : 1 })}${main}`;
  return {
    name: `${name} tiled ${tile.name}`,
    code,
    constants: numbers.constants.values,
    workgroups: grid.workgroups,
  };
}

/** An element of one part, written, read and added to the sum, in multiply-adds: what a GPU does meanwhile. */
const SUM_COST = 50;

/**
 * All tiles that fit the adapter. First the rule's: the largest that still leaves the adapter some hundred workgroups, and is not mostly
 * beyond the matrix. Then the others, those with the least work first: padding, the last round of workgroups over some 64 cores, and reads
 * of workgroup memory (a vec4f of either factor for 16 products at 4 x 4 an invocation, two of each for 64 at 8 x 8) included.
 */
export function tiledTiles(problem: SplitProblem, traits: AdapterTraits): Ranked<WorkgroupTile>[] {
  const { rows, columns, layers, splits, segmentsPerSplit, depth, c } = problem;
  const groups = (tile: WorkgroupTile) => Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns) * layers * splits;
  const fits = ({ W, K, ...tile }: WorkgroupTile) =>
    W * W <= traits.maxInvocations && 8 * K * (tile.rows + tile.columns) <= traits.workgroupMemory;
  const least = Math.min(rows, columns);
  const large = least > 64 && groups(LARGE) >= 256;
  const wanted = least <= 32 ? SMALL : large ? LARGE : groups(MIDDLE) >= 64 ? MIDDLE : SMALL;
  const rule = fits(wanted) ? wanted : SMALL;
  const product = ({ QR, QC }: WorkgroupTile) => 1 + 1 / QR + 1 / QC;
  const area = (tile: WorkgroupTile) => roundUp(groups(tile), 64) * tile.rows * tile.columns;
  const sum = splits > 1 ? splits * c.size * SUM_COST : 0;
  return TILES.filter(fits)
    .map((tile) => ({ tile, work: area(tile) * product(tile) * segmentsPerSplit * depth + sum }))
    .sort((p, q) => Number(q.tile === rule) - Number(p.tile === rule) || p.work - q.work);
}

/** How a workgroup brings one factor's part of a step into workgroup memory: loads to registers, then stores. */
interface Fetch {
  readonly sites: string[];
  readonly loads: string[];
  readonly stores: string[];
}

function fetch(
  name: string,
  operand: Operand,
  extent: number,
  tile: WorkgroupTile,
  first: string,
  fused: boolean,
  problem: SplitProblem,
): Fetch {
  const { W, K } = tile;
  const free = operand.contiguous === "free";
  const size = operand.vec4 ? 4 : 1;
  const items = Math.ceil((extent * K) / size / (W * W));
  const sites: string[] = [];
  const loads: string[] = [];
  const stores: string[] = [];
  for (let t = 0; t < items; t++) {
    const item = t === 0 ? "lane" : `(lane + ${t * W * W}u)`;
    const index = free ? `${item} % ${extent / size}u * ${size}u` : `${item} / ${K / size}u`;
    const inDepth = free ? `${item} / ${extent / size}u` : `${item} % ${K / size}u * ${size}u`;
    const [i, k, v] = [`${name}_i${t}`, `${name}_k${t}`, `${name}_v${t}`];
    const last = problem.numbers.u(operand.extent - (free ? size : 1));
    sites.push(`let ${i} = ${index}; let ${k} = ${inDepth};`, `let ${name}_site${t} = ${name}_site(min(${first} + ${i}, ${last}), z);`);
    const zero = size === 4 ? "vec4f()" : "0.0";
    if (fused) {
      const at = `${name}_f${t}`;
      const segment = `${name}_s${t}`;
      const run = `${name}_run(${name}_site${t}, ${digits(problem, segment)}, z)`;
      loads.push(
        `let ${at} = f + ${k}; let ${segment} = min(${at} / depth, last_segment);`,
        `let ${v} = select(${zero}, ${name}_at(${run}, ${at} % depth), ${at} < stop);`,
      );
    } else {
      loads.push(`let ${v} = ${name}_at(${name}_run(${name}_site${t}, ${digits(problem, "s")}, z), d + ${k});`);
    }
    const row = `(other * ${K}u + ${k}) * ${extent / 4}u + ${i} / 4u`;
    if (size === 1) stores.push(`${name}_tile[${row}][${i} % 4u] = ${v};`);
    else if (free) stores.push(`${name}_tile[${row}] = ${v};`);
    else for (let j = 0; j < 4; j++) stores.push(`${name}_tile[${row} + ${(j * extent) / 4}u][${i} % 4u] = ${v}.${"xyzw"[j]};`);
  }
  return { sites, loads, stores };
}

const accumulators = ({ QR, QC }: WorkgroupTile): string[] =>
  range(4 * QR).map((r) =>
    range(QC)
      .map((q) => `var c${r}_${q} = vec4f();`)
      .join(" "),
  );

/** The outer product of depth k of both tiles. */
function products({ W, QR, QC, K }: WorkgroupTile): string[] {
  const a = range(QR).map((q) => `let a${q} = a_tile[(half * ${K}u + k) * ${W * QR}u + local.y + ${W * q}u];`);
  const b = range(QC).map((q) => `let b${q} = b_tile[(half * ${K}u + k) * ${W * QC}u + local.x + ${W * q}u];`);
  const sums = range(4 * QR).map((r) =>
    range(QC)
      .map((q) => `c${r}_${q} = fma(vec4f(a${r >> 2}.${"xyzw"[r % 4]}), b${q}, c${r}_${q});`)
      .join(" "),
  );
  return [...a, ...b, ...sums];
}

/**
 * Writes the invocation's elements, leaving out what lies beyond the matrix. `keep` is a zero that a software adapter's compiler does not
 * know: there it keeps the loop a loop (unrolled, it would take longer to compile than all the rest); GPUs unroll it.
 */
function store(problem: SplitProblem, { W, QR, QC }: WorkgroupTile, wide: boolean, keep: string, made: boolean): string {
  const { rows, columns, splits, c, numbers } = problem;
  const { u } = numbers;
  const part = splits > 1 ? ` + split * ${u(roundUp(c.size, 4))}` : "";
  const elements = range(4 * QR).flatMap((r) => range(QC).map((q) => `c${r}_${q}`));
  const scalars = range(4).map(
    (j) => `if (column + ${j}u < ${u(columns)}) { c[to + column + ${j}u] = ${finished(problem, `tile_c[e][${j}]`, `column + ${j}u`)}; }`,
  );
  return wgsl`
#if ${!made}
  var tile_c = array<vec4f, ${elements.length}>(${elements.join(", ")});
#endif
  for (var e = 0u; e < ${elements.length}u${keep}; e++) {
    let r = e / ${QC}u;
    let row = first_row + 4u * local.y + r / 4u * ${4 * W}u + r % 4u;
    let column = first_column + 4u * local.x + e % ${QC}u * ${4 * W}u;
    let at = c_row(min(row, ${u(rows - 1)}), z);
    if (row < ${u(rows)}${c.holes ? " && at >= 0" : ""}) {
      let to = u32(at)${part};
#if ${wide}
      if (column < ${u(columns)}) { c[(to + column) >> 2u] = ${finished(problem, "tile_c[e]", "column")}; }
#else
${lines(scalars, 3)}
#endif
    }
  }`;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const lines = (statements: string[], depth: number): string => statements.map((s) => "  ".repeat(depth) + s).join("\n");
