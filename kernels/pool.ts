/**
 * Maximum over windows along time, channels last.
 *
 * select:  y[n, t, c] = v[n, s·t + j*, c],  j* = the first j < k that maximises x[n, s·t + j, c] (of NaN: the last)
 * scatter: dx[n, i, c] = Σ over windows t whose maximum is at i of g[n, t, c]
 *
 * select(x, x) is the pooling itself, scatter(x, g) its gradient; each is the other's derivative.
 * Bindings: 0 x [N, L, C], 1 the second operand (absent when it is x), last the result. One invocation makes one element.
 * No atomics: scatter looks at the few windows that can contain a place.
 */
import type { Lowering } from "./kernel.js";
import { input, output } from "./kernel.js";
import { isNaN } from "./non-finite.js";
import { binding, entry, flatIndex, workgroupsFor } from "./loops.js";

export interface PoolShape {
  readonly batch: number;
  readonly length: number;
  readonly channels: number;
  readonly outLength: number;
  readonly kernel: number;
  readonly stride: number;
}

const winner = ({ length, channels, kernel, stride }: PoolShape): string => `
// Place of the first maximum in window t of row n, channel c; of the last NaN where there is one, as in PyTorch.
fn winner(n: u32, t: u32, c: u32) -> u32 {
  var best = (n * ${length}u + t * ${stride}u) * ${channels}u + c;
  for (var j = 1u; j < ${kernel}u; j++) {
    let at = (n * ${length}u + t * ${stride}u + j) * ${channels}u + c;
    let value = x[at];
    let most = x[best];
    if (${isNaN("value", "u32")} || (value > most && !${isNaN("most", "u32")})) { best = at; }
  }
  return best;
}
`;

/** Inputs x, and v unless `self`. */
export function maxPoolSelect(shape: PoolShape, self: boolean): Lowering {
  const count = shape.batch * shape.outLength * shape.channels;
  const name = "maxPool1d.select";
  const code = `// ${name}
${binding(0, "x", "f32")}
${self ? "" : binding(1, "v", "f32")}
${binding(self ? 1 : 2, "result", "f32")}
${winner(shape)}
${entry()} {
  let i = ${flatIndex()};
  if (i >= ${count}u) { return; }
  let c = i % ${shape.channels}u;
  let t = i / ${shape.channels}u % ${shape.outLength}u;
  let n = i / ${shape.channels * shape.outLength}u;
  result[i] = ${self ? "x" : "v"}[winner(n, t, c)];
}
`;
  const slots = self ? [input(0), output(0)] : [input(0), input(1), output(0)];
  return { launches: [{ kernel: { name, code, workgroups: workgroupsFor(count) }, slots }], scratch: [] };
}

/** Inputs x and g. */
export function maxPoolScatter(shape: PoolShape): Lowering {
  const { batch, length, channels, outLength, kernel, stride } = shape;
  const count = batch * length * channels;
  const name = "maxPool1d.scatter";
  const code = `// ${name}
${binding(0, "x", "f32")}
${binding(1, "g", "f32")}
${binding(2, "result", "f32")}
${winner(shape)}
${entry()} {
  let i = ${flatIndex()};
  if (i >= ${count}u) { return; }
  let c = i % ${channels}u;
  let l = i / ${channels}u % ${length}u;
  let n = i / ${channels * length}u;
  // Windows t with t·stride <= l < t·stride + kernel.
  let first = (max(l, ${kernel - 1}u) - ${kernel - 1}u + ${stride - 1}u) / ${stride}u;
  var sum = 0.0;
  for (var t = first; t < ${outLength}u && t * ${stride}u <= l; t++) {
    if (winner(n, t, c) == i) { sum += g[(n * ${outLength}u + t) * ${channels}u + c]; }
  }
  result[i] = sum;
}
`;
  return { launches: [{ kernel: { name, code, workgroups: workgroupsFor(count) }, slots: [input(0), input(1), output(0)] }], scratch: [] };
}
