/** The ladder of the GEMM core, from naive to best: each rung checked against the lowest, timed, and explained in one line. */
import { type AdapterTraits } from "../kernels/kernel.js";
import { Tuner } from "../src/gpu/tuner.js";
import { type Case, matmulCase, stridedCases } from "./gemm-cases.js";
import { type Row, row } from "./report.js";
import { againstLimit, type Session } from "./session.js";
import { inputValue, Timer } from "./timing.js";

interface Rung {
  /** As `gemm` takes it; "rule" and "tuned" are what those choose. */
  readonly variant: string;
  readonly why: string;
}

const SOFTWARE: readonly Rung[] = [
  { variant: "naive", why: "one result an invocation: two reads for every multiply-add" },
  { variant: "outer 4x4", why: "a tile of 4 x 4 in registers: eight values read feed sixteen multiply-adds" },
  { variant: "outer 8x4", why: "twice the rows: fewer reads of the lanes' own factor" },
  { variant: "outer 16x4", why: "sixteen rows: more sums than registers, still fewer reads" },
  { variant: "subgroup 8x4", why: "the shared rows read once a subgroup, one a lane, and handed round by broadcasts" },
  { variant: "subgroup 16x4", why: "the same with sixteen rows" },
  { variant: "subgroup 32x4", why: "thirty-two rows: as many sums as one load of all lanes can feed" },
  { variant: "subgroup 64x4", why: "sixty-four rows, two depths a round: a quarter fewer reads, and no more code" },
  { variant: "subgroup 64x4 swapped", why: "the lanes own rows and share sixty-four columns, which lie side by side in memory" },
  { variant: "rule", why: "tile and parts of the sum by the estimate of work" },
  { variant: "tuned", why: "the winner of a race between the estimates' best" },
];

const GPU: readonly Rung[] = [
  { variant: "naive", why: "one result an invocation: two reads for every multiply-add" },
  { variant: "outer", why: "a tile in registers, no workgroup memory" },
  { variant: "subgroup", why: "shared rows handed round by broadcasts" },
  { variant: "tiled 32x32x8/4x4", why: "tiles of both factors in workgroup memory, 4 x 4 results an invocation" },
  { variant: "tiled 64x64x16/4x4", why: "larger tiles: each value read serves 64 results" },
  { variant: "tiled 64x64x8/8x8", why: "8 x 8 results an invocation" },
  { variant: "tiled 128x128x8/8x8", why: "tiles of 128: each value read serves 128 results" },
  { variant: "rule", why: "tile and parts of the sum by the estimate of work" },
  { variant: "tuned", why: "the winner of a race between the estimates' best" },
];

/** The problems climbed by default: the square product, and the convolutions that most of a step is like. */
export function ladderCases(): Case[] {
  const strided = stridedCases(64, 16);
  return [
    matmulCase(1024),
    ...["D conv2 forward", "G deconv3 forward", "D conv2 weightGrad"].map((n) => strided.find((c) => c.name === n)!),
  ];
}

export async function* benchLadder(session: Session, cases = ladderCases()): AsyncGenerator<Row> {
  const { device } = session;
  const tuner = new Tuner(device, { mode: "full" });
  for (const c of cases) {
    if (!session.wants("ladder", c.name)) continue;
    let naive: Float32Array | undefined;
    for (const { variant, why } of device.traits.software ? SOFTWARE : GPU) {
      if (!(await session.allows(`ladder, ${c.name}`, variant, variant === "naive" ? 4 * c.flops : c.flops))) continue;
      const name = await candidateName(c, device.traits, tuner, variant);
      if (name === undefined) {
        session.miss(`ladder, ${c.name}`, variant, "not for this shape or adapter");
        continue;
      }
      const timer = await Timer.create(device, c.lower(device.traits, name), c.inputs, c.output, session.duration);
      try {
        const values = await timer.read(c.output);
        if (naive) requireSame(c, name, values, naive);
        else {
          if (c.problem.op === "matmul") requireProduct(c, c.problem.size, values);
          naive = values;
        }
        const { share, ...rest } = await againstLimit(session, timer.watch, { flops: c.flops });
        const label = variant === "rule" || variant === "tuned" ? `${variant}: ${name}` : name;
        yield row(device, { suite: "ladder", name: c.name, shape: c.shape, variant: label, ...rest, more: { share }, note: why });
      } finally {
        timer.destroy();
      }
    }
  }
}

/** The rung's complete name, or undefined where the adapter or the shape has no such kernel. */
async function candidateName(c: Case, traits: AdapterTraits, tuner: Tuner, variant: string): Promise<string | undefined> {
  const { tuning } = c.lower(traits);
  if (variant === "rule") return tuning?.candidates[0];
  if (variant === "tuned") {
    if (!tuning) return undefined;
    const tunable = { tuning, inputs: c.inputs, outputs: [c.output], lower: (name: string) => c.lower(traits, name) };
    return (await tuner.choose([tunable])).get(tuning.problem);
  }
  try {
    c.lower(traits, variant);
    return variant;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Another order of the sum changes last digits only. @throws Error naming the rung */
export function requireSame({ name }: Pick<Case, "name">, rung: string, values: ArrayLike<number>, reference: ArrayLike<number>): void {
  let largest = 0;
  for (let i = 0; i < reference.length; i++) largest = Math.max(largest, Math.abs(reference[i]!));
  for (let i = 0; i < reference.length; i++) {
    // Written so that a NaN is never near anything.
    if (Math.abs(values[i]! - reference[i]!) <= 1e-4 * largest) continue;
    throw new Error(`${name}: the rung "${rung}" computes something else: ${values[i]}, not ${reference[i]} (the largest is ${largest})`);
  }
}

/** Some elements of the lowest rung against sums in double precision. */
function requireProduct(c: Case, n: number, values: Float32Array): void {
  const places = Array.from({ length: 64 }, (_, i) => (i * 15485863) % (n * n));
  const sums = places.map((place) => {
    const [r, s] = [Math.floor(place / n), place % n];
    let sum = 0;
    for (let k = 0; k < n; k++) sum += inputValue(r * n + k) * inputValue(k * n + s);
    return sum;
  });
  requireSame(
    c,
    "naive",
    places.map((place) => values[place]!),
    sums,
  );
}
