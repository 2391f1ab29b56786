/**
 * Elementwise maps: out[i] = f(a[i], b[i], ...), where f is any fused expression and operands may be broadcast or lie in another
 * memory order.
 *
 * Bindings: the operands 0..n-1, then the result (which may itself be an operand, read before it is written).
 * Tiles: none; one invocation makes one vec4 where the fastest loop allows it, one element otherwise; 64 invocations a workgroup.
 * Preconditions: the result is dense in loop order. In the flat case (all operands dense in the same order, or single elements)
 * the text does not depend on the shape: the length is the binding's, so every buffer is bound in multiples of 16 bytes.
 */
import {
  binding,
  bindingTypes,
  coordinates,
  entry,
  flatIndex,
  type Load,
  LANES,
  type LoopAxis,
  offset,
  quarter,
  read,
  total,
  vectorizes,
  workgroupsFor,
} from "./loops.js";
import type { Kernel } from "./kernel.js";

/** Statements that compute `value` from the arguments' names; T is f32 or vec4f and U the unsigned integers of that width. */
export type Body = (args: readonly string[]) => { statements: string; value: string };

export interface MapProblem {
  readonly name: string;
  /** Loops from slowest to fastest. Operand 0 of the steps is the result. */
  readonly axes: readonly LoopAxis[];
  readonly loads: readonly Load[];
  /** Bindings in all, the result's included. */
  readonly bindings: number;
  /** The result's binding. */
  readonly result: number;
  readonly body: Body;
}

export const types = (wide: boolean): string => (wide ? "alias T = vec4f;\nalias U = vec4u;" : "alias T = f32;\nalias U = u32;");

export function map({ name, axes: given, loads, bindings, result, body }: MapProblem): Kernel {
  // A single element is a line of one.
  const axes = given.length > 0 ? given : [{ count: 1, steps: new Array<number>(loads.length + 1).fill(1) }];
  const flat = axes.length <= 1 && (axes[0]?.steps ?? []).every((s) => s <= 1);
  const fastest = axes.at(-1);
  const wide = flat || vectorizes(axes, fastest);
  const walk = wide && !flat ? [...axes.slice(0, -1), quarter(fastest!)] : axes;
  const vector = (operand: number) => wide && (fastest?.steps[operand] ?? (operand === 0 ? 1 : 0)) === 1;
  const needs = [...loads.map((l) => ({ ...l, vector: vector(l.operand) })), { binding: result, operand: 0, vector: wide }];
  const kinds = bindingTypes(bindings, needs);
  const names = kinds.map((_, b) => (b === result ? "result" : `in${b}`));
  const place = (operand: number) => (flat ? (vector(operand) ? "i * 4u" : "0u") : offset(walk, operand, "c"));
  const args = loads.map((l) => read(names[l.binding]!, kinds[l.binding]!, place(l.operand), vector(l.operand), wide));
  const { statements, value } = body(args.map((_, i) => `x${i}`));
  const count = total(walk);
  const limit = flat ? "arrayLength(&result)" : `${count}u`;
  const code = `// ${name}
${types(wide)}
${kinds.map((type, b) => binding(b, names[b]!, type)).join("\n")}

${entry()} {
  let i = ${flatIndex()};
  if (i >= ${limit}) { return; }
  ${flat ? "" : coordinates(walk, "i", "c")}
${args.map((a, i) => `  let x${i} = ${a};`).join("\n")}
${statements}
  result[i] = ${value};
}
`;
  return { name, code, workgroups: workgroupsFor(flat ? Math.ceil(count / 4) : count, LANES) };
}
