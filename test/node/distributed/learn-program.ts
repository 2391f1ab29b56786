/** Run on several ranks by learn.test.ts: learns what its first word says, and prints a line of JSON a rank. */
import { createHash } from "node:crypto";
import { makePetals } from "../../../src/data/petals.js";
import { PackedDataset } from "../../../src/data/packed.js";
import { openDevice } from "../../../src/gpu/device.js";
import { abortWorld, leaveWorld, openWorld } from "../../../src/node/distributed/open.js";
import { FolderStore } from "../../../src/node/files/folder-store.js";
import { trainGan } from "../../../src/train/gan/session.js";
import { shareStore } from "../../../src/train/run/ranks.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import { trainText } from "../../../src/train/text/session.js";
import { ALONE, shareOf, type World } from "../../../src/train/run/world.js";
import { JointEmbedding } from "../../../src/train/text/joint-embedding.js";
import { trainStyle } from "../../../src/train/style/session.js";
import { SharedProgram } from "../../../src/train/run/shared-program.js";
import { GIVEN } from "./given.js";
import { SmallNet } from "./small-net.js";
import { TEXT_RUN, TEXT_TRAININGS } from "./text-trainings.js";

const [what, folder = "", ...words] = process.argv.slice(2);
const world = await openWorld({
  warn: (text) => process.stderr.write(`petalgrad: ${text}\n`),
  ordered: words.includes("ordered"),
  halves: words.includes("halves"),
  timeout: 60,
});
const { rank, size } = world;
const tell = (value: object): void => void process.stdout.write(`${JSON.stringify({ rank, ...value })}\n`);
const digest = (values: Uint8Array | Float32Array): string => createHash("sha256").update(values).digest("hex").slice(0, 16);

/** What a training of twenty steps comes to. */
interface Learnt {
  readonly values: Float32Array;
  readonly losses: number[];
}

/** Twenty steps of a small network without batch norm: this rank's rows of each batch, or all of them alone. */
async function net(whole: number, compares: boolean, together: boolean): Promise<Learnt> {
  const device = await openDevice();
  const small = new SmallNet(whole, compares);
  const { begin, end } = shareOf(together ? world : ALONE, whole);
  const rows = end - begin;
  const program = together
    ? await SharedProgram.compile(device, world, (learning) => small.build(rows, learning))
    : await small.compile(device, rows);
  const losses: number[] = [];
  for (let step = 1; step <= 20; step++) {
    const inputs = small.inputs(step, begin, rows);
    if (program instanceof SharedProgram)
      losses.push((await program.run(inputs, `step ${step}`, new AbortController().signal)).numbers.loss!);
    else losses.push((await program.run(inputs)).loss[0]!);
  }
  const values = await small.values();
  device.destroy();
  return { values, losses };
}

/** Twenty steps of a text encoder without batch norm, as many as its steps on the way to `until`. */
async function text(name: string, together: boolean, until = 20): Promise<Learnt> {
  const device = await openDevice();
  const { data, options } = TEXT_TRAININGS[name]!;
  const joint = new JointEmbedding(device, data, options, together ? world : ALONE);
  await joint.prepare();
  const losses: number[] = [];
  await joint.train(until, (_, loss) => losses.push(loss), new AbortController().signal);
  const values: number[] = [];
  for (const store of joint.model.stores.filter(({ name }) => !name.includes("adam")))
    for (const part of (await store.read()).values()) values.push(...part);
  await joint.destroy();
  device.destroy();
  return { values: Float32Array.from(values), losses };
}

const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));

/** Twice together and once alone: which bits, and how far apart. */
async function compared(learn: (together: boolean) => Promise<Learnt>, before: Float32Array): Promise<object> {
  const [first, again, alone] = [await learn(true), await learn(true), await learn(false)];
  return {
    ...{ digest: digest(first.values), again: digest(again.values), moved: apart(alone.values, before) },
    ...{ apart: apart(first.values, alone.values), losses: apart(first.losses, alone.losses) / Math.max(1, ...alone.losses) },
  };
}

/** A training that goes to here is stopped on its way. */
const STOPPED = 9;

/** The GAN of GIVEN up to a step, in a folder that rank 0 alone reaches. */
async function gan(path: string, steps: number, onStep: (step: number) => void = () => undefined): Promise<{ model: string; end: string }> {
  const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 3 }));
  const store = shareStore(world, new FolderStore(rank === 0 ? path : "/nowhere/at/all"));
  const signal = new AbortController();
  const { end, step } = await trainGan(
    { given: { ...GIVEN, steps }, store, dataset, world },
    {
      signal: signal.signal,
      onEvent: (event) => {
        if (event.kind !== "step" || event.stage !== "GAN") return;
        onStep(event.step);
        // The last rank alone is asked to stop: all do, after the same step.
        if (steps === STOPPED && event.step === 5 && rank === size - 1) signal.abort();
      },
    },
  );
  const model = await store.read("model.safetensors");
  return { model: digest(model!), end: `${end} at ${step}` };
}

/** D's losses in 200 steps of preset tiny, which has batch norm. */
async function discriminatorLosses(path: string, seed: number, world: World): Promise<number[]> {
  const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 10 }));
  const store = shareStore(world, new FolderStore(path));
  const losses: number[] = [];
  const onEvent = (event: TrainEvent): void => {
    if (event.kind === "step" && event.stage === "GAN") losses.push(event.metrics.lossD!);
  };
  const given = { ...GIVEN, batch: 16, seed, steps: 200, checkpointEvery: 1000, sampleEvery: 1000 };
  await trainGan({ given, store, dataset, world }, { signal: new AbortController().signal, onEvent });
  return losses;
}

/** Means of each quarter. */
const quarters = (values: readonly number[]): number[] =>
  [0, 1, 2, 3].map((q) => {
    const part = values.slice((q * values.length) / 4, ((q + 1) * values.length) / 4);
    return part.reduce((a, b) => a + b) / part.length;
  });

/** The text encoder of TEXT_RUN, in a folder that rank 0 alone reaches. @param stopAt Where the last rank alone is asked to stop. */
async function textRun(path: string, stopAt = Infinity): Promise<{ encoder: string; end: string; best: unknown }> {
  const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 3 }));
  const store = shareStore(world, new FolderStore(rank === 0 ? path : "/nowhere/at/all"));
  const signal = new AbortController();
  const onEvent = (event: TrainEvent): void => {
    if (event.kind === "step" && event.step === stopAt && rank === size - 1) signal.abort();
  };
  const { end, step, best } = await trainText({ given: TEXT_RUN, store, dataset, world }, { signal: signal.signal, onEvent });
  return { encoder: digest((await store.read("text-encoder.safetensors"))!), end: `${end} at ${step}`, best };
}

if (what === "net") {
  const [rows, compares] = [Number(words[0] ?? 24), words.includes("compares")];
  tell(await compared((together) => net(rows, compares, together), await new SmallNet(rows, compares).values()));
} else if (what === "text") {
  for (const name of Object.keys(TEXT_TRAININGS))
    tell({ name, ...(await compared((together) => text(name, together), (await text(name, false, 0)).values)) });
} else if (what === "gan") {
  // Four steps at once, and with a stop between.
  const whole = await gan(`${folder}/whole`, 4);
  await gan(`${folder}/parts`, 2);
  const parts = await gan(`${folder}/parts`, 4);
  const { end } = await gan(`${folder}/parts`, STOPPED);
  tell({ whole: whole.model, parts: parts.model, stopped: end });
} else if (what === "text-run") {
  const whole = await textRun(`${folder}/whole`);
  const { end } = await textRun(`${folder}/parts`, 5);
  const parts = await textRun(`${folder}/parts`);
  await textRun(`${folder}/on`, 3);
  tell({ stopped: end, whole, parts });
} else if (what === "text-on") {
  tell(await textRun(folder));
} else if (what === "spread") {
  // Together by seed 0, then each rank alone by a seed of its own, as large as its number.
  const together = await discriminatorLosses(`${folder}/together`, 0, world);
  const alone = await discriminatorLosses(`${folder}/alone-${rank}`, rank, ALONE);
  tell({ together: quarters(together), alone: quarters(alone) });
} else if (what === "die") {
  await gan(folder, 6, (step) => {
    if (step === 3 && rank === 1) process.kill(process.pid, "SIGKILL");
  });
} else if (what === "resume") {
  const { end } = await gan(folder, Number(words[0]));
  const store = shareStore(world, new FolderStore(rank === 0 ? folder : "/nowhere/at/all"));
  const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 3 }));
  const losses: number[] = [];
  const style = await trainStyle(
    { given: { steps: 3, batch: 4 }, resume: false, store, dataset, world },
    {
      signal: new AbortController().signal,
      onEvent: (event) => event.kind === "step" && losses.push(event.metrics.loss!),
    },
  );
  tell({ end, style: `${style.end} at ${style.step}`, losses });
} else throw new Error(`no such test: ${what}`);
await leaveWorld().catch(() => abortWorld(1));
