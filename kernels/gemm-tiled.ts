/**
 * GEMM for GPUs: tiles of both factors in workgroup memory.
 *
 * A workgroup of W x W invocations makes a tile of rows x columns = (4 W QR) x (4 W QC) elements of C: invocation (x, y) the rows
 * 4 (y + W q) + 0..3 for q < QR, and the columns 4 (x + W q) + 0..3 for q < QC, so that what a warp reads of workgroup memory is
 * consecutive vec4f. A step brings in K depths of both factors; the loads of the next step are issued before this step's products
 * and stored after them into the other half of the memory, which makes one barrier a step (double buffering).
 *     tile        W   QR QC  K    elements an invocation   workgroup memory
 *     128 x 128   16  2  2   8    8 x 8                    16 KiB
 *     64 x 64     16  1  1   16   4 x 4                    16 KiB
 *     32 x 32     8   1  1   16   4 x 4                     8 KiB
 * Where K does not divide the depth (few channels), depth and segments are walked as one index, so that steps are always full.
 * Preconditions: W * W invocations a workgroup and the workgroup memory above.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import { Grid, type Operand, prelude, roundUp, segmentRange, type SplitProblem } from "./gemm-problem.js";
import type { AdapterTraits, Kernel } from "./kernel.js";

interface Tile {
  readonly W: number;
  readonly QR: number;
  readonly QC: number;
  readonly K: number;
}

export function tiledKernel(problem: SplitProblem, traits: AdapterTraits): Kernel {
  const { name, rows, columns, layers, splits, depth } = problem;
  const tile = chooseTile(problem, traits);
  const { W, QR, QC, K } = tile;
  const [tileRows, tileColumns] = [4 * W * QR, 4 * W * QC];
  const [rowTiles, columnTiles] = [Math.ceil(rows / tileRows), Math.ceil(columns / tileColumns)];
  const grid = new Grid(rowTiles * columnTiles * layers * splits);
  const wide = { a: problem.a.vec4, b: problem.b.vec4, c: columns % 4 === 0 };
  const fused = depth % K !== 0;
  const a = fetch("a", problem.a, tileRows, tile, "first_row", fused, depth);
  const b = fetch("b", problem.b, tileColumns, tile, "first_column", fused, depth);
  const range = segmentRange(problem);
  const code = wgsl`// ${name}, tiled: ${tileRows} x ${tileColumns} a workgroup, ${K} deep, ${4 * QR} x ${4 * QC} an invocation
${prelude(problem, wide)}
// Two halves each; depth-major: depth k of row r is at [k * ${tileRows / 4} + r / 4][r % 4].
var<workgroup> a_tile: array<vec4f, ${(2 * K * tileRows) / 4}>;
var<workgroup> b_tile: array<vec4f, ${(2 * K * tileColumns) / 4}>;

@compute @workgroup_size(${W}, ${W})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) lane: u32) {
  let tile = ${grid.index};
#if ${!grid.exact}
  if (tile >= ${grid.count}u) { return; }
#endif
  let first_column = tile % ${columnTiles}u * ${tileColumns}u;
  let first_row = tile / ${columnTiles}u % ${rowTiles}u * ${tileRows}u;
  let split = tile / ${columnTiles * rowTiles}u % ${splits}u;
  let z = tile / ${columnTiles * rowTiles * splits}u;
${lines(a.sites, 1)}
${lines(b.sites, 1)}
${lines(accumulators(tile), 1)}
  ${range}
#if ${fused}
  // One index over all depths of all segments of this part.
  let stop = end * ${depth}u;
  let steps = (stop - start * ${depth}u + ${K - 1}u) / ${K}u;
#else
  let steps = (end - start) * ${depth / K}u;
#endif
  let last_segment = max(end, 1u) - 1u;
  // Round i loads step i and multiplies step i - 1.
  for (var i = 0u; i <= steps; i++) {
#if ${fused}
    let f = start * ${depth}u + i * ${K}u;
#else
    let s = min(start + i / ${depth / K}u, last_segment);
    let d = i % ${depth / K}u * ${K}u;
#endif
${lines(a.loads, 2)}
${lines(b.loads, 2)}
    if (i > 0u) {
      let half = (i - 1u) & 1u;
      for (var k = 0u; k < ${K}u; k++) {
${lines(products(tile), 4)}
      }
    }
    let other = i & 1u;
${lines(a.stores, 2)}
${lines(b.stores, 2)}
    workgroupBarrier();
  }
${lines(store(problem, tile, wide.c), 1)}
}
`;
  return {
    name: `${name} tiled ${tileRows}x${tileColumns}`,
    code,
    constants: problem.numbers.constants.values,
    workgroups: grid.workgroups,
  };
}

/** The largest tile that still leaves the adapter some hundred workgroups, and is not mostly beyond the matrix. */
function chooseTile({ rows, columns, layers, splits }: SplitProblem, traits: AdapterTraits): Tile {
  const groups = (size: number) => Math.ceil(rows / size) * Math.ceil(columns / size) * layers * splits;
  const small: Tile = { W: 8, QR: 1, QC: 1, K: 16 };
  if (Math.min(rows, columns) <= 32 || traits.maxInvocations < 256 || traits.workgroupMemory < 16384) return small;
  if (groups(128) >= 256 && Math.min(rows, columns) > 64) return { W: 16, QR: 2, QC: 2, K: 8 };
  return groups(64) >= 64 ? { W: 16, QR: 1, QC: 1, K: 16 } : small;
}

/** How a workgroup brings one factor's part of a step into workgroup memory: loads to registers, then stores. */
interface Fetch {
  readonly sites: string[];
  readonly loads: string[];
  readonly stores: string[];
}

function fetch(name: string, operand: Operand, extent: number, tile: Tile, first: string, fused: boolean, depth: number): Fetch {
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
    const last = operand.extent - (free ? size : 1);
    sites.push(`let ${i} = ${index}; let ${k} = ${inDepth};`, `let ${name}_site${t} = ${name}_site(min(${first} + ${i}, ${last}u), z);`);
    const zero = size === 4 ? "vec4f()" : "0.0";
    if (fused) {
      const at = `${name}_f${t}`;
      const run = `${name}_run(${name}_site${t}, min(${at} / ${depth}u, last_segment), z)`;
      loads.push(`let ${at} = f + ${k};`, `let ${v} = select(${zero}, ${name}_at(${run}, ${at} % ${depth}u), ${at} < stop);`);
    } else {
      loads.push(`let ${v} = ${name}_at(${name}_run(${name}_site${t}, s, z), d + ${k});`);
    }
    const row = `(other * ${K}u + ${k}) * ${extent / 4}u + ${i} / 4u`;
    if (size === 1) stores.push(`${name}_tile[${row}][${i} % 4u] = ${v};`);
    else if (free) stores.push(`${name}_tile[${row}] = ${v};`);
    else for (let j = 0; j < 4; j++) stores.push(`${name}_tile[${row} + ${(j * extent) / 4}u][${i} % 4u] = ${v}.${"xyzw"[j]};`);
  }
  return { sites, loads, stores };
}

const accumulators = ({ QR, QC }: Tile): string[] =>
  range(4 * QR).map((r) =>
    range(QC)
      .map((q) => `var c${r}_${q} = vec4f();`)
      .join(" "),
  );

/** The outer product of depth k of both tiles. */
function products({ W, QR, QC, K }: Tile): string[] {
  const a = range(QR).map((q) => `let a${q} = a_tile[(half * ${K}u + k) * ${W * QR}u + local.y + ${W * q}u];`);
  const b = range(QC).map((q) => `let b${q} = b_tile[(half * ${K}u + k) * ${W * QC}u + local.x + ${W * q}u];`);
  const sums = range(4 * QR).map((r) =>
    range(QC)
      .map((q) => `c${r}_${q} = fma(vec4f(a${r >> 2}.${"xyzw"[r % 4]}), b${q}, c${r}_${q});`)
      .join(" "),
  );
  return [...a, ...b, ...sums];
}

/** Writes the invocation's elements, leaving out what lies beyond the matrix. */
function store({ rows, columns, splits, c }: SplitProblem, { W, QR, QC }: Tile, wide: boolean): string[] {
  const part = splits > 1 ? ` + split * ${roundUp(c.size, 4)}u` : "";
  const out: string[] = [];
  for (let r = 0; r < 4 * QR; r++) {
    const row = `first_row + 4u * local.y + ${4 * W * (r >> 2) + (r % 4)}u`;
    out.push(`if (${row} < ${rows}u) {`, `  let at = c_row(${row}, z);`);
    out.push(`  ${c.holes ? "if (at >= 0) " : ""}{`, `    let to = u32(at)${part};`);
    for (let q = 0; q < QC; q++) {
      const column = `first_column + 4u * local.x + ${4 * W * q}u`;
      if (wide) out.push(`    if (${column} < ${columns}u) { c[(to + ${column}) >> 2u] = c${r}_${q}; }`);
      else
        for (let j = 0; j < 4; j++)
          out.push(`    if (${column} + ${j}u < ${columns}u) { c[to + ${column} + ${j}u] = c${r}_${q}.${"xyzw"[j]}; }`);
    }
    out.push("  }", "}");
  }
  return out;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const lines = (statements: string[], depth: number): string => statements.map((s) => "  ".repeat(depth) + s).join("\n");
