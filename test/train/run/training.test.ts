/** How a training begins and what falls due on its way: the same for all stages. */
import { describe, expect, it } from "vitest";
import type { SafeTensor } from "../../../src/formats/safetensors.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import { Run, type RunKind } from "../../../src/train/run/run.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import { dueAfter, goBack } from "../../../src/train/run/training.js";

const KIND: RunKind<object> = { options: () => ({}), goOn: (path) => ["train", "--resume", path] };
const weights: [string, SafeTensor] = ["w", { dtype: "F32", shape: [1], data: new Float32Array([1]) }];

describe("going back", () => {
  const events: TrainEvent[] = [];
  const hooks = { onEvent: (event: TrainEvent) => void events.push(event), signal: new AbortController().signal };

  async function run(): Promise<Run<object>> {
    const made = await Run.begin(new MemoryStore(), KIND);
    await made.writeConfig({}, {});
    for (const step of [1, 2, 3]) for (const stage of ["GAN", "validation"] as const) await made.appendMetrics({ stage, step });
    return made;
  }
  const steps = async (made: Run<object>, stage: string) =>
    (await made.readMetrics()).filter((record) => record.stage === stage).map(({ step }) => step);

  it("without a checkpoint forgets what was recorded, of the stages named alone", async () => {
    const made = await run();
    expect(await goBack(made, ["GAN"], hooks, () => expect.unreachable())).toBeUndefined();
    expect(await steps(made, "GAN")).toEqual([]);
    expect(await steps(made, "validation")).toEqual([1, 2, 3]);
  });

  it("with one forgets what came after it, once it is loaded", async () => {
    const made = await run();
    await made.saveCheckpoint(2, [weights], {});
    const refuse = () => {
      throw new Error("another generator");
    };
    await expect(goBack(made, ["GAN"], hooks, refuse)).rejects.toThrow("another generator");
    expect(await steps(made, "GAN")).toEqual([1, 2, 3]);
    expect((await goBack(made, ["GAN", "validation"], hooks, () => undefined))?.step).toBe(2);
    expect(await steps(made, "GAN")).toEqual([1, 2]);
    expect(await steps(made, "validation")).toEqual([1, 2]);
  });

  it("to the one before where the newest is damaged, and says so", async () => {
    const made = await run();
    for (const step of [1, 2]) await made.saveCheckpoint(step, [weights], {});
    await made.writeFile("checkpoint/step-000002.safetensors", "damaged");
    expect((await goBack(made, ["GAN"], hooks, () => undefined))?.step).toBe(1);
    expect(events.filter(({ kind }) => kind === "warning")).toHaveLength(1);
  });
});

it("a grid is due every so often, at the first step named and at the last; a checkpoint never at the last", async () => {
  const done: string[] = [];
  const note = (what: string) => (step: number) => Promise.resolve(void done.push(`${what} ${step}`));
  const due = dueAfter({ steps: 8, sampleEvery: 3, checkpointEvery: 4 }, { sample: note("grid"), checkpoint: note("checkpoint") }, 1);
  for (let step = 1; step <= 8; step++) for (const work of due(step)) await work();
  expect(done).toEqual(["grid 1", "grid 3", "checkpoint 4", "grid 6", "grid 8"]);
});
