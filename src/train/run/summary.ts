/** What a run is and how far it is, made of what its store holds: a line of a table of runs. */
import { type MetricsRecord, parseMetrics, type Stage } from "./metrics-file.js";

/** The command that trains such a run. */
export type RunCommand = "train" | "train-text" | "train-style";

/** `killed`: it ended without saving its last steps, or without giving back its lock. */
export type RunState = "training" | "finished" | "stopped" | "killed";

/** Who trains in a store: nobody; a process that is there; or one that has gone and left its lock. */
export type LockState = "free" | "held" | "left";

/** What a summary is made of. */
export interface RunFacts {
  /** Unique among the runs that are listed; with "/" between folders. */
  readonly name: string;
  /** Of config.json. */
  readonly config: string;
  /** The end of metrics.jsonl, from the beginning of a line on; some hundred lines are enough. */
  readonly metrics: string;
  readonly lock: LockState;
  /** Names in the folder `checkpoint`, and in `samples`. */
  readonly checkpoints: readonly string[];
  readonly samples: readonly string[];
  /** True for the style encoder's run inside a GAN's. */
  readonly style?: boolean;
}

export interface RunSummary {
  readonly name: string;
  readonly command: RunCommand;
  readonly state: RunState;
  /** As config.json holds them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it ran on. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Why nothing more is known of it. */
  readonly problem?: string;
  /** What is trained, the step it has done, and the last one. */
  readonly stage: Stage;
  readonly step: number;
  readonly steps?: number;
  /** The newest value of each number of that stage. */
  readonly last: Readonly<Record<string, number>>;
  /** Step of the newest checkpoint. */
  readonly checkpoint?: number;
  /** Steps with a sample grid, rising. */
  readonly samples: readonly number[];
}

/** A run in the list of the studio's server, with what tells a page whether it has to look again. */
export interface ListedRun extends RunSummary {
  /** Of the files that a page may read, those at the top. */
  readonly files: readonly string[];
  /** Which metrics.jsonl it is, and its bytes. */
  readonly metrics?: { readonly id: string; readonly size: number };
  /** The command that goes on with it, as the server's user types it. */
  readonly goOn: string;
  /** When it last wrote something, in milliseconds since 1970. */
  readonly changed: number;
}

/** A part of metrics.jsonl, as the studio's server hands it out. */
export interface MetricsPart {
  readonly records: readonly MetricsRecord[];
  /** Which file it is of: a resumed run writes its metrics anew. */
  readonly id: string;
  /** Bytes before the part and up to its end; `from` is 0 where the part replaces all that was read before. */
  readonly from: number;
  readonly next: number;
  /** False where more can be read at once. */
  readonly end: boolean;
}

const STAGE: Readonly<Record<RunCommand, Stage>> = { train: "GAN", "train-text": "text encoder", "train-style": "style encoder" };

/** What a store's files say of the run in it. */
export function summarise(facts: RunFacts): RunSummary {
  const { name, lock } = facts;
  const { config, problem } = readConfig(facts.config);
  const options = recordOf(config.options);
  const command = facts.style ? "train-style" : config.command === "train-text" ? "train-text" : "train";
  const { records } = parseMetrics(facts.metrics);
  const main = records.filter(({ stage }) => stage === STAGE[command]);
  // Before its first step a GAN's run trains its text encoder.
  const text = command === "train" && main.length === 0 ? records.filter(({ stage }) => stage === "text encoder") : [];
  const shown = text.length > 0 ? text : main;
  const step = lastStep(shown);
  const steps = options[text.length > 0 ? "textSteps" : "steps"];
  const checkpoint = stepsOf(facts.checkpoints, "safetensors").at(-1);
  return {
    name,
    command,
    state: stateOf(lock, lastStep(main), options.steps, checkpoint),
    options,
    about: recordOf(config.about),
    ...(problem !== undefined && { problem }),
    stage: text.length > 0 ? "text encoder" : STAGE[command],
    step,
    ...(typeof steps === "number" && { steps }),
    last: newest(shown),
    ...(checkpoint !== undefined && { checkpoint }),
    samples: stepsOf(facts.samples, "png"),
  };
}

function stateOf(lock: LockState, step: number, steps: unknown, checkpoint = 0): RunState {
  if (lock === "held") return "training";
  if (lock === "left") return "killed";
  if (typeof steps === "number" && step >= steps) return checkpoint < step ? "killed" : "finished";
  // Who stops a training waits for its checkpoint. Before the first step there is nothing to save.
  return step > checkpoint ? "killed" : "stopped";
}

function readConfig(text: string): { config: Record<string, unknown>; problem?: string } {
  try {
    return { config: recordOf(JSON.parse(text)) };
  } catch {
    return { config: {}, problem: "its config.json is damaged" };
  }
}

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const lastStep = (records: readonly MetricsRecord[]): number => records.at(-1)?.step ?? 0;

function newest(records: readonly MetricsRecord[]): Record<string, number> {
  const numbers = records.flatMap((record) => Object.entries(record).filter(([key, value]) => key !== "step" && typeof value === "number"));
  return Object.fromEntries(numbers) as Record<string, number>;
}

/** Of names such as "step-001000.png". */
function stepsOf(names: readonly string[], extension: string): number[] {
  const steps = names.flatMap((name) => {
    const [, digits, end] = /^step-(\d+)\.(\w+)$/.exec(name) ?? [];
    return end === extension ? [Number(digits)] : [];
  });
  return steps.sort((a, b) => a - b);
}
