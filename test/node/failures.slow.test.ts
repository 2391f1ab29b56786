/** Trainings that go wrong, in all three stages: a failure is told once, in one line; a lost device is gone on without, with the same bits. */
import { spawnSync } from "node:child_process";
import type Fs from "node:fs";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type * as Devices from "../../src/gpu/device.js";
import type { TrainEvent } from "../../src/train/run/events.js";
import type { GivenOptions } from "../../src/train/gan/options.js";
import { FolderStore } from "../../src/node/files/folder-store.js";
import { lock, openRun } from "../../src/node/files/run-folder.js";
import { parseMetrics } from "../../src/train/run/metrics-file.js";
import { trainStyle } from "../../src/node/train.js";
import { trainText } from "../../src/node/train.js";
import { train } from "../../src/node/train.js";
import { tinyFolder } from "./datasets/tiny-folder.js";
import { tinyRun } from "./files/tiny-run.js";

const world = vi.hoisted(() => ({ devices: [] as Devices.Device[], refuseMetrics: undefined as ((text: string) => boolean) | undefined }));
vi.mock("../../src/gpu/device.js", async (original) => {
  const real = await original<typeof Devices>();
  const openDevice: typeof real.openDevice = async (options) => {
    const device = await real.openDevice(options);
    world.devices.push(device);
    return device;
  };
  return { ...real, openDevice };
});
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Fs>();
  const appendFileSync = (path: string, text: string): void => {
    if (world.refuseMetrics?.(text))
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC", syscall: "write" });
    fs.appendFileSync(path, text);
  };
  return { ...fs, appendFileSync };
});

let folder: string;
let data: string;
let unheard: unknown[];
const cacheBefore = process.env.PETALGRAD_CACHE;
const inside = (...parts: string[]) => join(folder, ...parts);
const hear = (reason: unknown): void => void unheard.push(reason);
const others = process.listeners("unhandledRejection");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-failures-"));
  process.env.PETALGRAD_CACHE = inside("cache");
  data = tinyFolder(inside("data"));
  for (const name of ["style-straight", "style-lost", "style-failing"]) await tinyRun(inside(name), { dataset: data });
});
afterAll(() => {
  if (cacheBefore === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  [unheard, world.refuseMetrics] = [[], undefined];
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", hear);
});
afterEach(() => {
  process.removeAllListeners("unhandledRejection");
  for (const other of others) process.on("unhandledRejection", other);
});

interface Asked {
  readonly name: string;
  readonly resume?: boolean;
  readonly steps?: number;
  readonly recover?: boolean;
  readonly onEvent?: (event: TrainEvent) => void;
}

const STEPS = 8;
const GAN: GivenOptions = { preset: "tiny", batch: 4, textSteps: 3, checkpointEvery: 3, sampleEvery: 4, seed: 3, infoWeight: 0.5 };

/** The three stages, each as tiny as can be: how it is trained, its folder, and what it leaves in the end. */
const STAGES = {
  train: {
    folderOf: (name: string) => inside(name),
    weight: "generator.deconv1.weight",
    files: [
      "model.safetensors",
      "text-encoder.safetensors",
      "samples/step-000008.png",
      "checkpoint/step-000008.safetensors",
      "config.json",
    ],
    run: ({ name, resume, steps = STEPS, recover, onEvent }: Asked) =>
      train(
        resume
          ? { given: { steps }, resume: inside(name), recover }
          : { given: { ...GAN, dataset: data, steps }, run: inside(name), recover },
        { onEvent: onEvent ?? (() => undefined), signal: new AbortController().signal },
      ),
  },
  "train-text": {
    folderOf: (name: string) => inside(name),
    weight: "text.project.weight",
    files: ["text-encoder.safetensors", "checkpoint/step-000008.safetensors", "config.json", "metrics.jsonl"],
    run: ({ name, resume, steps = STEPS, recover, onEvent }: Asked) =>
      trainText(
        resume
          ? { given: {}, resume: inside(name), recover }
          : {
              given: {
                ...{ dataset: data, imageSize: 16, width: 8, size: 16, imageWidth: 4, batch: 4, steps, seed: 3 },
                ...{ validation: 2, validateEvery: 4, checkpointEvery: 3, dropout: 0.1 },
              },
              run: inside(name),
              recover,
            },
        { onEvent: onEvent ?? (() => undefined), signal: new AbortController().signal },
      ),
  },
  "train-style": {
    folderOf: (name: string) => inside(name, "style"),
    weight: "style.style.weight",
    files: ["style-encoder.safetensors", "recovery.json", "checkpoint/step-000008.safetensors", "config.json"],
    run: ({ name, resume = false, steps = STEPS, recover, onEvent }: Asked) =>
      trainStyle(
        { given: resume ? {} : { steps, batch: 4, checkpointEvery: 3, sampleEvery: 4 }, run: inside(name), resume, recover },
        { onEvent: onEvent ?? (() => undefined), signal: new AbortController().signal },
      ),
  },
} as const;
const PREFIX = { train: "gan", "train-text": "text", "train-style": "style" } as const;
const KINDS = ["train", "train-text", "train-style"] as const;

/** The device of the training under way: others, of rehearsals, are gone by then. */
const lose = (): void => world.devices.findLast((device) => !device.lost)!.gpu.destroy();

const message = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no error",
    (error: Error) => error.message,
  );
/** Long enough for what is still under way to fail, and for a rejection to be called unhandled. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 300));
/** Comparable: speeds differ, and the second run on the same data takes over the text encoder of the first. */
const speedless = (kind: string, path: string) =>
  parseMetrics(readFileSync(path, "utf8"))
    .records.filter(({ stage }) => kind !== "train" || stage !== "text encoder")
    .map((record) => ({ ...record, imagesPerSecond: 0 }));
const isStep = (event: TrainEvent, at: number) => event.kind === "step" && event.step === at && (event.stage !== "text encoder" || at > 3);

describe.each(KINDS)("%s", (kind) => {
  const stage = STAGES[kind];
  const [straight, lost, failing] = ["straight", "lost", "failing"].map((name) => `${PREFIX[kind]}-${name}`) as [string, string, string];

  it("whose device is lost goes on from the last checkpoint with a new one, and ends with the bits of one that never lost it", async () => {
    await stage.run({ name: straight });
    const events: TrainEvent[] = [];
    let losses = 0;
    await stage.run({
      name: lost,
      onEvent: (event) => {
        events.push(event);
        // Once behind a checkpoint, once just before the end.
        if (isStep(event, losses === 0 ? 5 : 7) && losses < 2) {
          losses++;
          lose();
        }
      },
    });
    expect(losses).toBe(2);
    const warnings = events.flatMap((e) => (e.kind === "warning" ? [e.text] : []));
    expect(warnings).toEqual(
      [1, 2].map((n) => expect.stringMatching(`^the GPU device was lost .*going on with a new one \\(${n} of at most 3 times\\)`)),
    );
    for (const file of stage.files) {
      const [one, other] = [straight, lost].map((name) => readFileSync(join(stage.folderOf(name), file)).toString("base64"));
      expect(one === other, file).toBe(true);
    }
    expect(speedless(kind, join(stage.folderOf(lost), "metrics.jsonl"))).toEqual(
      speedless(kind, join(stage.folderOf(straight), "metrics.jsonl")),
    );
    expect(readdirSync(stage.folderOf(lost))).not.toContain("lock.json");
    await settle();
    expect(unheard).toEqual([]);
  });

  it("without recovery says how to go on; a disk that is full, and numbers that are not finite, too: each once", async () => {
    const began = await message(stage.run({ name: failing, recover: false, onEvent: (event) => isStep(event, 5) && lose() }));
    expect(began).toMatch(/^the GPU device was lost .*; the last good checkpoint is .*step-000003.safetensors; go on with: .*--resume/);
    await settle();
    expect(unheard).toEqual([]);

    world.refuseMetrics = (text) => text.includes('"step":5');
    const full = await message(stage.run({ name: failing, resume: true }));
    expect(full).toMatch(
      /^the disk is full: .*metrics.jsonl could not be written. Free some space; the last good checkpoint is .*step-000003/,
    );
    world.refuseMetrics = undefined;
    await settle();
    expect(unheard).toEqual([]);

    const run =
      kind === "train"
        ? await openRun(stage.folderOf(failing))
        : await openRun(stage.folderOf(failing), {
            options: () => ({}),
            goOn: () => ["x"],
            ...(kind === "train-text" && { command: kind }),
          });
    const { tensors, metadata, step } = await run.loadCheckpoint();
    (tensors.get(stage.weight)!.data as Float32Array).fill(NaN);
    await run.saveCheckpoint(step + 1, tensors, Object.fromEntries(metadata));
    const poisoned = await message(stage.run({ name: failing, resume: true }));
    expect(poisoned).toMatch(/(is NaN|not finite).*; the last good checkpoint is .*; go on with: .*--resume/);
    expect(poisoned).not.toContain("\n");
    await settle();
    expect(unheard).toEqual([]);
    expect(readdirSync(stage.folderOf(failing))).not.toContain("lock.json");
  });
});

describe("a device that is lost again and again", () => {
  it("ends the run at the fourth time", async () => {
    const warnings: string[] = [];
    const run = STAGES.train.run({
      name: "again",
      onEvent: (event) => {
        if (event.kind === "warning") warnings.push(event.text);
        if (isStep(event, 5)) lose();
      },
    });
    expect(await message(run)).toMatch(/^the GPU device was lost .*, for the 4th time; the last good checkpoint is .*step-000003/);
    expect(warnings).toHaveLength(3);
    await settle();
    expect(unheard).toEqual([]);
  });
});

describe("the command line", () => {
  const petalgrad = (...words: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...words], {
      encoding: "utf8",
      timeout: 200_000,
    });
    return { status, said: stderr.split("\n").filter((line) => line !== "" && !line.startsWith("Warning: max")) };
  };

  it("says one line about weights that are not finite, and exits 1", () => {
    const { status, said } = petalgrad("train", "--resume", inside("gan-failing"));
    expect(status).toBe(1);
    expect(said.at(-1)).toMatch(/^petalgrad: .*(is NaN|not finite).*--resume/);
    expect(said.filter((line) => /^petalgrad: |^ +at |unhandled|Error/.test(line))).toHaveLength(1);
  });

  it("keeps a second training out of a run", () => {
    const run = new FolderStore(inside("gan-failing"));
    const release = lock(run, () => undefined);
    try {
      const { status, said } = petalgrad("train", "--resume", run.path);
      expect({ status, said }).toEqual({
        status: 1,
        said: [`petalgrad: ${run.path} is being trained by process ${process.pid}: wait for it, or stop it`],
      });
    } finally {
      release();
    }
  });
});

describe("mistakes are told before any work", () => {
  const signal = new AbortController().signal;
  let told: string[];
  const hooks = {
    onEvent: (event: TrainEvent): void => {
      told.push(event.kind === "message" || event.kind === "warning" ? event.text : event.kind);
    },
    signal,
  };
  const TINY: GivenOptions = { preset: "tiny", textSteps: 3, steps: 1, batch: 2 };
  /** A data set whose other classes are held out. */
  const oneClass = (): string => {
    const one = tinyFolder(inside("one-class"));
    writeFileSync(join(one, "testclasses.txt"), [1, 2, 3, 4, 5].map((c) => `class_${c}\n`).join(""));
    writeFileSync(join(one, "trainvalclasses.txt"), "class_0\n");
    return one;
  };
  beforeEach(() => (told = []));

  it("by train", async () => {
    expect(await message(train({ given: { dataset: "tulips" } }, hooks))).toBe(
      'no data set "tulips": give petals, flowers, birds, coco, coco2017, or a folder that exists',
    );
    const opened = world.devices.length;
    expect(await message(train({ given: {}, run: inside("gan-failing") }, hooks))).toContain("already holds a run");
    expect(world.devices.length).toBe(opened);
    expect(told).toEqual([]);
    const classes = train({ given: { ...TINY, dataset: oneClass(), variant: "gan-cls" }, run: inside("one-cls") }, hooks);
    expect(await message(classes)).toBe(
      "one-class: only 1 training class has images, and --variant gan-cls takes mismatching pairs from two; --variant gan and --variant gan-int need one",
    );
    expect(told).not.toContain("step");
    expect(existsSync(inside("one-cls"))).toBe(false);
  });

  it("by train-text", async () => {
    const given = { dataset: data, imageSize: 16 };
    const one = oneClass();
    for (const [more, expected] of [
      [{ dataset: "tulips" }, 'no data set "tulips"'],
      [{ imageFeatures: "none.npy" }, "none.npy cannot be read: there is no such file or folder (ENOENT)"],
      [{ imageFeatures: `${data}/images.npy` }, "images.npy cannot be read: there is no such file or folder (ENOENT)"],
      [{ validation: 4 }, "--validation 4 leaves fewer than two of 5 classes to train on; give at most 3"],
      [{ dataset: one }, "only 1 training class has images, and --objective info-nce tells the captions of 2 or more apart"],
    ] as const) {
      expect(await message(trainText({ given: { ...given, ...more }, run: inside("mistake") }, hooks))).toContain(expected);
      expect(told).not.toContain("step");
      expect(existsSync(inside("mistake"))).toBe(false);
    }
    const alone = { ...given, dataset: one, objective: "text-only", width: 8, size: 16, batch: 2, steps: 2 } as const;
    expect((await trainText({ given: alone, run: inside("one-text-only") }, hooks)).end).toBe("finished");
  });

  it("but one class is enough for the variants that take no mismatching pairs", async () => {
    for (const variant of ["gan", "gan-int"] as const) {
      const { end } = await train({ given: { ...TINY, dataset: oneClass(), variant }, run: inside(`one-${variant}`) }, hooks);
      expect(end).toBe("finished");
    }
    expect(told.filter((text) => text.includes("its text encoder learns nothing"))).toHaveLength(1);
    await expect(train({ given: {}, resume: inside("one-gan") }, hooks)).resolves.toMatchObject({ end: "finished" });
  });
});
