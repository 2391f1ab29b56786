/** `--match-from STEP`: before it the mismatching pair is judged and teaches nothing, from it on all is as if it had always counted. */
import { describe, expect, it } from "vitest";
import { makePetals } from "../../../src/data/petals.js";
import { PackedDataset } from "../../../src/data/packed.js";
import { RandomStream } from "../../../src/random/philox.js";
import { randomKey } from "../../../src/tensor/random.js";
import { ganTensors, loadGanTensors } from "../../../src/train/gan/checkpoint.js";
import { Gan } from "../../../src/train/gan/gan.js";
import type { GivenOptions } from "../../../src/train/gan/options.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { trainGan } from "../../../src/train/gan/session.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import { device } from "../../device.js";

const BATCH = 4;
const STEP = 3;

/** A GAN of a fixed beginning, and what does a step of it. */
async function begun(given: GivenOptions) {
  const options = resolveOptions({ preset: "tiny", batch: BATCH, ema: 0, discriminatorBatches: "separate", ...given }, { software: true });
  const gan = new Gan(options, new RandomStream(3));
  const program = await gan.compile(await device());
  const words = (random: RandomStream) => Uint32Array.from({ length: (BATCH * 16 * 16 * 3) / 4 }, () => random.below(2 ** 32));
  /** @param other Another image in the mismatching pair. */
  const run = async (step: number, other = 0) => {
    const random = new RandomStream(5 + step);
    const inputs: Record<string, ArrayLike<number>> = {
      ...{ real: words(random), key: randomKey(7, step), wrong: words(new RandomStream(100 * step + other)) },
      text: Float32Array.from({ length: BATCH * options.textSize }, () => random.normal()),
      ...{ rateD: gan.adamD.rate(1e-3, step), rateG: gan.adamG.rate(1e-3, step), match: [gan.weightAt(step)] },
    };
    const outputs = await program.run(Object.fromEntries(program.inputs.map((name) => [name, inputs[name]!])));
    return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, value[0]!]));
  };
  return { gan, run, names: program.inputs };
}

/** What was learnt: everything but the discriminator's running statistics, which see every pair. */
const learnt = async (gan: Gan) =>
  [...(await ganTensors(gan))]
    .filter(([name]) => !name.includes("running_"))
    .map(([name, { data }]) => [name, [...(data as Float32Array)]]);

describe("the mismatching pair", () => {
  it("teaches nothing before STEP, to the bit, and something from then on", async () => {
    const [one, other] = [await begun({ variant: "gan-cls", matchFrom: STEP }), await begun({ variant: "gan-cls", matchFrom: STEP })];
    for (let step = 1; step < STEP; step++) {
      const [a, b] = [await one.run(step), await other.run(step, 1)];
      expect(a.lossWrong).not.toBe(b.lossWrong);
      expect(a.lossD).toBe(b.lossD);
    }
    expect(await learnt(one.gan)).toEqual(await learnt(other.gan));
    const [a, b] = [await one.run(STEP), await other.run(STEP, 1)];
    expect(a.lossD).not.toBe(b.lossD);
    expect(await learnt(one.gan)).not.toEqual(await learnt(other.gan));
  });

  it("leaves the losses of the plain GAN, which has no such pair", async () => {
    const [later, plain] = [await begun({ variant: "gan-cls", matchFrom: STEP }), await begun({ variant: "gan" })];
    for (let step = 1; step < STEP; step++) {
      const [a, b] = [await later.run(step), await plain.run(step)];
      for (const name of ["lossD", "lossReal", "lossFake", "lossG", "real", "fake"]) expect(a[name], name).toBeCloseTo(b[name]!, 3);
      expect(a.lossD).toBeCloseTo(a.lossReal! + a.lossFake!, 5);
    }
  });

  it("counts from STEP on as it does where it always counted", async () => {
    const [later, always] = [await begun({ variant: "gan-cls", matchFrom: STEP }), await begun({ variant: "gan-cls" })];
    expect([later.names.includes("match"), always.names.includes("match")]).toEqual([true, false]);
    for (let step = 1; step < STEP; step++) await later.run(step);
    loadGanTensors(always.gan, new Map(await ganTensors(later.gan)), "before");
    const [a, b] = [await later.run(STEP), await always.run(STEP)];
    for (const [name, value] of Object.entries(b)) expect(a[name], name).toBeCloseTo(value, 5);
    expect(a.lossD).toBeCloseTo(a.lossReal! + (a.lossWrong! + a.lossFake!) / 2, 5);
  });
});

it("a training gives it its weight from STEP on", async () => {
  const given: GivenOptions = { preset: "tiny", steps: 4, batch: BATCH, textSteps: 2, seed: 2, matchFrom: STEP, clsWeight: 0.25 };
  const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 3 }));
  const off: number[] = [];
  await trainGan(
    { given, store: new MemoryStore(), dataset },
    {
      signal: new AbortController().signal,
      onEvent(event) {
        if (event.kind !== "step" || event.stage !== "GAN") return;
        const { lossD, lossReal, lossWrong, lossFake } = event.metrics as Record<string, number>;
        const w = event.step < STEP ? 0 : 0.25;
        off.push(lossD! - (lossReal! + w * lossWrong! + (1 - w) * lossFake!));
      },
    },
  );
  expect(off).toHaveLength(4);
  for (const difference of off) expect(difference).toBeCloseTo(0, 5);
});
