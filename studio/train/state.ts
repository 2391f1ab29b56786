/** What the room Train knows: the runs, the one that is shown, the training under way. It goes on while other rooms are shown. */
import { signal } from "@preact/signals";
import { proxy, type Remote } from "comlink";
import type { GivenOptions } from "../../src/train/gan/options.js";
import type { Move } from "../../src/train/run/events.js";
import { messageOf, NO_ENGINE, openBytes } from "../model.js";
import { persist } from "../parts/persist.js";
import { save } from "../parts/save.js";
import { hashOf, remember, route } from "../route.js";
import { startThread } from "../workers/start.js";
import { addStep, type CurvePoints, type Point, thinned } from "./curves.js";
import type { FormOptions, RunSummary, Shelf } from "./shelf.js";
import type { TrainingDesk, TrainingEnd } from "./training-desk.js";
import type { StepTold, Told } from "./told.js";

/** The training under way in this tab. */
export interface Training {
  /** Undefined until it has its place. */
  readonly id: string | undefined;
  /** "preparing" until the first step; "held" before a step, "half" between D's and G's; "stopping" until its checkpoint is written. */
  readonly state: "preparing" | "running" | "holding" | "held" | "half" | "stopping";
  readonly work: { readonly what: string; readonly done?: number; readonly total?: number } | undefined;
  readonly last: StepTold | undefined;
  /** D's half of the step that G's is to end. */
  readonly half: Pick<StepTold, "step" | "metrics"> | undefined;
  readonly imagesPerSecond: number;
  readonly batch: number;
  readonly checkpoint: number | undefined;
  /** What it said, newest last. */
  readonly lines: readonly string[];
}

/** What the form of a new run asks for; undefined until the thread of the files is there. */
export const form = signal<FormOptions | undefined>(undefined);
/** Undefined until they are read. */
export const runs = signal<readonly RunSummary[] | undefined>(undefined);
export const training = signal<Training | undefined>(undefined);
/** The run that is shown. */
export const shown = signal<string | undefined>(undefined);
/** Curves of runs by id: of the one shown, the one trained and those compared. */
export const curves = signal<Readonly<Record<string, CurvePoints>>>({});
/** Steps with sample grids of the run that is shown. */
export const samples = signal<readonly number[]>([]);
/** Runs whose curves are laid over each other. */
export const compared = signal<ReadonlySet<string>>(new Set());
export const trouble = signal<string | undefined>(undefined);
/** A word on what was done. */
export const notice = signal<string | undefined>(undefined);

let files: Remote<Shelf> | undefined;
/** The thread of the files. */
export const shelf = (): Remote<Shelf> => (files ??= startThread<Shelf>("shelf", () => (trouble.value = NO_ENGINE)));

let trainer: Remote<TrainingDesk> | undefined;
/** The thread that trains. */
const desk = (): Remote<TrainingDesk> => (trainer ??= startThread<TrainingDesk>("training", () => (trouble.value = NO_ENGINE)));

/** Does what a person asked for, and says what went wrong. */
export async function trying(work: () => Promise<unknown>): Promise<void> {
  trouble.value = undefined;
  notice.value = undefined;
  await quietly(work);
}

/** Does what the page needs by itself: what was said before stands. */
export async function quietly(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    trouble.value = messageOf(error);
  }
}

/** Reads the table anew. */
export async function readRuns(): Promise<void> {
  runs.value = await shelf().list();
}

/** Shows a run, its curves and grids. */
export async function show(id: string | undefined): Promise<void> {
  shown.value = id;
  samples.value = [];
  if (route.peek().room === "train") remember(new URLSearchParams(id === undefined ? {} : { run: id }));
  if (id === undefined) return;
  const [read, steps] = await Promise.all([shelf().curves(id), shelf().samples(id)]);
  // The training's own are newer than what is written.
  if (training.peek()?.id !== id || !curves.peek()[id]) curves.value = { ...curves.peek(), [id]: read };
  if (shown.peek() === id) samples.value = [...new Set([...steps, ...samples.peek()])].sort((a, b) => a - b);
}

/** At the first sight of the room: the run that the address names, the one under way, or the newest. */
export async function enter(): Promise<void> {
  await trying(async () => {
    form.value ??= await shelf().form();
    await readRuns();
    const asked = route.peek().query.get("run");
    const known = runs.peek()!.map(({ id }) => id);
    const chosen = asked !== null && known.includes(asked) ? asked : (training.peek()?.id ?? shown.peek() ?? known[0]);
    if (asked !== null && asked !== chosen) notice.value = `There is no run ${asked} in this browser.`;
    await show(chosen);
  });
}

/** Lays a run's curves over others, or takes them away. */
export function compare(id: string, on: boolean): void {
  const next = new Set(compared.peek());
  if (on) next.add(id);
  else next.delete(id);
  compared.value = next;
  if (on && !curves.peek()[id]) void quietly(async () => (curves.value = { ...curves.peek(), [id]: await shelf().curves(id) }));
}

/** Begins a run. */
export const begin = (given: GivenOptions, name: string): Promise<void> =>
  train(undefined, given.batch ?? 1, (tell) => desk().begin(given, { name }, tell));

/** Goes on with a run. @param steps The last step to do now, where it is to be another. */
export const goOn = (run: RunSummary, steps?: number): Promise<void> =>
  train(run.id, run.options?.batch ?? 1, (tell) => desk().goOn(run.id, steps, tell));

async function train(id: string | undefined, batch: number, work: (tell: (told: Told) => void) => Promise<TrainingEnd>): Promise<void> {
  const none = { work: undefined, last: undefined, half: undefined, checkpoint: undefined };
  training.value = { id, state: "preparing", imagesPerSecond: 0, batch, lines: [], ...none };
  await trying(async () => {
    persist();
    try {
      const { end, step } = await work(proxy(take));
      notice.value = end === "finished" ? `Finished, at step ${step}.` : `Stopped at step ${step}.`;
    } finally {
      const mine = training.peek()?.id;
      training.value = undefined;
      await readRuns();
      if (mine !== undefined && shown.peek() === mine) await show(mine);
    }
  });
}

/** Takes in what the training's thread tells. */
function take(told: Told): void {
  const before = training.peek();
  if (!before) return;
  const id = told.id ?? before.id;
  if (told.id !== undefined) {
    curves.value = { ...curves.peek(), [told.id]: curves.peek()[told.id] ?? {} };
    void quietly(() => show(told.id).then(readRuns));
  }
  const last = told.steps?.at(-1) ?? before.last;
  const half = told.half ?? (told.steps?.length ? undefined : before.half);
  let state = before.state;
  if (told.steps?.length && state === "preparing") state = "running";
  if (told.held !== undefined && state !== "stopping") state = told.held === false ? "running" : told.held === "half" ? "half" : "held";
  training.value = {
    ...before,
    ...{ id, last, half, state },
    work: told.steps?.length || told.half || told.held ? undefined : (told.work ?? before.work),
    imagesPerSecond: told.imagesPerSecond ?? before.imagesPerSecond,
    checkpoint: told.checkpoint ?? before.checkpoint,
    lines: told.lines ? [...before.lines, ...told.lines].slice(-200) : before.lines,
  };
  if (id === undefined) return;
  // Its options are written once the data are there.
  if (told.steps?.length && before.last === undefined) void quietly(readRuns);
  if (told.steps?.length) curves.value = { ...curves.peek(), [id]: extended(curves.peek()[id] ?? {}, told.steps) };
  const { sample } = told;
  if (sample !== undefined && shown.peek() === id && !samples.peek().includes(sample)) samples.value = [...samples.peek(), sample];
}

/** Curves with further steps. Steps that are done again, from a checkpoint, replace what they were. */
function extended(before: CurvePoints, steps: readonly StepTold[]): CurvePoints {
  const added: Record<string, Point[]> = {};
  for (const { stage, step, metrics } of steps) addStep(added, stage, step, metrics);
  const names = [...new Set([...Object.keys(before), ...Object.keys(added)])];
  return Object.fromEntries(
    names.map((name) => {
      const [old, more] = [before[name] ?? [], added[name] ?? []];
      const from = more[0]?.[0] ?? Infinity;
      // Thinned when it is twice too long, so that not every step moves all points.
      const all = [...old.filter(([step]) => step < from), ...more];
      return [name, all.length > 4000 ? thinned(all) : all];
    }),
  );
}

/** Holds the training back before its next step. */
export function hold(): void {
  const now = training.peek();
  if (!now || now.state === "stopping") return;
  if (now.state === "running" || now.state === "preparing") training.value = { ...now, state: "holding" };
  void desk().hold();
}

/** Lets it go on, for good or by so much. */
export function release(move?: Move): void {
  const now = training.peek();
  if (now?.state === "holding" && !move) training.value = { ...now, state: now.last ? "running" : "preparing" };
  void desk().release(move);
}

export function stop(): void {
  const now = training.peek();
  if (now) training.value = { ...now, state: "stopping" };
  void desk().stop();
}

/** Gives a run another name, or other notes. */
export async function relabel(run: RunSummary, label: { readonly name: string; readonly notes: string }): Promise<void> {
  await trying(async () => {
    await shelf().label(run.id, { name: label.name.trim() || run.id, notes: label.notes });
    await readRuns();
  });
}

export async function removeRun({ id }: RunSummary): Promise<void> {
  await trying(async () => {
    await shelf().remove(id);
    compare(id, false);
    await readRuns();
    if (shown.peek() === id) await show(runs.peek()![0]?.id);
  });
}

/** Saves a run's folder as a zip archive. */
export async function saveRun({ id }: RunSummary): Promise<void> {
  await trying(async () => save(await shelf().archive(id), `${id}.zip`));
}

/** Saves the finished model. */
export async function saveModel({ id }: RunSummary): Promise<void> {
  await trying(async () => {
    const bytes = await shelf().model(id);
    save(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" }), `${id}.safetensors`);
  });
}

/** Opens the finished model in the room Draw. */
export async function drawWith({ id, name }: RunSummary): Promise<void> {
  await trying(async () => {
    await openBytes(await shelf().model(id), name);
    location.hash = hashOf("draw");
  });
}

/** Takes in a run's folder or zip archive. */
export async function takeIn(list: readonly File[]): Promise<void> {
  await trying(async () => {
    const files = list.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    notice.value = "Copying the run into the browser …";
    const id = await shelf().take(files);
    await readRuns();
    await show(id);
    notice.value = `The run is here as ${id}.`;
  });
}
