/** The counter-based generator, against the vectors of its authors, and the streams that are made of it. */
import { describe, expect, it } from "vitest";
import { philox4x32, RandomStream } from "../../src/random/philox.js";

describe("philox4x32", () => {
  // The known answers that the Random123 library publishes for philox4x32 with 10 rounds.
  it.each<{ counter: [number, number, number, number]; key: [number, number]; expected: number[] }>([
    { counter: [0, 0, 0, 0], key: [0, 0], expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])("gives the published answer for counter $counter", ({ counter, key, expected }) => {
    const out = new Uint32Array(4);
    philox4x32(...counter, ...key, out);
    expect([...out]).toEqual(expected);
  });
});

describe("RandomStream", () => {
  const take = (stream: RandomStream, n: number): number[] => Array.from({ length: n }, () => stream.uint32());

  it("is a function of seed and name alone", () => {
    expect(take(new RandomStream(7, 1, 2, 3), 9)).toEqual(take(new RandomStream(7, 1, 2, 3), 9));
  });

  it("differs where the seed, its high half, or any word of the name differs", () => {
    const names: [number, number, number, number][] = [
      [7, 1, 2, 3],
      [8, 1, 2, 3],
      [7 + 2 ** 32, 1, 2, 3],
      [7, 2, 2, 3],
      [7, 1, 3, 3],
      [7, 1, 2, 4],
    ];
    const starts = names.map((name) => take(new RandomStream(...name), 4).join());
    expect(new Set(starts).size).toBe(names.length);
  });

  it("draws integers, uniforms and normals with the right moments", () => {
    const stream = new RandomStream(3);
    const n = 20_000;
    const counts = new Array<number>(7).fill(0);
    let uniform = 0;
    let normal = 0;
    let square = 0;
    for (let i = 0; i < n; i++) {
      counts[stream.below(7)]!++;
      uniform += stream.uniform();
      const z = stream.normal();
      normal += z;
      square += z * z;
    }
    for (const count of counts) {
      expect(Math.abs(count - n / 7)).toBeLessThan(5 * Math.sqrt(n / 7));
    }
    expect(Math.abs(uniform / n - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(normal / n)).toBeLessThan(0.035);
    expect(Math.abs(square / n - 1)).toBeLessThan(0.05);
  });

  it("draws integers below three quarters of 2^32 without the bias of a remainder", () => {
    const stream = new RandomStream(5);
    let low = 0;
    for (let i = 0; i < 3000; i++) {
      low += stream.below(3 * 2 ** 30) < 2 ** 30 ? 1 : 0;
    }
    // A third; a plain remainder would give half.
    expect(Math.abs(low - 1000)).toBeLessThan(150);
  });

  it("shuffles every element into every place", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      seen.add(new RandomStream(1, i).shuffle([0, 1, 2]).join(""));
    }
    expect([...seen].sort()).toEqual(["012", "021", "102", "120", "201", "210"]);
  });

  it("refuses seeds and bounds that it cannot honour", () => {
    expect(() => new RandomStream(-1)).toThrow(/seed/);
    expect(() => new RandomStream(0.5)).toThrow(/seed/);
    expect(() => new RandomStream(0).below(0)).toThrow(/below 0/);
  });
});
