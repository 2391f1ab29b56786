/** How a training of any stage begins: what it is given beside its options, in which run, from which step; and what falls due on its way. */
import type { TrainHooks } from "./events.js";
import type { Stage } from "./metrics-file.js";
import { type Attempt, type DeviceSource, trainOnDevice } from "./recovery.js";
import { type Checkpoint, Run, type RunKind } from "./run.js";
import type { PathResolver } from "./saved-options.js";
import type { RunStore } from "./store.js";
import type { World } from "./world.js";

/** What any training is given beside its options. @typeParam Options Those of the data set among them. */
export interface TrainingContext<Options> extends DeviceSource {
  /** The ranks that train together (default: this one alone). Stores and caches must be shared by them (`shareStore`). */
  readonly world?: World;
  /** What runs share: text encoders, embedded captions, tuning. Without it nothing is kept for later runs. */
  readonly cache?: RunStore;
  /** Says before any work what the data would say after some. @param begun Whether a run is gone on with. */
  readonly requireData?: (options: Options, begun: boolean) => Promise<void>;
  /** Options with their paths as the runtime resolves them, where runs may hold them as they were typed. */
  readonly resolvePaths?: PathResolver;
  /** What the run runs on, for its config.json: versions of programs. */
  readonly about?: Readonly<Record<string, string>>;
}

/** A training that has a run of its own. */
export interface RunTraining<Options> extends TrainingContext<Options> {
  /** Where the run is kept. One that is there already is gone on with. A function is asked as soon as a new run's first file is to be written. */
  readonly store: RunStore | (() => RunStore);
}

/** One attempt at a training in a run. */
export interface RunAttempt<Options> extends Attempt {
  /** The run to go on with. */
  readonly before: Run<Options> | undefined;
  /** Gives the new one. */
  begin(): Promise<Run<Options>>;
}

/** Trains on a device, in the run that the store holds or in a new one. @throws UserError with the way on, once nothing more can be done */
export function trainInRun<Options, Result>(
  training: RunTraining<Options>,
  kind: RunKind<Options>,
  hooks: TrainHooks,
  attempt: (attempt: RunAttempt<Options>) => Promise<Result>,
): Promise<Result> {
  // Asked for once: a training that goes on with another device does so in the same store.
  let store = typeof training.store === "function" ? undefined : training.store;
  const begin = (): RunStore => (store ??= (training.store as () => RunStore)());
  return trainOnDevice(recoverable(training), hooks, async (given) => {
    const run = store && (await Run.in(store, kind));
    const before = run?.isBegun ? run : undefined;
    if (before) given.hold(before);
    return attempt({ ...given, before, begin: async () => run ?? Run.begin(begin(), kind) });
  });
}

/** A lost device ends a training of several ranks: the others do not know that they should go back to the last checkpoint. */
export const recoverable = <Training extends TrainingContext<never>>(training: Training): Training =>
  training.world && training.world.size > 1 ? { ...training, recover: false } : training;

/**
 * Goes back to a run's newest sound checkpoint, or to its beginning where it has none: what was recorded later is done again.
 * @param load Takes the checkpoint over. @throws what `load` does, before any record is forgotten
 */
export async function goBack(
  run: Run<unknown>,
  stages: readonly Stage[],
  { onEvent }: TrainHooks,
  load: (checkpoint: Checkpoint) => void,
): Promise<Checkpoint | undefined> {
  const warn = (text: string): void => onEvent({ kind: "warning", text });
  const checkpoint = run.hasCheckpoint ? await run.loadCheckpoint() : undefined;
  for (const refused of checkpoint?.refused ?? []) warn(refused);
  if (checkpoint) load(checkpoint);
  for (const stage of stages) await run.truncateMetrics(stage, checkpoint?.step ?? 0, warn);
  return checkpoint;
}

/** What is due after a step, for `trainSteps`: a grid also at the last step; its checkpoint is written when the loop has ended. */
export function dueAfter(
  { steps, sampleEvery, checkpointEvery }: { readonly steps: number; readonly sampleEvery: number; readonly checkpointEvery: number },
  work: { sample(step: number): Promise<void>; checkpoint(step: number): Promise<void> },
  firstSample?: number,
): (step: number) => (() => Promise<void>)[] {
  return (step) => [
    ...(step % sampleEvery === 0 || step === firstSample || step === steps ? [() => work.sample(step)] : []),
    ...(step % checkpointEvery === 0 && step < steps ? [() => work.checkpoint(step)] : []),
  ];
}
