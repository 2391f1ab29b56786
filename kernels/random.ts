/**
 * Counter-based random numbers: Philox-4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw, 2011). Block i of a stream is a pure
 * function of (seed, step, stream, i), so a run is repeatable and nothing is stored between steps.
 *
 * Bindings: 0 key u32 [3] = seed's low and high word, step, and, where several ranks draw under one key, the rank; 1 result f32. One invocation makes four numbers; the tail of the last block
 * falls into the buffer's padding.
 * Uniform numbers are in the open interval (0, 1), normal ones by Box and Muller's transform of two uniforms each.
 */
import type { Lowering } from "./kernel.js";
import { input, output } from "./kernel.js";
import { binding, entry, flatIndex, workgroupsFor } from "./loops.js";

const PHILOX = `
// High and low word of a 32 x 32 bit product, from 16-bit halves: WGSL has no wide multiplication.
fn multiply(a: u32, b: u32) -> vec2u {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = al * bh + ((al * bl) >> 16u);
  let carry = ah * bl + (middle & 0xffffu);
  return vec2u(ah * bh + (middle >> 16u) + (carry >> 16u), a * b);
}

fn philox(start: vec4u, start_key: vec2u) -> vec4u {
  var c = start;
  var k = start_key;
  for (var round = 0u; round < 10u; round++) {
    let p = multiply(0xD2511F53u, c.x);
    let q = multiply(0xCD9E8D57u, c.z);
    c = vec4u(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
    k += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}
`;

export type Distribution = "normal" | "uniform";

export function random(distribution: Distribution, count: number, stream: number, ranks = false): Lowering {
  const name = `random ${distribution}`;
  const blocks = Math.ceil(count / 4);
  const normal = `
  let radius = sqrt(-2.0 * log(u.xy));
  let angle = 6.2831853 * u.zw;
  result[i] = vec4f(radius * cos(angle), radius * sin(angle));`;
  const code = `// ${name}
${binding(0, "key", "u32")}
${binding(1, "result", "vec4f")}
${PHILOX}
${entry()} {
  let i = ${flatIndex()};
  if (i >= ${blocks}u) { return; }
  let bits = philox(vec4u(i, ${stream}u, key[2], ${ranks ? "key[3]" : "0u"}), vec2u(key[0], key[1]));
  // 23 bits and a half: strictly between 0 and 1, so that the logarithm is finite.
  let u = (vec4f(bits >> vec4u(9u)) + 0.5) * exp2(-23.0);
  ${distribution === "normal" ? normal : "result[i] = u;"}
}
`;
  return { launches: [{ kernel: { name, code, workgroups: workgroupsFor(blocks) }, slots: [input(0), output(0)] }], scratch: [] };
}
