/** Matrices turned in memory, for kernels that read them along the other index. */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import { Grid } from "./gemm-problem.js";
import type { Kernel } from "./kernel.js";
import { Constants } from "./loops.js";

/**
 * t[z, c, r] = m[z, r, c] for `layers` matrices of rows x columns. Bindings: 0 m, 1 t. One invocation turns 4 x 4 elements where both
 * numbers allow it, one element otherwise.
 */
export function turnKernel(layers: number, rows: number, columns: number): Kernel {
  const size = rows % 4 === 0 && columns % 4 === 0 ? 4 : 1;
  const constants = new Constants();
  const [total, across, down] = [(layers * rows * columns) / size ** 2, columns / size, rows / size].map(constants.reference);
  const grid = new Grid(Math.ceil((layers * rows * columns) / size ** 2 / 64));
  const type = size === 4 ? "vec4f" : "f32";
  const code = wgsl`// turn
@group(0) @binding(0) var<storage, read_write> m: array<${type}>;
@group(0) @binding(1) var<storage, read_write> t: array<${type}>;
${constants.declaration(2)}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = ${grid.index} * 64u + lane;
  if (i >= ${total}) { return; }
  let row = i % ${down};
  let column = i / ${down} % ${across};
  let z = i / (${down} * ${across});
#if ${size === 4}
  let source = (z * ${down} + row) * 4u * ${across} + column;
  let target_row = (z * ${across} + column) * 4u * ${down} + row;
  let a = m[source];
  let b = m[source + ${across}];
  let c = m[source + 2u * ${across}];
  let d = m[source + 3u * ${across}];
  t[target_row] = vec4f(a.x, b.x, c.x, d.x);
  t[target_row + ${down}] = vec4f(a.y, b.y, c.y, d.y);
  t[target_row + 2u * ${down}] = vec4f(a.z, b.z, c.z, d.z);
  t[target_row + 3u * ${down}] = vec4f(a.w, b.w, c.w, d.w);
#else
  t[i] = m[(z * ${down} + row) * ${across} + column];
#endif
}
`;
  return { name: `turn ${layers}x${rows}x${columns}`, code, constants: constants.values, workgroups: grid.workgroups };
}
