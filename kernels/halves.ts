/**
 * Storage in half precision. Every kernel is written once, for buffers of 4-byte elements; here its text is rewritten so that some of
 * its bindings hold f16 (2 bytes an element) while all arithmetic stays f32:
 *
 *     var<storage, read_write> x: array<vec4f>;      becomes   var<storage, read_write> x: array<vec4h>;
 *     ... x[i] ...                                   becomes   ... vec4f(x[i]) ...
 *     x[i] = value;                                  becomes   x[i] = half4(value);
 *
 * Stores round to the nearest half (11 bits) and saturate: a finite number beyond the largest half is kept as that, not as infinity, so that
 * what only the narrower type cannot hold does not end a training. NaN and infinities, which f32 itself came to, stay what they are and show.
 * Bindings of u32 hold the bits of an f32 (kernels that copy without looking), and hold the half of that number.
 *
 * Precondition: a kernel's bindings are declared as `loops.ts` declares them and used element by element, `x[i]`, `x[i] = value;`, or by
 * `arrayLength`; nothing else that is named like a binding is indexed.
 */
import type { Kernel, Lowering } from "./kernel.js";
import { isNonFinite } from "./non-finite.js";

/** How an element of a declared type is stored in halves, read and written. */
const FORMS: Readonly<Record<string, { stored: string; read: (x: string) => string; write: (x: string) => string }>> = {
  f32: { stored: "f16", read: (x) => `f32(${x})`, write: (x) => `half1(${x})` },
  vec2f: { stored: "vec2h", read: (x) => `vec2f(${x})`, write: (x) => `half2(${x})` },
  vec4f: { stored: "vec4h", read: (x) => `vec4f(${x})`, write: (x) => `half4(${x})` },
  u32: { stored: "f16", read: (x) => `bitcast<u32>(f32(${x}))`, write: (x) => `half1(bitcast<f32>(${x}))` },
  vec4u: { stored: "vec4h", read: (x) => `bitcast<vec4u>(vec4f(${x}))`, write: (x) => `half4(bitcast<vec4f>(${x}))` },
};

/** The largest finite half. */
const MOST = "65504.0";

/** half1, half2 and half4, of which a text uses what it needs. */
const STORES = [
  ["half1", "f16", "f32", "u32"],
  ["half2", "vec2h", "vec2f", "vec2u"],
  ["half4", "vec4h", "vec4f", "vec4u"],
]
  .map(([name, H, T, U]) => {
    const saturated = `clamp(x, ${T}(-${MOST}), ${T}(${MOST}))`;
    return `fn ${name}(x: ${T}) -> ${H} { return ${H}(select(${saturated}, x, ${isNonFinite("x", U)})); }`;
  })
  .join("\n");

/** Which inputs and outputs of an operation are in halves; scratch never is. */
export interface Halves {
  readonly input: readonly boolean[];
  readonly output: readonly boolean[];
}

/**
 * The lowering with these inputs and outputs in halves, bound in whole vectors of four, 8 bytes.
 * @throws Error for a kernel that uses such a buffer in a way this rewriting does not know: a fault of the kernel.
 */
export function inHalves({ launches, scratch, tuning }: Lowering, halves: Halves): Lowering {
  const stored = { ...halves, scratch: [] as readonly boolean[] };
  const words = (side: readonly boolean[]) => side.map((half) => (half ? "f16" : "f32")).join(",");
  return {
    launches: launches.map(({ kernel, slots }) => ({
      kernel: kernelInHalves(
        kernel,
        slots.flatMap(({ role, index }, binding) => (stored[role][index] ? [binding] : [])),
      ),
      slots,
    })),
    scratch,
    ...(tuning && { tuning: { ...tuning, problem: `${tuning.problem} ${words(halves.input)} ${words(halves.output)}` } }),
  };
}

function kernelInHalves(kernel: Kernel, bindings: readonly number[]): Kernel {
  if (bindings.length === 0) return kernel;
  const code = bindings.reduce((text, binding) => rewrite(text, binding, kernel.name), kernel.code);
  return { ...kernel, name: `${kernel.name} f16`, code: `enable f16;\n${code}\n${STORES}\n` };
}

function rewrite(code: string, binding: number, kernel: string): string {
  const declaration = new RegExp(`@binding\\(${binding}\\) var<storage, read_write> (\\w+): array<(\\w+)`);
  const [declared, name, type] = declaration.exec(code) ?? [];
  const form = FORMS[type ?? ""];
  if (!declared || !form) throw new Error(`${kernel}: binding ${binding} is not declared as a buffer that can hold halves`);
  const whole = code.replace(declared, declared.slice(0, -type!.length) + form.stored);
  const unknown = new RegExp(`(?<!arrayLength\\()&${name}\\b`).exec(whole);
  if (unknown) throw new Error(`${kernel}: ${unknown[0]} is more than an element of a buffer in halves`);

  const access = new RegExp(`(?<![\\w.])${name}\\[`, "g");
  /** The text from `from` to `to`, its accesses rewritten. */
  const part = (from: number, to: number): string => {
    let result = "";
    let at = from;
    for (;;) {
      access.lastIndex = at;
      const found = access.exec(whole);
      if (!found || found.index >= to) return result + whole.slice(at, to);
      const open = found.index + found[0].length;
      const close = closing(whole, open);
      const element = `${name}[${part(open, close)}]`;
      result += whole.slice(at, found.index);
      const rest = whole.slice(close + 1, to);
      const store = /^\s*([-+*/]?)=(?!=)/.exec(rest);
      if (!store) {
        result += form.read(element);
        at = close + 1;
        continue;
      }
      const first = close + 1 + store[0].length;
      const end = whole.indexOf(";", first);
      const value = part(first, end).trim();
      result += `${element} = ${form.write(store[1] ? `${form.read(element)} ${store[1]} (${value})` : value)}`;
      at = end;
    }
  };
  return part(0, whole.length);
}

/** Where the bracket that is open before `from` closes. */
function closing(code: string, from: number): number {
  let depth = 1;
  let at = from;
  while (depth > 0) {
    const next = code[at++];
    if (next === undefined) throw new Error("a bracket is not closed");
    if (next === "[") depth++;
    if (next === "]") depth--;
  }
  return at - 1;
}
