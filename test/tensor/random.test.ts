/** Random numbers: the bits of Philox, the distributions' moments, independence of streams, steps and seeds. */
import { describe, expect, it } from "vitest";
import { compile, keyInput, type Program, randomKey, randomNormal, randomUniform, type Tensor } from "../../src/index.js";
import { device } from "../device.js";
import { philox } from "../reference/philox.js";

const hex = (words: number[]) => words.map((w) => w.toString(16).padStart(8, "0")).join(" ");

describe("the reference", () => {
  it("passes the known answers of Random123", () => {
    const ones = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff];
    expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe("6627e8d5 e169c58d bc57ac4c 9b00dbd8");
    expect(hex(philox(ones, ones.slice(2)))).toBe("408f276d 41c83b0e a20bc7c6 6d5451fd");
    // The digits of pi.
    expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    );
  });
});

const COUNT = 100_003;
const STREAMS = [0, 1, 2, 0xfffffff0] as const;

let program: Program | undefined;
/** Uniform and normal numbers of each stream, for a seed and step. */
async function draw(seed: number, step: number): Promise<Record<string, Float32Array>> {
  program ??= await compile(await device(), () => {
    const key = keyInput();
    const outputs = STREAMS.flatMap((stream) => [
      [`uniform ${stream}`, randomUniform([COUNT], key, stream)] as const,
      [`normal ${stream}`, randomNormal([7, 11, 13], key, stream)] as const,
    ]);
    return { ...Object.fromEntries(outputs), normal: randomNormal([COUNT], key, 3), scalar: randomUniform([], key, 0) } as Record<
      string,
      Tensor
    >;
  });
  return program.run({ key: randomKey(seed, step) });
}

/** What the four words of a block become: numbers strictly between 0 and 1, on a grid of 2^-23. */
const uniforms = (block: number, stream: number, step: number, seed: number) =>
  philox([block, stream, step, 0], [seed % 2 ** 32, Math.floor(seed / 2 ** 32)]).map((word) => (Math.floor(word / 512) + 0.5) / 2 ** 23);

describe("the kernel", () => {
  it.each([
    [0, 0],
    [1, 5],
    [2 ** 53 - 1, 0xffffffff],
    [0xffffffff, 7],
    [2 ** 32, 0],
  ])("gives Philox's bits: seed %d, step %d", async (seed, step) => {
    const result = await draw(seed, step);
    for (const stream of STREAMS) {
      const numbers = result[`uniform ${stream}`]!;
      for (const block of [0, 1, 2, 1000, Math.floor(COUNT / 4)]) {
        uniforms(block, stream, step, seed).forEach((u, i) => {
          if (block * 4 + i < COUNT) expect(numbers[block * 4 + i], `stream ${stream}, number ${block * 4 + i}`).toBe(u);
        });
      }
    }
    expect([...result.scalar!]).toEqual(uniforms(0, 0, step, seed).slice(0, 1));
  });

  it("draws each rank's own numbers under one key, rank 0's being those of a key without ranks", async () => {
    const ranked = await compile(await device(), () => ({ u: randomUniform([8], keyInput("key", true), 1) }));
    for (const rank of [0, 1, 7]) {
      const { u } = await ranked.run({ key: randomKey(11, 3, rank) });
      const exact = [0, 1].flatMap((block) => philox([block, 1, 3, rank], [11, 0]).map((word) => (Math.floor(word / 512) + 0.5) / 2 ** 23));
      expect([...u]).toEqual(exact);
    }
    expect(() => randomKey(1, 1, -1)).toThrow("randomKey: rank must be a whole number");
  });

  it("makes normal numbers by Box and Muller", async () => {
    const result = await draw(11, 3);
    const numbers = result["normal 2"]!;
    expect(numbers.length).toBe(7 * 11 * 13);
    for (let block = 0; block < 250; block++) {
      const [u0, u1, u2, u3] = uniforms(block, 2, 3, 11) as [number, number, number, number];
      const [r0, r1] = [Math.sqrt(-2 * Math.log(u0)), Math.sqrt(-2 * Math.log(u1))];
      const exact = [
        r0 * Math.cos(2 * Math.PI * u2),
        r1 * Math.cos(2 * Math.PI * u3),
        r0 * Math.sin(2 * Math.PI * u2),
        r1 * Math.sin(2 * Math.PI * u3),
      ];
      // WGSL allows log an error of 2^-21 and sin and cos 2^-11.
      exact.forEach((v, i) => expect(Math.abs(numbers[block * 4 + i]! - v)).toBeLessThan(6 * 2 ** -11));
    }
  });
});

const moment = (x: Float32Array, k: number) => x.reduce((s, v) => s + v ** k, 0) / x.length;

describe("the distributions", () => {
  // A mean of N numbers of variance V is within 5 sqrt(V / N) but for one time in two million.
  const within = (value: number, exact: number, variance: number) =>
    expect(Math.abs(value - exact)).toBeLessThan(5 * Math.sqrt(variance / COUNT));

  it("uniform: moments, range, and as many in each bin", async () => {
    const x = (await draw(5, 9))["uniform 1"]!;
    within(moment(x, 1), 1 / 2, 1 / 12);
    within(moment(x, 2), 1 / 3, 1 / 5 - 1 / 9);
    within(moment(x, 3), 1 / 4, 1 / 7 - 1 / 16);
    expect(x.every((v) => v > 0 && v < 1)).toBe(true);
    const bins = new Array<number>(50).fill(0);
    x.forEach((v) => bins[Math.floor(v * 50)]!++);
    // Chi-squared of 49 degrees of freedom: above 100 once in fifty thousand.
    expect(bins.reduce((s, n) => s + (n - COUNT / 50) ** 2 / (COUNT / 50), 0)).toBeLessThan(100);
  });

  it("normal: moments, and neighbours that know nothing of each other", async () => {
    const x = (await draw(5, 9)).normal!;
    within(moment(x, 1), 0, 1);
    within(moment(x, 2), 1, 2);
    within(moment(x, 3), 0, 15);
    within(moment(x, 4), 3, 96);
    expect(x.every(Number.isFinite)).toBe(true);
    for (const lag of [1, 2, 3, 4, 8]) {
      let product = 0;
      for (let i = lag; i < COUNT; i++) product += x[i]! * x[i - lag]!;
      within(product / COUNT, 0, 1);
    }
  });

  it("streams, steps and seeds are independent; the same ones repeat", async () => {
    const first = await draw(1, 1);
    expect(await draw(1, 1)).toEqual(first);
    const centred = (x: Float32Array) => x.map((v) => v - 0.5);
    const base = centred(first["uniform 0"]!);
    const others = [first["uniform 1"]!, first["uniform 2"]!, (await draw(1, 2))["uniform 0"]!, (await draw(2, 1))["uniform 0"]!];
    others.push((await draw(1 + 2 ** 32, 1))["uniform 0"]!);
    for (const other of others) {
      const y = centred(other);
      within(base.reduce((s, v, i) => s + v * y[i]!, 0) / COUNT, 0, 1 / 144);
    }
  });
});
