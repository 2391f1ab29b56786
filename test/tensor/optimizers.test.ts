/** Adam and RMSprop against the textbook's updates in float64, number by number, over several steps. */
import { describe, it } from "vitest";
import { compile, input, Store, type Tensor } from "../../src/index.js";
import { Adam, RmsProp } from "../../src/tensor/optimizers.js";
import { device } from "../device.js";
import { near } from "./check.js";
import { noise } from "./noise.js";
import { adam, type Moments, rmsprop, sizeOf } from "../reference/index.js";

const shapes: readonly (readonly number[])[] = [[3], [2, 5], [7, 1, 3, 3], [200], []];
const STEPS = 6;
const RATE = 0.01;

/** Runs an optimizer on random gradients and compares each number after each step. */
async function follow(
  make: (store: Store) => {
    optimizer: { step(g: Tensor[], rate: Tensor): void; rate(rate: number, t: number): Float32Array };
    moments: Store[];
  },
  update: (m: Moments, g: number, t: number) => Moments,
) {
  const store = new Store("network");
  const start = shapes.map((shape, i) => noise(sizeOf(shape), `start ${i}`));
  shapes.forEach((shape, i) => store.variable(`v${i}`, shape, (v) => v.set(start[i]!), shape.length === 4 ? [2, 3, 1, 0] : undefined));
  const { optimizer, moments } = make(store);
  const program = await compile(await device(), () => {
    optimizer.step(
      shapes.map((shape, i) => input(`g${i}`, shape)),
      input("rate", [2]),
    );
    return {};
  });
  const fresh = (p: number): Moments => ({ p, m: 0, v: 0 });
  const states = start.map((values) => [...values].map(fresh));
  // The same optimizer on the gradients' magnitudes from 0: how far each number has moved in all, and what its moments are sums of.
  const travelled = start.map((values) => [...values].map(() => fresh(0)));
  for (let t = 1; t <= STEPS; t++) {
    // Gradients of very different sizes, and none at all: epsilon then decides.
    const gradients = shapes.map((shape, i) => noise(sizeOf(shape), `gradient ${i} ${t}`).map((g, k) => [g, g * 1e-9, g * 1e3, 0][k % 4]!));
    program.launch({ rate: optimizer.rate(RATE, t), ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g])) });
    const values = await store.read();
    const m = moments.length === 2 ? await moments[0]!.read() : undefined;
    const v = await moments.at(-1)!.read();
    // Roundings of one step: a dozen in the formula, some of them worth several units (WGSL's square root and division).
    const rounding = 32 * t * 2 ** -24;
    for (const [i, list] of states.entries()) {
      for (const [k, old] of list.entries()) {
        const g = gradients[i]![k]!;
        const state = (list[k] = update(old, g, t));
        const size = (travelled[i]![k] = update(travelled[i]![k]!, Math.abs(g), t));
        const where = `v${i}[${k}] after step ${t}`;
        near(values.get(`v${i}`)![k]!, state.p, rounding * Math.abs(size.p) + t * 2 ** -24 * Math.abs(state.p), where);
        if (m) near(m.get(`v${i}`)![k]!, state.m, rounding * size.m, `m of ${where}`);
        near(v.get(`v${i}`)![k]!, state.v, rounding * state.v, `v of ${where}`);
      }
    }
  }
  program.destroy();
}

describe("Adam", () => {
  for (const form of ["pytorch", "torch7"] as const) {
    it(`${form}'s form`, async () => {
      const options = { beta1: 0.5, beta2: 0.99, epsilon: 1e-6 };
      await follow(
        (store) => {
          const optimizer = new Adam(store, { ...options, form });
          return { optimizer, moments: [optimizer.first, optimizer.second] };
        },
        (state, g, t) => adam(state, g, t, { ...options, rate: RATE, torch7: form === "torch7" }),
      );
    });
  }
  it("has PyTorch's defaults", async () => {
    await follow(
      (store) => {
        const optimizer = new Adam(store);
        return { optimizer, moments: [optimizer.first, optimizer.second] };
      },
      (state, g, t) => adam(state, g, t, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, rate: RATE, torch7: false }),
    );
  });
});

describe("RMSprop", () => {
  it("follows its formula", async () => {
    await follow(
      (store) => {
        const optimizer = new RmsProp(store, { alpha: 0.9, epsilon: 1e-5 });
        return { optimizer, moments: [optimizer.second] };
      },
      (state, g) => rmsprop(state, g, { rate: RATE, alpha: 0.9, epsilon: 1e-5 }),
    );
  });
});
