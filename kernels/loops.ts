/** WGSL text that several kernel families share: storage bindings, the flat index of an invocation, offsets in a loop nest. */

import type { AdapterTraits } from "./kernel.js";

/** Invocations of a workgroup in kernels without shared memory: whole vectors on every software adapter, two subgroups on most GPUs. */
export const LANES = 64;

/** Workgroups along x before a launch wraps into y; WebGPU's guaranteed limit. */
const ROW = 65535;

/** A loop of `count` steps in which operand i moves `steps[i]` elements a step (0: broadcast). */
export interface LoopAxis {
  readonly count: number;
  readonly steps: readonly number[];
}

/** An operand's binding, and which operand of the nest gives its steps. */
export interface Load {
  readonly binding: number;
  readonly operand: number;
  /** Element of the binding at which the operand begins (default 0). */
  readonly first?: number;
}

/** Launch size for at least `invocations` invocations. */
export function workgroupsFor(invocations: number, lanes = LANES): [number, number, number] {
  const groups = Math.max(1, Math.ceil(invocations / lanes));
  return [Math.min(groups, ROW), Math.ceil(groups / ROW), 1];
}

/** The invocation's number over the whole launch. */
export const flatIndex = (lanes = LANES): string => `(workgroup.x + workgroup.y * ${ROW}u) * ${lanes}u + lane`;

/** The workgroup's number over the whole launch. */
export const groupIndex = `workgroup.x + workgroup.y * ${ROW}u`;

/** Kept columns that the lanes of a workgroup stand side by side on where they share out a reduction; vectors of them fill lines of memory. */
export const ACROSS = 8;

export const entry = (lanes = LANES): string =>
  `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32)`;

export const binding = (index: number, name: string, type: string): string =>
  `@group(0) @binding(${index}) var<storage, read_write> ${name}: array<${type}>;`;

export const total = (axes: readonly LoopAxis[]): number => axes.reduce((product, a) => product * a.count, 1);

/** How a number is written in WGSL: into the text, or as a reference to the kernel's constants. */
export type WriteNumber = (value: number) => string;

export const literal: WriteNumber = (value) => `${value}u`;

/** Collects numbers that the text reads from the `constants` binding instead of containing them. */
export class Constants {
  readonly values: number[] = [];

  /** Each call takes a new place, also for equal numbers: the text must not depend on chance equalities. */
  readonly reference: WriteNumber = (value) => {
    const i = this.values.push(value) - 1;
    return `constants[${i >> 2}].${"xyzw"[i & 3]}`;
  };

  /** The declaration, once all numbers are known. */
  declaration(index: number): string {
    if (this.values.length === 0) return "";
    return `@group(0) @binding(${index}) var<uniform> constants: array<vec4u, ${Math.ceil(this.values.length / 4)}>;`;
  }
}

/** How a kernel family writes its shape's numbers: `u` as u32, `i` as i32. */
export interface Numbers {
  readonly u: WriteNumber;
  readonly i: WriteNumber;
  readonly constants: Constants;
}

/**
 * Software adapters need up to a second to compile a large kernel, so there shapes are constants that are read, and share pipelines;
 * GPUs compile quickly, and run faster with the numbers in the text.
 */
export function numbersFor(traits: AdapterTraits): Numbers {
  const constants = new Constants();
  if (!traits.software) return { u: literal, i: String, constants };
  return { u: constants.reference, i: (value) => `i32(${constants.reference(value)})`, constants };
}

/** `let`s that split a linear index over the axes (the last runs fastest), each coordinate named `prefix` + axis number. */
export function coordinates(axes: readonly LoopAxis[], index: string, prefix: string): string {
  const lines: string[] = [];
  let below = 1;
  for (let a = axes.length - 1; a >= 0; a--) {
    const quotient = below === 1 ? index : `(${index} / ${below}u)`;
    lines.push(`let ${prefix}${a} = ${a === 0 ? quotient : `${quotient} % ${axes[a]!.count}u`};`);
    below *= axes[a]!.count;
  }
  return lines.join(" ");
}

/** Element offset of one operand at the coordinates of `coordinates`. */
export function offset(axes: readonly LoopAxis[], operand: number, prefix: string, number: WriteNumber = literal): string {
  const terms = axes.flatMap((a, i) => {
    const step = a.steps[operand]!;
    return step === 0 ? [] : [step === 1 ? `${prefix}${i}` : `${prefix}${i} * ${number(step)}`];
  });
  return terms.length > 0 ? terms.join(" + ") : "0u";
}

/**
 * True when the fastest axis can be walked four elements at a time: every operand is contiguous or constant along it, and the
 * contiguous ones start at multiples of four.
 */
export function vectorizes(axes: readonly LoopAxis[], fastest: LoopAxis | undefined): boolean {
  if (!fastest || fastest.count % 4 !== 0) return false;
  return fastest.steps.every((step, i) => step === 0 || (step === 1 && axes.every((a) => a === fastest || a.steps[i]! % 4 === 0)));
}

/** The axis counted in groups of four. */
export const quarter = (axis: LoopAxis): LoopAxis => ({ count: axis.count / 4, steps: axis.steps.map((s) => s * 4) });

/** Element type of each binding: vec4f where every load of it is a whole vector. */
export function bindingTypes(bindings: number, loads: readonly (Load & { vector: boolean })[]): string[] {
  return Array.from({ length: bindings }, (_, b) => {
    const own = loads.filter((l) => l.binding === b);
    return own.length > 0 && own.every((l) => l.vector) ? "vec4f" : "f32";
  });
}

/** Expression that reads the value (T) at element `at`: a vector, four neighbours, or one element for all four. */
export function read(name: string, type: string, at: string, vector: boolean, wide: boolean): string {
  if (!wide) return `${name}[${at}]`;
  if (!vector) return `T(${name}[${at}])`;
  if (type === "vec4f") return `${name}[(${at}) / 4u]`;
  return `vec4f(${name}[${at}], ${name}[${at} + 1u], ${name}[${at} + 2u], ${name}[${at} + 3u])`;
}
