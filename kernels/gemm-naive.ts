/**
 * GEMM, naive: one invocation makes one element of C and walks the whole reduction one multiplication at a time.
 * Workgroup: 64 invocations over consecutive elements. No preconditions. Simple enough to be believed; the others are tested beside it.
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import { blocksOf, digits, Grid, prelude, segmentRange, type SplitProblem, finished } from "./gemm-problem.js";
import type { Kernel } from "./kernel.js";

export function naiveKernel(problem: SplitProblem): Kernel {
  const { name, rows, columns, layers, depth, numbers } = problem;
  const { u } = numbers;
  const elements = rows * columns * layers;
  const [block, blocks] = blocksOf(problem);
  const grid = new Grid(Math.ceil(elements / 64));
  const main = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = ${grid.index} * 64u + lane;
  if (i >= ${u(elements)}) { return; }
  let column = i % ${u(columns)};
  let row = i / ${u(columns)} % ${u(rows)};
  let z = i / ${u(columns * rows)};
  let a_here = a_site(row, z);
  let b_here = b_site(column, z);
  var sum = 0.0;
#if ${block !== undefined}
  // Long sums are made in blocks, and blocks of blocks.
  var count = 0u;
  var block_sum = 0.0;
#endif
#if ${blocks !== undefined}
  var all = 0.0;
#endif
  ${segmentRange(problem)}
  for (var s = start; s < end; s++) {
    let a_line = a_run(a_here, ${digits(problem, "s")}, z);
    let b_line = b_run(b_here, ${digits(problem, "s")}, z);
    for (var d = 0u; d < ${u(depth)}; d++) {
      sum += a_at(a_line, d) * b_at(b_line, d);
#if ${block !== undefined}
      count++;
      if (count % ${block}u == 0u) { block_sum += sum; sum = 0.0; }
#if ${blocks !== undefined}
      if (count % ${blocks}u == 0u) { all += block_sum; block_sum = 0.0; }
#endif
#endif
    }
  }
#if ${block !== undefined}
  sum += block_sum;
#endif
#if ${blocks !== undefined}
  sum += all;
#endif
  let at = c_row(row, z);
#if ${problem.c.holes}
  if (at < 0) { return; }
#endif
  c[u32(at) + column] = ${finished(problem, "sum", "column")};
}
`;
  const code = wgsl`// GEMM, naive
${prelude(problem, { a: 1, b: 1, c: 1 })}${main}`;
  return { name: `${name} naive`, code, constants: numbers.constants.values, workgroups: grid.workgroups };
}
