/**
 * The loop of every training: while the GPU computes a step, the next one's batch is prepared and the numbers of the one before are looked
 * at; nothing waits inside a step.
 */
import type { Move, Pace } from "./events.js";
import { withWorkUnderWay } from "./under-way.js";

export interface TrainingSteps<Inputs, Result> {
  /** Steps done before. */
  readonly done: number;
  /** The last step to do. */
  readonly until: number;
  /** Aborted when no further step is to be begun. */
  readonly signal: AbortSignal;
  /** Asked before each step. One that it held back has nothing beside it on the GPU, before or after. */
  readonly pace?: Pace | undefined;
  /** What a step is given: a pure function of the step, called ahead of it. */
  inputs(step: number): Inputs | Promise<Inputs>;
  /** Submits a step. Steps are submitted in their order. @param move What the pace said, where it held the step back. */
  run(inputs: Inputs, step: number, move: Move): Promise<Result>;
  /** Looks at a step's numbers, in the order of the steps, one step late. */
  record(step: number, result: Result): unknown;
  /** What is to be done once a step is recorded and before the next one is submitted, if anything: grids, checkpoints. */
  readonly due?: (step: number) => readonly (() => Promise<void>)[];
}

/**
 * Does the steps after `done`.
 * @returns the last step done; all steps to it are recorded.
 * @throws whatever a step fails with, once no step is under way any more
 */
export function trainSteps<Inputs, Result>(steps: TrainingSteps<Inputs, Result>): Promise<number> {
  const { done, until, signal } = steps;
  return withWorkUnderWay(async (begin) => {
    let step = done;
    if (step >= until || signal.aborted) return step;
    let next = await steps.inputs(step + 1);
    let recorded: Promise<unknown> = Promise.resolve();
    while (step < until && !signal.aborted) {
      const held = steps.pace?.();
      let move: Move = "step";
      if (held) {
        await recorded;
        move = await held;
        if (signal.aborted) break;
      }
      const current = ++step;
      const result = begin(steps.run(next, current, move));
      if (held) await result;
      if (step < until) next = await steps.inputs(step + 1);
      await recorded;
      recorded = begin(result.then((values) => steps.record(current, values)));
      for (const work of steps.due?.(step) ?? []) {
        await recorded;
        await work();
      }
    }
    await recorded;
    return step;
  });
}
