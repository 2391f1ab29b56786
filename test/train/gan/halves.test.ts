/** D's step and G's step apart have the bits of the whole step, and a training has the same bits at any pace. */
import { describe, expect, it } from "vitest";
import { makePetals } from "../../../src/data/petals.js";
import { PackedDataset } from "../../../src/data/packed.js";
import { RandomStream } from "../../../src/random/philox.js";
import { Sha256 } from "../../../src/formats/sha256.js";
import { randomKey } from "../../../src/tensor/random.js";
import { Gan } from "../../../src/train/gan/gan.js";
import { ganTensors } from "../../../src/train/gan/checkpoint.js";
import type { GivenOptions } from "../../../src/train/gan/options.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { trainGan } from "../../../src/train/gan/session.js";
import type { Move, TrainEvent } from "../../../src/train/run/events.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import { device } from "../../device.js";

const sha256 = (bytes: Uint8Array): string => new Sha256().update(bytes).hex();

/** Networks and scalars after two steps, whole or by halves. */
async function after(given: GivenOptions, halves: boolean) {
  const options = resolveOptions({ preset: "tiny", batch: 4, ...given }, { software: true });
  const gan = new Gan(options, new RandomStream(3));
  const gpu = await device();
  const { discriminator, generator } = halves
    ? await gan.compileHalves(gpu)
    : { discriminator: await gan.compile(gpu), generator: undefined };
  const programs = [discriminator, ...(generator ? [generator] : [])];
  const random = new RandomStream(5);
  const images = () => Uint32Array.from({ length: (4 * 16 * 16 * 3) / 4 }, () => random.below(2 ** 32));
  const scalars: Record<string, number>[] = [];
  for (let step = 1; step <= 2; step++) {
    const inputs: Record<string, ArrayLike<number>> = {
      ...{ real: images(), wrong: images(), key: randomKey(7, step), decay: [0.9] },
      text: Float32Array.from({ length: 4 * options.textSize }, () => random.normal()),
      ...{ rateD: gan.adamD.rate(1e-3, step), rateG: gan.adamG.rate(1e-3, step) },
    };
    const all: Record<string, number> = {};
    for (const program of programs) {
      const read = Object.fromEntries(program.inputs.map((name) => [name, inputs[name]!]));
      const outputs: Readonly<Record<string, Float32Array>> = await program.run(read);
      for (const [name, value] of Object.entries(outputs)) all[name] = value[0]!;
    }
    scalars.push(all);
  }
  const tensors = Object.fromEntries(
    [...(await ganTensors(gan))].map(([name, { data }]) => [name, sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]),
  );
  return { scalars, tensors };
}

describe("D's step and G's step", () => {
  it.each<[string, GivenOptions]>([
    ["of GAN-INT-CLS", {}],
    ["of GAN", { variant: "gan", ema: 0 }],
    ["of joint batches with a reader of the noise", { discriminatorBatches: "joint", minibatchDeviation: true, infoWeight: 1 }],
    ["of texts that are drawn twice", { diversityWeight: 5 }],
  ])("%s have the whole step's bits", async (_, given) => {
    const [whole, parts] = [await after(given, false), await after(given, true)];
    expect(parts.scalars).toEqual(whole.scalars);
    expect(parts.tensors).toEqual(whole.tensors);
    expect(Object.keys(whole.tensors).length).toBeGreaterThan(20);
  });
});

describe("the pace of a training", () => {
  const given: GivenOptions = { preset: "tiny", steps: 4, batch: 4, textSteps: 2, seed: 2 };

  async function trained(moves?: Move[]) {
    const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 3 }));
    const store = new MemoryStore();
    const events: TrainEvent[] = [];
    let held = 0;
    const pace = (): Promise<Move> => {
      held++;
      return Promise.resolve(moves!.shift() ?? "half");
    };
    const signal = new AbortController().signal;
    await trainGan({ given, store, dataset }, { onEvent: (event) => void events.push(event), signal, ...(moves && { pace }) });
    const told = events.flatMap((event) =>
      event.kind === "half" ? [`D ${event.step}`] : event.kind === "step" && event.stage === "GAN" ? [`step ${event.step}`] : [],
    );
    return { told, held, model: sha256((await store.read("model.safetensors"))!) };
  }

  it("changes no bit, and is asked before each step and between halves", async () => {
    const free = await trained();
    expect(free.told).toEqual(["step 1", "step 2", "step 3", "step 4"]);
    // Two of the text encoder's steps, then: D, G, whole, D, G, D, G.
    const paced = await trained(["step", "half", "half", "half", "step"]);
    expect(paced.told).toEqual(["D 1", "step 1", "step 2", "D 3", "step 3", "D 4", "step 4"]);
    expect(paced.held).toBe(2 + 7);
    expect(paced.model).toBe(free.model);
  });
});
