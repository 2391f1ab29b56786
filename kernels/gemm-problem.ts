/**
 * The one product behind matmul and all directions of convolution, an implicit GEMM:
 *
 *     C[row, column] = sum over segments s, sum over depth d of  A(row, s, d) * B(s, d, column)        for every layer z
 *
 * A "segment" is a stretch of the reduction in which both factors are walked with constant strides: a tap (kh, kw) of a convolution,
 * whose depth is the channels; an output line of a weight gradient, whose depth is the line's pixels; a chunk of k in a matmul. Where
 * a row is in memory, and whether the tap falls outside the image there, is worked out once a segment, not once an element.
 *
 * This file: what a problem is, and the WGSL that all variants share. Bindings of every variant: 0 a, 1 b, 2 c (or the partial sums,
 * where the reduction is split).
 */
import { wgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";
import type { Numbers } from "./loops.js";
import type { Body } from "./map.js";

/** A factor: what its free index (A: row, B: column) and a place in the reduction mean in memory. */
export interface Operand {
  /** Elements of the tensor. */
  readonly size: number;
  /** How many free indices there are. */
  readonly extent: number;
  /** The index that moves by one element in memory. */
  readonly contiguous: "free" | "depth";
  /** True when four neighbours along the contiguous index are one aligned vec4f (and lie in one segment, and share a run). */
  readonly vec4: boolean;
  /** Elements between depth d and d + 1. */
  readonly stride: number;
  /** What may lie outside the tensor and counts as zero: nothing, whole segments of a free index, or the ends of a segment. */
  readonly outside: "never" | "segment" | "ends";
  /**
   * Bodies of two WGSL functions. `site`: facts of a free index `i` in layer `z` that no segment changes, as a vec4i.
   * `run`: where the site's values of segment (`major`, `minor`) are, as Run(base, first, count): depth d is at base + d * stride, and
   * is zero unless first <= d < first + count.
   */
  readonly site: string;
  readonly run: string;
}

export interface GemmProblem {
  readonly name: string;
  /** How the texts below, and the variant's own, write numbers. */
  readonly numbers: Numbers;
  readonly rows: number;
  readonly columns: number;
  readonly layers: number;
  readonly segments: number;
  readonly depth: number;
  /**
   * Segments are counted in two digits, such as (kh, kw), so that walking them takes no division: WGSL expression of `z` for the number
   * of values of the minor one. Where it is missing, `minor` is 0.
   */
  readonly minors?: string;
  /** WGSL expression of `z` for the segments of a layer, where layers have fewer than `segments`. */
  readonly segmentsOfLayer?: string;
  readonly a: Operand;
  readonly b: Operand;
  readonly c: {
    /** Elements of the result. Columns are contiguous. */
    readonly size: number;
    /** Body of a WGSL function of `row` and `z`: the index of the row's first element as i32, negative where no such row exists. */
    readonly row: string;
    /** True when `row` may be negative. */
    readonly holes: boolean;
  };
  readonly epilogue?: Epilogue;
}

/**
 * What becomes of an element of C before it is stored: an elementwise expression of it and of vectors along the columns, such as a bias
 * and an activation. The vectors are the lowering's inputs 2, 3 ...; their bindings follow C's.
 */
export interface Epilogue {
  readonly vectors: number;
  /** Elements of each, where the columns run over them several times; otherwise the number of columns. */
  readonly length?: number;
  /** Its arguments are the element, then the vectors' values at its column; for `T` = f32 and vec4f alike. */
  readonly body: Body;
}

/** A problem as a variant gets it: the reduction cut in `splits` ranges of `segmentsPerSplit` segments, each summed by its own workgroups. */
export interface SplitProblem extends GemmProblem {
  readonly splits: number;
  readonly segmentsPerSplit: number;
}

/**
 * A sum in one row of n equal products is off by n 2^-26 at worst: so many are added up so, which makes 4e-6. Where there are more, blocks of
 * so many, and of blocks so many.
 */
const LONGEST_ROW = 256;
const BLOCK = 128;
const BLOCKS = 32;

/**
 * Lengths, in depths, of the blocks in which a kernel sums the reduction of a part: none where it is short; blocks; or, last, blocks of
 * blocks. Short reductions are spared what blocks cost (a second set of sums).
 */
export function blocksOf({ segmentsPerSplit, depth }: SplitProblem): readonly number[] {
  const length = segmentsPerSplit * depth;
  if (length <= LONGEST_ROW) return [];
  return length <= 2 * BLOCKS * BLOCK ? [BLOCK] : [BLOCK, BLOCKS * BLOCK];
}

/** A tile and an estimate of the work with it, by which tiles of one variant are compared. */
export interface Ranked<Tile> {
  readonly tile: Tile;
  readonly work: number;
}

/** Workgroups numbered 0..count-1 (WGSL: `index` of `group`), folded into two dimensions where one would pass 65535. */
export class Grid {
  readonly workgroups: readonly [number, number, number];
  /** False when the folding leaves workgroups past the count, which must do nothing. */
  readonly exact: boolean;
  readonly index: string;

  constructor(readonly count: number) {
    const y = Math.ceil(count / 65535);
    const x = Math.ceil(count / y);
    this.workgroups = [x, y, 1];
    this.exact = x * y === count;
    this.index = y === 1 ? "group.x" : `(group.y * ${x}u + group.x)`;
  }
}

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/** Elements that a kernel reads or writes at once: an f32, a vec2f or a vec4f. */
export type Width = 1 | 2 | 4;

/** The widest reads of an operand. */
export const widest = (operand: Operand): Width => (operand.vec4 ? 4 : 1);

const TYPES = { 1: "f32", 2: "vec2f", 4: "vec4f" } as const;

/** Bindings, constants and address functions that every variant starts with; to be called last, when all numbers are known. */
export function prelude(problem: SplitProblem, width: { readonly a: Width; readonly b: Width; readonly c: Width }): string {
  const { a, b, c, numbers } = problem;
  const functions = `${operandFunctions("a", a, width.a, numbers)}${operandFunctions("b", b, width.b, numbers)}`;
  return wgsl`
@group(0) @binding(0) var<storage, read_write> a: array<${TYPES[width.a]}>;
@group(0) @binding(1) var<storage, read_write> b: array<${TYPES[width.b]}>;
@group(0) @binding(2) var<storage, read_write> c: array<${TYPES[width.c]}>;
${ownEpilogue(problem) ? epilogueFunction(ownEpilogue(problem)!, width.c === 4, problem.columns, 3) : ""}
${numbers.constants.declaration(3 + (ownEpilogue(problem)?.vectors ?? 0))}

// Depth d of a segment is at base + d * stride, and zero unless first <= d < first + count.
struct Run { base: i32, first: u32, count: u32 }
${functions}
fn c_row(row: u32, z: u32) -> i32 {${block(c.row)}}
`;
}

/** The epilogue where the kernel stores C itself; partial sums are finished when they are added up. */
const ownEpilogue = ({ epilogue, splits }: SplitProblem): Epilogue | undefined => (splits === 1 ? epilogue : undefined);

/** WGSL of the vectors' bindings, from `first` on, and of `finish(value, column)`; `wide`: of four values at and after a column. */
export function epilogueFunction({ vectors, body, length }: Epilogue, wide: boolean, columns: number, first: number): string {
  const type = wide ? "vec4f" : "f32";
  const names = Array.from({ length: vectors }, (_, i) => `vector${i}`);
  const { statements, value } = body(["x", ...names.map((_, i) => `along${i}`)]);
  const place = (j: number) =>
    length !== undefined || (wide && columns % 4 !== 0) ? `(column + ${j}u) % ${length ?? columns}u` : "column";
  // Four columns are one vector of memory unless a row, or a repetition, begins between them.
  const whole = wide && (length ?? columns) % 4 === 0;
  const load = (name: string) =>
    whole
      ? `${name}[(${place(0)}) >> 2u]`
      : wide
        ? `vec4f(${[0, 1, 2, 3].map((j) => `${name}[${place(j)}]`).join(", ")})`
        : `${name}[${place(0)}]`;
  return wgsl`
${names.map((name, i) => `@group(0) @binding(${first + i}) var<storage, read_write> ${name}: array<${whole ? "vec4f" : "f32"}>;`).join("\n")}
alias T = ${type};
alias U = ${wide ? "vec4u" : "u32"};
fn finish(x: T, column: u32) -> T {
${names.map((name, i) => `  let along${i} = ${load(name)};`).join("\n")}
${statements}
  return ${value};
}
`;
}

/** The element, or four, of C in `value` as it is stored at and after `column`. */
export const finished = (problem: SplitProblem, value: string, column: string): string =>
  ownEpilogue(problem) ? `finish(${value}, ${column})` : value;

/** NAME_site, NAME_run and NAME_at of an operand; NAME_at reads one element, or those at and after it along the contiguous index. */
function operandFunctions(name: string, operand: Operand, width: Width, { u }: Numbers): string {
  const { stride, outside } = operand;
  const type = TYPES[width];
  const step = stride === 1 ? "d" : `d * ${u(stride)}`;
  const shift = { 1: "", 2: " >> 1u", 4: " >> 2u" }[width];
  return wgsl`
fn ${name}_site(i: u32, z: u32) -> vec4i {${block(operand.site)}}
fn ${name}_run(site: vec4i, major: u32, minor: u32, z: u32) -> Run {${block(operand.run)}}
fn ${name}_at(run: Run, d: u32) -> ${type} {
#if ${outside === "never"}
  return ${name}[(u32(run.base) + ${step})${shift}];
#elif ${outside === "segment"}
  return select(${type}(), ${name}[(u32(run.base) + ${step})${shift}], run.count != 0u);
#else
  let inside = d - run.first < run.count;
  return select(${type}(), ${name}[select(0u, (u32(run.base) + ${step})${shift}, inside)], inside);
#endif
}
`;
}

const block = (body: string): string => {
  const lines = body
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.length <= 1 ? ` ${lines.join("")} ` : `\n${lines.map((line) => `  ${line}\n`).join("")}`;
};

/** The range of segments [start, end) that split `split` of layer `z` sums. */
export function segmentRange(problem: SplitProblem): string {
  const { splits, segmentsPerSplit, segments, numbers } = problem;
  const { u } = numbers;
  const all = problem.segmentsOfLayer ?? u(segments);
  if (splits === 1) return `let start = 0u; let end = ${all};`;
  const last = splits * segmentsPerSplit === segments && !problem.segmentsOfLayer;
  const stop = `(split + 1u) * ${u(segmentsPerSplit)}`;
  return `let start = split * ${u(segmentsPerSplit)}; let end = ${last ? stop : `min(${stop}, ${all})`};`;
}

/** Arguments `major, minor` of a run for the segment in a WGSL variable. */
export const digits = ({ minors }: GemmProblem, segment: string): string =>
  minors === undefined ? `${segment}, 0u` : `${segment} / (${minors}), ${segment} % (${minors})`;
