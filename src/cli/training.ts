/** What `train`, `train-text` and `train-style` do alike: the ranks that share the work, what is shown on the way, Ctrl-C. */
import { UserError } from "../errors.js";
import type { TrainHooks } from "../train/run/events.js";
import type { World } from "../train/run/world.js";
import { readyAdapter } from "./adapter.js";
import type { Context } from "./command.js";
import { Progress } from "./progress.js";
import { inWorld, type RankWords } from "./ranks.js";
import { show } from "./training-events.js";

/** A command's training under way. */
export interface Training {
  readonly world: World;
  readonly hooks: TrainHooks;
  /** Prints a line of the result; rank 0 alone does. */
  readonly print: (text: string) => void;
}

/**
 * Trains, alone or in the world that the launcher made.
 * @param train Trains, and gives back what prints the result once the line of progress is gone.
 */
export async function inTraining(words: RankWords, context: Context, train: (training: Training) => Promise<() => void>): Promise<void> {
  await inWorld(words, context, async ({ world, progress: output, print, catchInterrupt }) => {
    await readyAdapter();
    const progress = new Progress(output);
    const signal = catchInterrupt("stopping after this step and saving a checkpoint; Ctrl-C again ends at once");
    try {
      const tell = await train({ world, hooks: { onEvent: (event) => show(progress, event), signal }, print });
      progress.end();
      tell();
    } finally {
      progress.end();
    }
  });
}

/** @throws UserError where a training is both begun and gone on with */
export function requireOne(run: string | undefined, resume: string | undefined, what: string): void {
  if (run !== undefined && resume !== undefined)
    throw new UserError(`--run begins ${what} and --resume goes on with one: give one of them`);
}
