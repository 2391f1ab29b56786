/** The memory planner: what is alive at the same time never shares a place, and little is wasted. */
import fc from "../property.js";
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { type Allocation, planArena } from "../../src/gpu/arena.js";
import { device } from "../device.js";
import { noise } from "../tensor/noise.js";

const lives = fc.array(
  fc.record({
    bytes: fc.integer({ min: 16, max: 5000 }),
    first: fc.integer({ min: 0, max: 30 }),
    length: fc.constantFrom(0, 0, 1, 1, 2, 5, 12, Infinity),
  }),
  { minLength: 1, maxLength: 60 },
);

const together = (a: Allocation, b: Allocation) => a.first <= b.last && b.first <= a.last;

describe("planArena", () => {
  it("never gives one place to two that are alive at once, and needs no more than all of them side by side", () => {
    fc.assert(
      fc.property(lives, fc.constantFrom(16, 256), (list, alignment) => {
        const allocations = list.map(({ bytes, first, length }, i): Allocation => ({
          label: `${i}`,
          bytes,
          first,
          last: first + length,
          offset: -1,
        }));
        const plan = planArena(allocations, alignment);
        let sum = 0;
        for (const [i, a] of allocations.entries()) {
          expect(a.offset % alignment).toBe(0);
          expect(a.offset).toBeGreaterThanOrEqual(0);
          expect(a.offset + a.bytes).toBeLessThanOrEqual(plan.bytes);
          sum += Math.ceil(a.bytes / alignment) * alignment;
          for (const b of allocations.slice(0, i)) {
            if (together(a, b))
              expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset, `${a.label} and ${b.label}`).toBe(true);
          }
        }
        const alive = (step: number) => allocations.filter((a) => a.first <= step && step <= a.last).reduce((n, a) => n + a.bytes, 0);
        expect(plan.lowerBound).toBe(Math.max(...allocations.map((a) => alive(a.first))));
        expect(plan.bytes).toBeGreaterThanOrEqual(plan.lowerBound);
        expect(plan.bytes).toBeLessThanOrEqual(sum);
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  it("reuses what is free", () => {
    const chain = Array.from({ length: 50 }, (_, i): Allocation => ({ label: `${i}`, bytes: 1024, first: i, last: i + 1, offset: 0 }));
    expect(planArena(chain, 256)).toEqual({ bytes: 2048, lowerBound: 2048 });
  });
});

describe("a program's arena", () => {
  it("does not grow with the length of a chain, but with what is kept for the gradient", async () => {
    const layers = (count: number, differentiate: boolean) => () => {
      const x = g.input("x", [32, 128]);
      const w = g.input("w", [128, 128]);
      let h = x;
      for (let i = 0; i < count; i++) h = g.tanh(g.matmul(h, w));
      const loss = g.mean(h);
      return { loss: differentiate ? g.sum(g.grad(loss, [x])[0]!) : loss };
    };
    const one = 32 * 128 * 4;
    const arena = async (count: number, differentiate: boolean) => {
      const program = await g.compile(await device(), layers(count, differentiate));
      program.destroy();
      expect(program.memory.arena).toBeGreaterThanOrEqual(program.memory.lowerBound);
      return program.memory;
    };
    // A product's operand and result; a product may be summed in parts, hence the scratch beside them.
    const short = await arena(4, false);
    expect((await arena(16, false)).arena).toBe(short.arena);
    const [few, many] = [await arena(4, true), await arena(16, true)];
    expect(many.lowerBound - few.lowerBound).toBe(12 * one);
    expect(many.arena).toBeLessThanOrEqual(1.25 * many.lowerBound);
  });

  it("holds the right values wherever they are put: many lives, many sizes", async () => {
    // Without reuse mistakes, the result is that of the same program whose intermediates are all outputs and so have places of their own.
    const build = (keep: boolean) => () => {
      const outputs: Record<string, g.Tensor> = {};
      const w = g.input("w", [36, 36]);
      let recent = [g.input("x", [36, 36])];
      for (let i = 0; i < 30; i++) {
        const [a, b] = [recent.at(-1)!, recent[(i * 7) % recent.length]!];
        const next = [
          () => g.tanh(g.matmul(a, w)),
          () => g.slice(g.concat([a, g.mul(b, 0.5)], 1), 1, 5, 41),
          () => g.sub(a, g.mean(b, [0], { keepDims: true })),
          () => g.reshape(g.transpose(g.exp(g.mul(g.tanh(a), 0.1))), [36, 36]),
        ][i % 4]!();
        if (keep) outputs[`v${i}`] = next;
        recent = [...recent.slice(-3), next];
      }
      outputs.result = recent.at(-1)!;
      return outputs;
    };
    const given = { x: noise(1296, "x"), w: noise(1296, "w") };
    const programs = [await g.compile(await device(), build(false)), await g.compile(await device(), build(true))];
    const [tight, loose] = await Promise.all(programs.map((p) => p.run(given)));
    expect(programs[0]!.memory.arena).toBeLessThan(programs[1]!.memory.arena / 2);
    expect(tight!.result).toEqual(loose!.result);
    for (const p of programs) p.destroy();
  });
});

describe("recomputation", () => {
  const layers = (count: number) => () => {
    const w = g.input("w", [8, 8, 3, 3]);
    const [gamma, beta] = [g.input("gamma", [8]), g.input("beta", [8])];
    let h = g.input("x", [4, 8, 8, 8]);
    for (let i = 0; i < count; i++) h = g.leakyRelu(g.batchNorm(g.conv2d(h, w, { padding: 1 }), gamma, beta).y);
    const loss = g.mean(g.square(h));
    const [dw, dGamma] = g.grad(loss, [w, gamma]);
    return { loss, dw: dw!, dGamma: dGamma! };
  };
  const given = { w: noise(576, "w"), gamma: noise(8, "gamma", [0.5, 1.5]), beta: noise(8, "beta"), x: noise(2048, "x") };

  it("takes less memory for the same bits", async () => {
    const programs = [await g.compile(await device(), layers(12)), await g.compile(await device(), layers(12), { recompute: true })];
    const [kept, again] = await Promise.all(programs.map((program) => program.run(given)));
    expect(again).toEqual(kept);
    const [usual, less] = programs.map(({ memory }) => memory.lowerBound);
    // Of every layer's two large tensors, the convolution and its activation, one is forgotten.
    expect(less!).toBeLessThan(0.65 * usual!);
    for (const program of programs) program.destroy();
  });

  it("keeps what is computed from a variable that has changed since", async () => {
    const run = async (recompute: boolean) => {
      const store = new g.Store("changing");
      const v = store.variable("v", [16, 16], (values) => values.fill(2));
      const build = () => {
        const early = g.mul(g.input("x", [16, 16]), v);
        g.assign(v, g.mul(v, 3));
        let h = g.matmul(early, early);
        for (let i = 0; i < 12; i++) h = g.matmul(g.tanh(h), h);
        return { y: g.matmul(early, h), h };
      };
      const program = await g.compile(await device(), build, { recompute });
      const result = await program.run({ x: noise(256, "v") });
      program.destroy();
      return result;
    };
    expect(await run(true)).toEqual(await run(false));
  });
});
