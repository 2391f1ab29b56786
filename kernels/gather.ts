/**
 * Convolution of one-hot characters without the 70-channel product: the first layer of a character network is a table look-up.
 *
 * gather:  y[n, t, d] = Σ_{j<K} w[j, index[n, t+j] − base, d]          (an index outside the table adds nothing)
 * scatter: dw[j, v, d] = Σ_{n,t : index[n, t+j] − base = v} g[n, t, d]
 *
 * With K = 1 and base 0 it is an ordinary embedding. Memory: index [N, L] u32, w [K, V, D], y and g [N, T, D], T = L − K + 1.
 *
 * scatter is deterministic and free of atomics: the rows are shared out to P parts; in each, an invocation owns one column d (vec4 where
 * D allows) of its part's own table, walks its rows in order and adds; a second launch sums the P tables. A part has 256 rows at most or takes
 * them in blocks of so many: it adds a block to a second table, then walks its rows again and moves what they added to its own.
 * Bindings: gather 0 index, 1 w, 2 y; scatter stage 1: 0 index, 1 g, 2 tables [P, K, V, D], with blocks 3 their tables, as large; stage 2:
 * 0 tables, 1 dw.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import type { Lowering } from "./kernel.js";
import { input, output, scratch } from "./kernel.js";
import { binding, entry, flatIndex, workgroupsFor } from "./loops.js";

export interface GatherShape {
  readonly batch: number;
  /** Indices in a row. */
  readonly length: number;
  /** Rows of the table. */
  readonly values: number;
  readonly depth: number;
  readonly kernel: number;
  /** The index that means row 0. */
  readonly base: number;
}

const quarters = (depth: number) => (depth % 4 === 0 ? { type: "vec4f", columns: depth / 4 } : { type: "f32", columns: depth });

export function gather({ batch, length, values, depth, kernel, base }: GatherShape): Lowering {
  const { type, columns } = quarters(depth);
  const steps = length - kernel + 1;
  const count = batch * steps * columns;
  const name = "oneHotConv1d";
  const code = `// ${name}
${binding(0, "index", "u32")}
${binding(1, "w", type)}
${binding(2, "y", type)}

${entry()} {
  let i = ${flatIndex()};
  if (i >= ${count}u) { return; }
  let d = i % ${columns}u;
  let t = i / ${columns}u % ${steps}u;
  let n = i / ${columns * steps}u;
  var sum = ${type}(0);
  for (var j = 0u; j < ${kernel}u; j++) {
    let v = index[n * ${length}u + t + j] - ${base}u;
    if (v < ${values}u) { sum += w[(j * ${values}u + v) * ${columns}u + d]; }
  }
  y[i] = sum;
}
`;
  return { launches: [{ kernel: { name, code, workgroups: workgroupsFor(count) }, slots: [input(0), input(1), output(0)] }], scratch: [] };
}

/** Values of all tables of a scatter: 64 MiB. */
const MOST_VALUES = 2 ** 24;

/** As in products, so many are added up in a row at most, where all rows of a part have one index: off by 4e-6. */
const LONGEST_ROW = 256;

/** Tables that are added up one after the other. */
const MOST_IN_A_ROW = 32;

/**
 * The parts of a scatter, and whether their rows are taken in blocks. Short parts are the faster way to short sums (1.1 of the time of sixteen
 * parts, blocks 2.0) while their tables have fewer rows than there are rows to add: of more, to clear and sum them takes longer than blocks.
 */
function partsOf(rows: number, { kernel, values, depth }: GatherShape): { parts: number; blocked: boolean } {
  const most = Math.max(1, Math.floor(MOST_VALUES / (kernel * values * depth)));
  const few = Math.max(1, Math.min(16, Math.ceil(rows / 64), most));
  if (rows <= few * LONGEST_ROW) return { parts: few, blocked: false };
  const short = Math.ceil(rows / LONGEST_ROW);
  if (values <= LONGEST_ROW && short <= most) return { parts: short, blocked: false };
  return { parts: Math.max(1, Math.min(few, most >> 1)), blocked: true };
}

/** Inputs index and g. */
export function scatter(shape: GatherShape): Lowering {
  const { batch, length, values, depth, kernel, base } = shape;
  const { type, columns } = quarters(depth);
  const steps = length - kernel + 1;
  const rows = batch * steps;
  const { parts, blocked } = partsOf(rows, shape);
  const each = Math.ceil(rows / parts);
  const table = kernel * values * columns;
  const first = wgsl`// oneHotConv1d.scatter
${binding(0, "index", "u32")}
${binding(1, "g", type)}
${binding(2, "tables", type)}
#if ${blocked}
${binding(3, "blocks", type)}
#endif

fn value_of(row: u32, j: u32) -> u32 { return index[row / ${steps}u * ${length}u + row % ${steps}u + j] - ${base}u; }

${entry()} {
  let i = ${flatIndex()};
  if (i >= ${parts * kernel * columns}u) { return; }
  let d = i % ${columns}u;
  let j = i / ${columns}u % ${kernel}u;
  let part = i / ${columns * kernel}u;
  let own = (part * ${kernel}u + j) * ${values * columns}u + d;
  let end = min((part + 1u) * ${each}u, ${rows}u);
#if ${blocked}
  for (var v = 0u; v < ${values}u; v++) { tables[own + v * ${columns}u] = ${type}(0); blocks[own + v * ${columns}u] = ${type}(0); }
  for (var start = part * ${each}u; start < end; start += ${LONGEST_ROW}u) {
    let stop = min(start + ${LONGEST_ROW}u, end);
    for (var row = start; row < stop; row++) {
      let v = value_of(row, j);
      if (v < ${values}u) { blocks[own + v * ${columns}u] += g[row * ${columns}u + d]; }
    }
    // Of a table's row that has its sum already, nothing is left to add.
    for (var row = start; row < stop; row++) {
      let v = value_of(row, j);
      if (v < ${values}u) {
        let at = own + v * ${columns}u;
        tables[at] += blocks[at];
        blocks[at] = ${type}(0);
      }
    }
  }
#else
  for (var v = 0u; v < ${values}u; v++) { tables[own + v * ${columns}u] = ${type}(0); }
  for (var row = part * ${each}u; row < end; row++) {
    let v = value_of(row, j);
    if (v < ${values}u) { tables[own + v * ${columns}u] += g[row * ${columns}u + d]; }
  }
#endif
}
`;
  const second = wgsl`// oneHotConv1d.scatter sum
${binding(0, "tables", type)}
${binding(1, "dw", type)}

${entry()} {
  let i = ${flatIndex()};
  if (i >= ${table}u) { return; }
  var sum = ${type}(0);
#if ${parts > MOST_IN_A_ROW}
  for (var part = 0u; part < ${parts}u;) {
    let stop = min(part + ${MOST_IN_A_ROW}u, ${parts}u);
    var block = ${type}(0);
    for (; part < stop; part++) { block += tables[part * ${table}u + i]; }
    sum += block;
  }
#else
  for (var part = 0u; part < ${parts}u; part++) { sum += tables[part * ${table}u + i]; }
#endif
  dw[i] = sum;
}
`;
  const size = parts * kernel * values * depth;
  return {
    launches: [
      {
        kernel: { name: "oneHotConv1d.scatter", code: first, workgroups: workgroupsFor(parts * kernel * columns) },
        slots: [input(0), input(1), scratch(0), ...(blocked ? [scratch(1)] : [])],
      },
      { kernel: { name: "oneHotConv1d.scatter sum", code: second, workgroups: workgroupsFor(table) }, slots: [scratch(0), output(0)] },
    ],
    scratch: blocked ? [size, size] : [size],
  };
}
