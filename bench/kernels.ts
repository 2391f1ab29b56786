/** Every family of operations at the networks' shapes, each in turns with the adapter's own limit: arithmetic, or copying. */
import { gemmVariants } from "../kernels/gemm.js";
import { type Case, ganCases, lowered, matmulCase, variantOf } from "./gemm-cases.js";
import { compileOperation, type Operation, operations } from "./operations.js";
import { type Measured, type Row, row } from "./report.js";
import { againstLimit, inTurns, type Session } from "./session.js";
import { Stopwatch, Timer } from "./timing.js";

/** [width, batch], by cost. */
const NETWORKS = [
  [32, 16],
  [64, 16],
  [128, 16],
  [32, 64],
  [64, 64],
  [128, 64],
] as const;

export interface KernelOptions {
  /** Time every GEMM variant that the adapter runs, instead of the one the rule prefers. */
  readonly allVariants: boolean;
  /** Smaller networks, for tests. */
  readonly networks?: readonly (readonly [width: number, batch: number])[];
  /** Sizes of the square matrix products. */
  readonly products?: readonly number[];
}

/** Yields each row as it is measured. */
export async function* benchKernels(session: Session, options: KernelOptions): AsyncGenerator<Row> {
  const { device } = session;
  yield row(device, await dispatchCost(session));
  const products = (options.products ?? [512, 1024]).map(matmulCase);
  for (const c of products) yield* gemmRows(session, c, options.allVariants);
  for (const [width, batch] of options.networks ?? NETWORKS) {
    for (const c of ganCases(width, batch)) yield* gemmRows(session, c, options.allVariants);
    const suite = `width ${width}, batch ${batch}`;
    for (const operation of operations(width, batch)) {
      if (!session.wants("kernels", suite, operation.name)) continue;
      if (!(await session.allows(`kernels, ${suite}`, operation.name, operation.flops))) continue;
      yield row(device, await operationRow(session, suite, operation));
    }
  }
}

/** What a dispatch costs when it does nothing: no row can be faster. */
async function dispatchCost({ limits }: Session): Promise<Measured> {
  const turns = await inTurns({ empty: limits.empty }, 0);
  return { suite: "kernels", name: "an empty dispatch", shape: "1", variant: "", ms: turns.median("empty") };
}

async function* gemmRows(session: Session, c: Case, allVariants: boolean): AsyncGenerator<Row> {
  if (!session.wants("kernels", c.suite, c.name)) return;
  const { device } = session;
  for (const variant of allVariants ? gemmVariants(device.traits) : [undefined]) {
    if (!(await session.allows(`kernels, ${c.suite}`, c.name, c.flops))) continue;
    const lowering = variant === undefined ? await lowered(device, c) : c.lower(device.traits, variant);
    const timer = await Timer.create(device, lowering, c.inputs, c.output, session.duration);
    try {
      const { share, ...rest } = await againstLimit(session, timer.watch, { flops: c.flops });
      yield row(device, {
        ...{ suite: `kernels, ${c.suite}`, name: c.name, shape: c.shape, ...rest, more: { share } },
        variant: variant ?? variantOf(lowering),
      });
    } finally {
      timer.destroy();
    }
  }
}

/** An operation as `compile` has it, one submission an execution. */
async function operationRow(session: Session, suite: string, operation: Operation): Promise<Measured> {
  const { program, free } = await compileOperation(session.device, operation);
  try {
    const submit = (times: number) => {
      for (let i = 0; i < times; i++) program.launch();
    };
    const watch = await Stopwatch.create(session.device, submit, session.duration);
    const work = operation.flops !== undefined ? { flops: operation.flops } : { bytes: 4 * operation.values };
    const { share, ...rest } = await againstLimit(session, watch, work);
    const dispatches = program.dispatches;
    return {
      suite: `kernels, ${suite}`,
      ...{ name: operation.name, shape: operation.shape, variant: "", ...rest },
      more: { share, dispatches },
    };
  } finally {
    free();
  }
}
