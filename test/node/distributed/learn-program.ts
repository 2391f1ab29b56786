/** Run on several ranks by learn.test.ts: learns what its first word says, and prints a line of JSON a rank. */
import { createHash } from "node:crypto";
import { makePetals } from "../../../src/data/petals.js";
import { PackedDataset } from "../../../src/data/packed.js";
import { openDevice } from "../../../src/gpu/device.js";
import { abortWorld, leaveWorld, openWorld } from "../../../src/node/distributed/open.js";
import { FolderStore } from "../../../src/node/files/folder-store.js";
import { trainGan } from "../../../src/train/gan/session.js";
import { shareStore } from "../../../src/train/run/ranks.js";
import { trainStyle } from "../../../src/train/style/session.js";
import { SharedProgram } from "../../../src/train/run/shared-program.js";
import { GIVEN } from "./given.js";
import { SmallNet } from "./small-net.js";

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

/** Twenty steps of a small network without batch norm: this rank's rows of each batch, or all of them alone. */
async function net(together: boolean): Promise<{ values: Float32Array; losses: number[] }> {
  const device = await openDevice();
  const small = new SmallNet();
  const rows = together ? SmallNet.ROWS / size : SmallNet.ROWS;
  const program = together
    ? await SharedProgram.compile(device, world, (learning) => small.build(rows, learning))
    : await small.compile(device, rows);
  const losses: number[] = [];
  for (let step = 1; step <= 20; step++) {
    const inputs = small.inputs(step, together ? rank * rows : 0, rows);
    if (program instanceof SharedProgram)
      losses.push((await program.run(inputs, `step ${step}`, new AbortController().signal)).numbers.loss!);
    else losses.push((await program.run(inputs)).loss[0]!);
  }
  const values = await small.values();
  device.destroy();
  return { values, losses };
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

if (what === "net") {
  const [first, again, alone] = [await net(true), await net(true), await net(false)];
  const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
  const moved = apart(alone.values, await new SmallNet().values());
  tell({
    ...{ digest: digest(first.values), again: digest(again.values), moved },
    ...{ apart: apart(first.values, alone.values), losses: apart(first.losses, alone.losses) },
  });
} else if (what === "gan") {
  // Four steps at once, and with a stop between.
  const whole = await gan(`${folder}/whole`, 4);
  await gan(`${folder}/parts`, 2);
  const parts = await gan(`${folder}/parts`, 4);
  const { end } = await gan(`${folder}/parts`, STOPPED);
  tell({ whole: whole.model, parts: parts.model, stopped: end });
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
