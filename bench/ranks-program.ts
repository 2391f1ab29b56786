/**
 * Run on every rank by bench/ranks.ts: how long sums of gradients take from GPU to GPU, and training steps with them. Rank 0 prints one line
 * of JSON.
 *
 *   ranks-program.ts '{"megabytes":[1,4],"preset":"small","rows":[16,8],"steps":5}'
 */
import { type Device, openDevice } from "../src/gpu/device.js";
import { Memory } from "../src/gpu/memory.js";
import { RoundTrip } from "../src/gpu/round-trip.js";
import { leaveWorld, openWorld } from "../src/node/distributed/open.js";
import { RandomStream } from "../src/random/philox.js";
import type { InputValues } from "../src/tensor/program.js";
import { Gan } from "../src/train/gan/gan.js";
import type { PresetName } from "../src/train/gan/presets.js";
import { resolveOptions } from "../src/train/gan/resolve-options.js";
import type { World } from "../src/train/run/world.js";
import { freeGan, ganInputs } from "./steps.js";
import { drained } from "./timing.js";

/** What is asked of the ranks. */
export interface RanksTask {
  /** Sums of so many megabytes. */
  readonly megabytes: readonly number[];
  readonly preset: PresetName;
  /** Steps of so many rows a rank. */
  readonly rows: readonly number[];
  /** Measured steps, after two that are not. */
  readonly steps: number;
}

/** Of the fastest of some turns the slowest rank's times; seconds. */
export interface RanksResult {
  readonly ranks: number;
  readonly adapter: string;
  /** Of a step's gradients. */
  readonly bytes: number;
  readonly sums: readonly { readonly bytes: number; readonly seconds: number }[];
  readonly steps: readonly {
    readonly rows: number;
    readonly seconds: number;
    /** A step of these rows of which nothing is shared, all ranks at the same time. */
    readonly compute: number;
  }[];
}

/** Seconds. */
const now = (): number => performance.now() / 1000;

/** The slowest rank's time of each turn; of these the least, since what else runs on a machine only adds. */
async function fastest(world: World, turns: readonly number[]): Promise<number> {
  const own = Float64Array.from(turns);
  const all = (await world.gather(new Uint8Array(own.buffer), "the times")).map((bytes) => new Float64Array(bytes.slice().buffer));
  return Math.min(...turns.map((_, turn) => Math.max(...all.map((times) => times[turn]!))));
}

/** Times something that all ranks do at the same time. @param idle Turns that are not counted. */
async function timed(world: World, turns: number, idle: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let turn = -idle; turn < turns; turn++) {
    await world.barrier("a turn's beginning");
    const start = now();
    await work();
    if (turn >= 0) times.push(now() - start);
  }
  return fastest(world, times);
}

async function measureSum(device: Device, world: World, bytes: number): Promise<number> {
  const memory = new Memory(device, "summed", bytes);
  const trip = new RoundTrip(device, [memory]);
  const seconds = await timed(world, 7, 1, async () => {
    await trip.run((values) => world.sum(values, "a measured sum"));
    await drained(device);
  });
  trip.destroy();
  memory.destroy();
  return seconds;
}

async function measureSteps(
  device: Device,
  world: World,
  { preset, steps }: RanksTask,
  rows: number,
): Promise<RanksResult["steps"][number]> {
  const options = resolveOptions({ preset, batch: rows * world.size }, { software: true });
  const never = new AbortController().signal;
  const step = async (gan: Gan, run: (inputs: InputValues) => Promise<unknown>, inputs: InputValues): Promise<number> => {
    const seconds = await timed(world, steps, 2, async () => {
      await run(inputs);
      await drained(device);
    });
    freeGan(gan);
    return seconds;
  };
  const own = new Gan({ ...options, batch: rows }, new RandomStream(1, 1));
  const program = await own.compile(device);
  const alone = ganInputs(own, rows);
  const compute = await step(
    own,
    (inputs) => Promise.resolve(program.launch(inputs)),
    Object.fromEntries(program.inputs.map((name) => [name, alone[name]!])),
  );
  program.destroy();
  if (world.size === 1) return { rows, seconds: compute, compute };
  const gan = new Gan(options, new RandomStream(1, 1), world.size);
  const shared = await gan.compileShared(device, world);
  const given = ganInputs(gan, rows, world.rank);
  const inputs = Object.fromEntries(shared.program.inputs.map((name) => [name, given[name]!]));
  const seconds = await step(gan, (values) => shared.run(values, "a measured step", never), inputs);
  shared.destroy();
  return { rows, seconds, compute };
}

const task = JSON.parse(process.argv[2]!) as RanksTask;
const world = await openWorld({ warn: (text) => process.stderr.write(`${text}\n`) });
const device = await openDevice();
const { generator, discriminator, reader } = new Gan(resolveOptions({ preset: task.preset }, { software: true }), new RandomStream(1, 1));
const bytes = [generator, discriminator, ...(reader ? [reader] : [])].reduce((sum, { parameters }) => sum + 4 * parameters.length, 0);
const sums: { bytes: number; seconds: number }[] = [];
for (const megabytes of task.megabytes) sums.push({ bytes: 1e6 * megabytes, seconds: await measureSum(device, world, 1e6 * megabytes) });
const steps: RanksResult["steps"][number][] = [];
for (const rows of task.rows) steps.push(await measureSteps(device, world, task, rows));
const result: RanksResult = { ranks: world.size, adapter: device.description, bytes, sums, steps };
device.destroy();
if (world.rank === 0) process.stdout.write(`${JSON.stringify(result)}\n`);
await leaveWorld();
