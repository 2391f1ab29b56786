/** The loop that all trainings share: its order, what is due, and that a failure is raised once, when nothing is under way any more. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { trainSteps, type TrainingSteps } from "../../../src/train/run/loop.js";
import { withWorkUnderWay } from "../../../src/train/run/under-way.js";

let unheard: unknown[] = [];
const hear = (reason: unknown): void => void unheard.push(reason);
const others = process.listeners("unhandledRejection");
beforeEach(() => {
  unheard = [];
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", hear);
});
afterEach(() => {
  process.removeAllListeners("unhandledRejection");
  for (const other of others) process.on("unhandledRejection", other);
});

/** Long enough for a rejection to be called unhandled. */
const turn = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

/** A loop that notes what happens. A step takes a moment on the GPU. */
function loop(changes: Partial<TrainingSteps<number, number>> = {}) {
  const log: string[] = [];
  const steps: TrainingSteps<number, number> = {
    ...{ done: 0, until: 4, signal: new AbortController().signal },
    inputs: (step) => {
      log.push(`inputs ${step}`);
      return step;
    },
    run: async (inputs, step) => {
      log.push(`run ${step}`);
      await turn();
      return inputs * 10;
    },
    record: (step, result) => void log.push(`record ${step}: ${result}`),
    ...changes,
  };
  return { log, run: () => trainSteps(steps) };
}

describe("a training's steps", () => {
  it("prepare the next batch and record the step before while one is under way", async () => {
    const { log, run } = loop({ until: 3 });
    expect(await run()).toBe(3);
    expect(log).toEqual([
      ...["inputs 1", "run 1", "inputs 2", "run 2", "inputs 3"],
      ...["record 1: 10", "run 3", "record 2: 20", "record 3: 30"],
    ]);
  });

  it("that the pace holds back have nothing beside them, before or after", async () => {
    const held = [undefined, undefined, "half", "step"] as const;
    let asked = 0;
    const { log, run } = loop({
      pace: () => {
        const move = held[asked++];
        return move && turn().then(() => (log.push(`go: ${move}`), move));
      },
      run: async (inputs, step, move) => {
        log.push(`run ${step}, ${move}`);
        await turn();
        log.push(`ran ${step}`);
        return inputs * 10;
      },
    });
    expect(await run()).toBe(4);
    expect(log).toEqual([
      ...["inputs 1", "run 1, step", "inputs 2", "run 2, step", "inputs 3", "ran 1", "record 1: 10", "ran 2", "record 2: 20"],
      ...["go: half", "run 3, half", "ran 3", "inputs 4", "record 3: 30", "go: step", "run 4, step", "ran 4", "record 4: 40"],
    ]);
  });

  it("are not begun where the training is stopped while it is held back", async () => {
    const stop = new AbortController();
    const { log, run } = loop({
      signal: stop.signal,
      pace: () => Promise.resolve((stop.abort(), "step" as const)),
    });
    expect(await run()).toBe(0);
    expect(log).toEqual(["inputs 1"]);
  });

  it("wait for a step's record before what is due after it, and for that before the next step", async () => {
    const { log, run } = loop({
      done: 5,
      until: 7,
      due: (step) => (step === 6 ? [() => turn().then(() => void log.push("sample")), () => Promise.resolve(void log.push("save"))] : []),
    });
    expect(await run()).toBe(7);
    expect(log).toEqual(["inputs 6", "run 6", "inputs 7", "record 6: 60", "sample", "save", "run 7", "record 7: 70"]);
  });

  it("end after the step under way when asked to, and do nothing where all is done", async () => {
    const controller = new AbortController();
    const stopped = loop({ signal: controller.signal, record: (step) => step === 1 && controller.abort() });
    const last = await stopped.run();
    expect(last).toBeLessThan(4);
    expect(stopped.log.filter((line) => line.startsWith("run"))).toHaveLength(last);
    const done = loop({ done: 4 });
    expect(await done.run()).toBe(4);
    expect(done.log).toEqual([]);
  });
});

describe("a step that fails", () => {
  /** Fails at a step: on the GPU, when its numbers are looked at, or when its batch is prepared. */
  const failing = (where: "run" | "record" | "inputs", at: number, alsoLater = false) => {
    const fails = (step: number) => step === at || (alsoLater && step > at);
    const log: string[] = [];
    const begun = loop({
      inputs: async (step) => {
        await turn(1);
        if (where === "inputs" && fails(step)) throw new Error(`inputs ${step}`);
        return step;
      },
      run: async (inputs, step) => {
        await turn(where === "run" && fails(step) ? 0 : 20);
        if (where === "run" && fails(step)) throw new Error(`run ${step}`);
        log.push(`ran ${step}`);
        return inputs;
      },
      record: (step) => {
        if (where === "record" && fails(step)) throw new Error(`record ${step}`);
        log.push(`recorded ${step}`);
      },
    });
    return { log, run: begun.run };
  };

  it.each(["run", "record", "inputs"] as const)("in its %s is told once, with its own error", async (where) => {
    for (const alsoLater of [false, true]) {
      const { log, run } = failing(where, 2, alsoLater);
      await expect(run()).rejects.toThrow(`${where} 2`);
      const then = [...log];
      await turn(50);
      // Nothing is recorded behind the back of who was told.
      expect(log).toEqual(then);
      expect(log).not.toContain("recorded 2");
    }
    expect(unheard).toEqual([]);
  });

  it("does not hide what was under way: all of it comes to rest first, also what nobody awaited", async () => {
    let rested = false;
    const work = withWorkUnderWay(async (begin) => {
      void begin(turn(20).then(() => (rested = true)));
      void begin(Promise.reject(new Error("second")));
      await turn();
      throw new Error("first");
    });
    await expect(work).rejects.toThrow("first");
    expect(rested).toBe(true);
    await turn();
    expect(unheard).toEqual([]);
  });
});
