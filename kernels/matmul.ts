/**
 * Batched matrix product C[z] = A[z] B[z], either factor stored plain or transposed.
 *
 * Bindings: 0 a, [batch or 1, m, k] ("mk") or [batch or 1, k, m] ("km"); 1 b, [batch or 1, k, n] ("kn") or [batch or 1, n, k] ("nk");
 * 2 c [batch, m, n].
 */
import { gemm } from "./gemm.js";
import type { Epilogue, GemmProblem, Operand } from "./gemm-problem.js";
import type { AdapterTraits, Lowering } from "./kernel.js";
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
  return gemm({ ...matmulProblem(shape, numbersFor(traits)), ...(epilogue && { epilogue }) }, traits, variant);
}

/** Longest stretch of k that is one segment. */
const LONGEST_CHUNK = 512;

function matmulProblem(shape: MatmulShape, numbers: Numbers): GemmProblem {
  const { u, i } = numbers;
  const { k, aLayout, bLayout } = shape;
  // A batch of rows against one b is one taller matrix.
  const stacked = shape.aBatched && !shape.bBatched && aLayout === "mk";
  const batch = stacked ? 1 : shape.batch;
  const m = stacked ? shape.m * shape.batch : shape.m;
  const { n } = shape;
  const { chunk, chunks } = chunksOf(k);
  const ragged = chunk * chunks !== k;
  const factor = (extent: number, depthFastest: boolean, batched: boolean): Operand => {
    const layer = batched && batch > 1 ? `i32(z) * ${i(extent * k)}` : "0";
    const base = depthFastest ? `site.x + i32(major) * ${i(chunk)}` : `site.x + i32(major) * ${i(chunk * extent)}`;
    return {
      size: (batched ? batch : 1) * extent * k,
      extent,
      contiguous: depthFastest ? "depth" : "free",
      vec4: (depthFastest ? chunk : extent) % 4 === 0 && (!ragged || !depthFastest),
      stride: depthFastest ? 1 : extent,
      outside: ragged ? "ends" : "never",
      site: `return vec4i(${layer} + i32(i)${depthFastest ? ` * ${i(k)}` : ""}, 0, 0, 0);`,
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
