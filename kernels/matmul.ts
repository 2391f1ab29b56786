/**
 * Batched matrix product C[z] = A[z] B[z], either factor stored plain or transposed.
 *
 * Bindings: 0 a, [batch or 1, m, k] ("mk") or [batch or 1, k, m] ("km"); 1 b, [batch or 1, k, n] ("kn") or [batch or 1, n, k] ("nk");
 * 2 c [batch, m, n].
 */
import { copyRegions } from "./copy.js";
import { gemm } from "./gemm.js";
import type { Epilogue, GemmProblem, Operand } from "./gemm-problem.js";
import { type AdapterTraits, type Lowering, prepared } from "./kernel.js";
import { type Numbers, numbersFor } from "./loops.js";

export interface MatmulShape {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aLayout: "mk" | "km";
  readonly bLayout: "kn" | "nk";
  /** False: one matrix a serves every entry of the batch. */
  readonly aBatched: boolean;
  readonly bBatched: boolean;
}

/** C = A B for inputs a, b (and the epilogue's vectors) and output c. */
export function matmul(shape: MatmulShape, traits: AdapterTraits, variant?: string, epilogue?: Epilogue): Lowering {
  const copied = traits.software && variant !== "naive" ? aliasing(shape) : { a: false, b: false };
  const stored = storedRows(shape);
  const line = (factor: "a" | "b") => stored[factor].length + (copied[factor] ? CACHE_LINE : 0);
  const problem = matmulProblem(shape, numbersFor(traits), { a: line("a"), b: line("b") });
  const product = gemm({ ...problem, ...(epilogue && { epilogue }) }, traits, variant);
  const copies = (["a", "b"] as const).flatMap((factor, i) => {
    if (!copied[factor]) return [];
    const { count, length } = stored[factor];
    const region = { shape: [count, length], from: [length, 1], to: [line(factor), 1] };
    const { kernel } = copyRegions(`rows of ${length} apart`, [region], [0, 1]).launches[0]!;
    return [{ input: i, kernel, size: count * line(factor) }];
  });
  return prepared(product, copies);
}

/** Elements. */
const CACHE_LINE = 16;

/** Rows of so many elements, or of a multiple, all begin at the same place of a CPU's first cache (4 KiB a way) and drive each other out. */
const ALIASING = 1024;

/** So many of them, and fewer, that place holds: then there is nothing to gain. */
const WAYS = 16;

/** How often an element must be read for its copy to pay. */
const WORTH_COPYING = 256;

/**
 * Which factors are copied to rows of another length first, on a CPU adapter: 1024 x 1024 x 1024 is so 1.4 times as fast on lavapipe.
 */
function aliasing(shape: MatmulShape): { readonly a: boolean; readonly b: boolean } {
  const { a, b } = storedRows(shape);
  return {
    a: a.length % ALIASING === 0 && a.count > WAYS && shape.n >= WORTH_COPYING,
    b: b.length % ALIASING === 0 && b.count > WAYS && shape.m >= WORTH_COPYING,
  };
}

/** How many rows each factor has in memory, and their elements. */
function storedRows({ batch, m, n, k, aLayout, bLayout, aBatched, bBatched }: MatmulShape) {
  const rows = (layers: number, count: number, length: number) => ({ count: layers * count, length });
  return {
    a: aLayout === "mk" ? rows(aBatched ? batch : 1, m, k) : rows(aBatched ? batch : 1, k, m),
    b: bLayout === "kn" ? rows(bBatched ? batch : 1, k, n) : rows(bBatched ? batch : 1, n, k),
  };
}

/** Longest stretch of k that is one segment. */
const LONGEST_CHUNK = 512;

/** @param line Elements from one row of a factor's memory to the next. */
function matmulProblem(shape: MatmulShape, numbers: Numbers, line: { readonly a: number; readonly b: number }): GemmProblem {
  const { u, i } = numbers;
  const { k, aLayout, bLayout } = shape;
  // A batch of rows against one b is one taller matrix.
  const stacked = shape.aBatched && !shape.bBatched && aLayout === "mk";
  const batch = stacked ? 1 : shape.batch;
  const m = stacked ? shape.m * shape.batch : shape.m;
  const { n } = shape;
  const { chunk, chunks } = chunksOf(k);
  const ragged = chunk * chunks !== k;
  const factor = (extent: number, depthFastest: boolean, batched: boolean, row: number): Operand => {
    const layerSize = (depthFastest ? extent : k) * row;
    const layer = batched && batch > 1 ? `i32(z) * ${i(layerSize)}` : "0";
    const base = `site.x + i32(major) * ${i(depthFastest ? chunk : chunk * row)}`;
    return {
      size: (batched ? batch : 1) * layerSize,
      extent,
      contiguous: depthFastest ? "depth" : "free",
      vec4: (depthFastest ? chunk : extent) % 4 === 0 && (!ragged || !depthFastest),
      stride: depthFastest ? 1 : row,
      outside: ragged ? "ends" : "never",
      site: `return vec4i(${layer} + i32(i)${depthFastest ? ` * ${i(row)}` : ""}, 0, 0, 0);`,
      run: `return Run(${base}, 0u, ${ragged ? `min(${u(chunk)}, ${u(k)} - major * ${u(chunk)})` : u(chunk)});`,
    };
  };
  // One matrix for the whole batch is told in the name: it is another problem.
  const shared = `${shape.batch > 1 && !shape.aBatched ? " one a" : ""}${shape.batch > 1 && !shape.bBatched ? " one b" : ""}`;
  return {
    numbers,
    name: `matmul ${shape.batch}x${shape.m}x${n}x${k} ${aLayout}.${bLayout}${shared}`,
    rows: m,
    columns: n,
    layers: batch,
    segments: chunks,
    depth: chunk,
    a: factor(m, aLayout === "mk", shape.aBatched, line.a),
    b: factor(n, bLayout === "nk", shape.bBatched, line.b),
    c: { size: batch * m * n, row: `return i32((z * ${u(m)} + row) * ${u(n)});`, holes: false },
  };
}

/** k cut in equal chunks of whole vec4f where such exist, otherwise in chunks of which the last is shorter. */
function chunksOf(k: number): { chunk: number; chunks: number } {
  if (k <= LONGEST_CHUNK) return { chunk: k, chunks: 1 };
  for (let chunk = LONGEST_CHUNK; chunk >= 64; chunk -= 4) if (k % chunk === 0) return { chunk, chunks: k / chunk };
  return { chunk: LONGEST_CHUNK, chunks: Math.ceil(k / LONGEST_CHUNK) };
}
