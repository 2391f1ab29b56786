/**
 * Batched matrix product C[z] = A[z] B[z], either factor stored plain or transposed.
 *
 * Bindings: 0 a, [batch or 1, m, k] ("mk") or [batch or 1, k, m] ("km"); 1 b, [batch or 1, k, n] ("kn") or [batch or 1, n, k] ("nk");
 * 2 c [batch, m, n].
 */
import { gemm } from "./gemm.js";
import type { Epilogue, GemmProblem, Operand } from "./gemm-problem.js";
import { type AdapterTraits, type Lowering, prepared } from "./kernel.js";
import { type Numbers, numbersFor } from "./loops.js";
import { turnKernel } from "./turn.js";

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
export function matmul(given: MatmulShape, traits: AdapterTraits, variant?: string, epilogue?: Epilogue): Lowering {
  const shape = stacked(given);
  const turn = traits.software && variant !== "naive" ? worthTurning(shape) : { a: false, b: false };
  const layouts = { aLayout: turn.a ? "km" : shape.aLayout, bLayout: turn.b ? "kn" : shape.bLayout } as const;
  const problem = matmulProblem({ ...shape, ...layouts }, numbersFor(traits));
  const product = gemm({ ...problem, ...(epilogue && { epilogue }) }, traits, variant);
  const { batch, m, n, k, aBatched, bBatched } = shape;
  const turned = (index: number, layers: number, rows: number, columns: number) => ({
    input: index,
    kernel: turnKernel(layers, rows, columns),
    size: layers * rows * columns,
  });
  return prepared(product, [
    ...(turn.a ? [turned(0, aBatched ? batch : 1, m, k)] : []),
    ...(turn.b ? [turned(1, bBatched ? batch : 1, n, k)] : []),
  ]);
}

/** A batch of rows against one b is one taller matrix. */
function stacked(shape: MatmulShape): MatmulShape {
  const { batch, m, aLayout, aBatched, bBatched } = shape;
  return aBatched && !bBatched && aLayout === "mk" ? { ...shape, batch: 1, m: m * batch, aBatched: false } : shape;
}

/** Rows of so many elements, or of a multiple, all begin at the same place of a CPU's first cache (4 KiB a way) and drive each other out. */
const ALIASING = 1024;

/** How often an element must be read for its turning to pay. */
const WORTH_TURNING = 256;

/** Products of which a tenth to a quarter takes longer than one more launch. */
const WORTH_A_LAUNCH = 2 ** 22;

/**
 * Which factors are turned first on a CPU adapter, so that four neighbours of the free index are one read and large tiles can be made
 * (gemm-register.ts): b where both lie along the depth, 1.3 times as fast on lavapipe; a where its rows drive each other out of the cache,
 * 1.1 times. GPUs turn tiles as they load them.
 */
function worthTurning({ m, n, k, aLayout, bLayout }: MatmulShape): { readonly a: boolean; readonly b: boolean } {
  if (m * n * k < WORTH_A_LAUNCH) return { a: false, b: false };
  return {
    a: aLayout === "mk" && k % ALIASING === 0 && m % 4 === 0 && n >= WORTH_TURNING,
    b: aLayout === "mk" && bLayout === "nk" && n % 4 === 0 && m >= WORTH_TURNING,
  };
}

/** Longest stretch of k that is one segment. */
const LONGEST_CHUNK = 512;

function matmulProblem(shape: MatmulShape, numbers: Numbers): GemmProblem {
  const { u, i } = numbers;
  const { batch, m, n, k, aLayout, bLayout } = shape;
  const { chunk, chunks } = chunksOf(k);
  const ragged = chunk * chunks !== k;
  const factor = (extent: number, depthFastest: boolean, batched: boolean): Operand => {
    const row = depthFastest ? k : extent;
    const layerSize = extent * k;
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
    a: factor(m, aLayout === "mk", shape.aBatched),
    b: factor(n, bLayout === "nk", shape.bBatched),
    c: { size: batch * m * n, row: `return i32((z * ${u(m)} + row) * ${u(n)});`, holes: false },
  };
}

/** k cut in equal chunks of whole vec4f where such exist, otherwise in chunks of which the last is shorter. */
function chunksOf(k: number): { chunk: number; chunks: number } {
  if (k <= LONGEST_CHUNK) return { chunk: k, chunks: 1 };
  for (let chunk = LONGEST_CHUNK; chunk >= 64; chunk -= 4) if (k % chunk === 0) return { chunk, chunks: k / chunk };
  return { chunk: LONGEST_CHUNK, chunks: Math.ceil(k / LONGEST_CHUNK) };
}
