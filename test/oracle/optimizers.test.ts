/** Optimizers against torch.optim (and Adam in Torch7's form against one written out in the script): some steps with given gradients. */
import { describe, expect, it } from "vitest";
import { openDevice } from "../../src/gpu/device.js";
import { compile } from "../../src/tensor/compile.js";
import { Adam, RmsProp } from "../../src/tensor/optimizers.js";
import { input } from "../../src/tensor/tensor.js";
import { Store } from "../../src/tensor/variables.js";
import { fixture } from "./fixture.js";

interface AdamSettings {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
}
interface Facts {
  readonly adam: AdamSettings;
  readonly adam_default_betas: AdamSettings;
  readonly adam_torch7: AdamSettings;
  readonly rmsprop: { readonly lr: number; readonly alpha: number; readonly eps: number };
}

const adam = (store: Store, { lr, betas: [beta1, beta2], eps: epsilon }: AdamSettings, form: "torch7" | "pytorch") => {
  const optimizer = new Adam(store, { beta1, beta2, epsilon, form });
  return { optimizer, rate: (t: number) => optimizer.rate(lr, t) };
};

const made = {
  adam: (store: Store, facts: Facts) => adam(store, facts.adam, "pytorch"),
  adam_default_betas: (store: Store, facts: Facts) => adam(store, facts.adam_default_betas, "pytorch"),
  adam_torch7: (store: Store, facts: Facts) => adam(store, facts.adam_torch7, "torch7"),
  rmsprop: (store: Store, { rmsprop: { lr, alpha, eps: epsilon } }: Facts) => {
    const optimizer = new RmsProp(store, { alpha, epsilon });
    return { optimizer, rate: () => optimizer.rate(lr) };
  },
};

describe.each(Object.keys(made) as (keyof typeof made)[])("%s", (name) => {
  it("takes the reference's steps", async () => {
    const { facts, values, shape } = await fixture<Facts>("optimizers");
    const [steps, count] = shape("gradients") as [number, number];
    const row = (key: string, t: number) => values(key).subarray((t - 1) * count, t * count);
    // Two variables, so that the store has padding between them.
    const sizes = [5, count - 5];
    const store = new Store("parameters");
    sizes.forEach((n, i) => store.variable(`p${i}`, [n]));
    const split = (x: Float32Array) => new Map([["p0", x.slice(0, 5)], ["p1", x.slice(5)]]); // prettier-ignore
    store.write(split(values("start")));

    const { optimizer, rate } = made[name](store, facts);
    const program = await compile(await openDevice(), () => {
      optimizer.step(sizes.map((n, i) => input(`g${i}`, [n])), input("rate", [2])); // prettier-ignore
      return {};
    });
    let before = values("start");
    for (let t = 1; t <= steps; t++) {
      const gradient = split(row("gradients", t));
      program.launch({ g0: gradient.get("p0")!, g1: gradient.get("p1")!, rate: rate(t) });
      const read = await store.read();
      const [now, expected] = [[...read.get("p0")!, ...read.get("p1")!], row(name, t)];
      // What a step changes, to a thousandth, and what 32 bits lose on a parameter meanwhile.
      now.forEach((p, i) => {
        const allowed = 1e-3 * Math.abs(expected[i]! - before[i]!) + 2e-7 * t * Math.abs(expected[i]!);
        expect(Math.abs(p - expected[i]!), `parameter ${i} after step ${t}`).toBeLessThanOrEqual(allowed);
      });
      before = expected;
    }
    program.destroy();
  });
});

it("the two forms of Adam differ where the gradient is as small as epsilon", async () => {
  const { values } = await fixture<Facts>("optimizers");
  const [torch7, pytorch] = [values("adam_torch7"), values("adam")];
  expect(Math.max(...torch7.map((x, i) => Math.abs(x - pytorch[i]!)))).toBeGreaterThan(1e-4);
});
