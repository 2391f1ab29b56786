/**
 * Programs whose large intermediates are stored in f16: what they compute is near what f32 gives, in half the memory; variables, inputs,
 * outputs and gradients on their way to an optimizer stay f32.
 */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { Adam } from "../../src/tensor/optimizers.js";
import { device } from "../device.js";
import { noise } from "./noise.js";

const available = (await device()).gpu.features.has("shader-f16");

const SHAPE = [8, 6, 16, 16];
const values = {
  x: noise(8 * 6 * 256, "x", [-1, 1]),
  w: noise(12 * 6 * 16, "w", [-0.3, 0.3]),
  v: noise(12 * 6 * 16, "v", [-0.3, 0.3]),
  scale: noise(12, "scale", [0.5, 1.5]),
  shift: noise(12, "shift", [-0.5, 0.5]),
};

/** Down and up again with batch norm between: what a GAN's networks are made of. */
function network() {
  const x = g.input("x", SHAPE);
  const w = g.input("w", [12, 6, 4, 4]);
  const v = g.input("v", [12, 6, 4, 4]);
  const [scale, shift] = [g.input("scale", [12]), g.input("shift", [12])];
  const { y } = g.batchNorm(g.conv2d(x, w, { stride: 2, padding: 1 }), scale, shift);
  const out = g.tanh(g.convTranspose2d(g.leakyRelu(y, 0.2), v, { stride: 2, padding: 1 }));
  const loss = g.mul(g.mean(g.square(g.sub(out, x))), 4096);
  const [dx, dw, dv, dscale] = g.grad(loss, [x, w, v, scale]);
  return { out, loss, dx: dx!, dw: dw!, dv: dv!, dscale: dscale! };
}

/** ‖a − b‖ / ‖b‖ */
function distance(a: Float32Array, b: Float32Array): number {
  let [difference, norm] = [0, 0];
  b.forEach((y, i) => {
    difference += (a[i]! - y) ** 2;
    norm += y * y;
  });
  return Math.sqrt(difference / norm);
}

describe.skipIf(!available)("storage f16", () => {
  it("gives nearly the results of f32, and the same bits with recomputation", async () => {
    const full = await g.compile(await device(), network);
    const half = await g.compile(await device(), network, { storage: "f16" });
    const again = await g.compile(await device(), network, { storage: "f16", recompute: true });
    const [expected, results, repeated] = [await full.run(values), await half.run(values), await again.run(values)];
    for (const [name, result] of Object.entries(results)) {
      const error = distance(result, expected[name as keyof typeof expected]);
      expect(error, name).toBeLessThan(5e-3);
      expect(error, `${name} was not rounded`).toBeGreaterThan(1e-6);
    }
    expect(repeated).toEqual(results);
    for (const program of [full, half, again]) program.destroy();
  });

  it("halves what is kept for the gradient", async () => {
    const layers = () => {
      const [x, w] = [g.input("x", [128, 128]), g.input("w", [128, 128])];
      let h = x;
      for (let i = 0; i < 12; i++) h = g.tanh(g.matmul(h, w));
      return { loss: g.sum(g.grad(g.mean(h), [x])[0]!) };
    };
    const [full, half] = [await g.compile(await device(), layers), await g.compile(await device(), layers, { storage: "f16" })];
    expect(half.memory.lowerBound).toBeLessThan(0.6 * full.memory.lowerBound);
    for (const program of [full, half]) program.destroy();
  });

  it("rounds nothing that only passes between inputs, variables and outputs", async () => {
    const store = new g.Store("net");
    const w = store.variable("w", [64, 64], (x) => x.set(noise(x.length, "w", [-1, 1])));
    const program = await g.compile(
      await device(),
      () => {
        g.assign(w, g.add(w, g.transpose(g.matmul(g.input("x", [64, 64]), g.tensor(identity(64), [64, 64])))));
        return { w };
      },
      { storage: "f16" },
    );
    const x = noise(64 * 64, "x", [-1, 1]);
    const { w: result } = await program.run({ x });
    const before = noise(64 * 64, "w", [-1, 1]);
    expect(result).toEqual(before.map((value, i) => Math.fround(value + x[(i % 64) * 64 + Math.floor(i / 64)]!)));
    program.destroy();
  });

  it("takes the loss's factor out of the gradients again: a power of two leaves every bit", async () => {
    const update = async (lossScale: number) => {
      const store = new g.Store("net");
      const w = store.variable("w", [37], (x) => x.set(noise(37, "w", [-1, 1])));
      const adam = new Adam(store);
      const program = await g.compile(await device(), () => {
        adam.step([g.mul(g.input("g", [37]), lossScale)], g.input("rate", [2]), lossScale);
        return { w };
      });
      await program.run({ g: noise(37, "g", [-1, 1]), rate: adam.rate(0.1, 1) });
      const result = await store.read();
      program.destroy();
      return result.get("w");
    };
    expect(await update(4096)).toEqual(await update(1));
  });
});

const identity = (n: number): number[] => Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));

it("is refused where the adapter has no shader-f16", async () => {
  const real = await device();
  const without = Object.create(real, { gpu: { value: { features: new Set() } }, description: { value: "an old card" } }) as typeof real;
  await expect(g.compile(without, network, { storage: "f16" })).rejects.toThrow(
    "storage f16: this adapter (an old card) has no shader-f16; use f32",
  );
});
