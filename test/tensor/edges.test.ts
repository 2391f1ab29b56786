/** Kinks, ties, extreme arguments and values that are not finite: what the formulas leave open. */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { grad, input, type Tensor, tensor } from "../../src/index.js";
import { device } from "../device.js";

async function values(
  build: () => Record<string, Tensor>,
  inputs: Record<string, ArrayLike<number>> = {},
): Promise<Record<string, number[]>> {
  const program = await g.compile(await device(), build);
  const result = await program.run(inputs);
  program.destroy();
  return Object.fromEntries(Object.entries(result).map(([name, v]) => [name, [...v].map((n) => n + 0)]));
}

const slope = (f: (x: Tensor) => Tensor, list: number[], shape = [list.length]): Tensor => {
  const x = tensor(list, shape);
  const y = f(x);
  return grad(
    g.sum(
      g.mul(
        y,
        tensor(
          Array.from({ length: y.size }, (_, i) => i + 1),
          y.shape,
        ),
      ),
    ),
    [x],
  )[0]!;
};

describe("kinks and ties", () => {
  it("gradients go where PyTorch sends them, or where the operation says", async () => {
    const result = await values(() => ({
      abs: slope(g.abs, [-2, 0, 2]),
      relu: slope(g.relu, [-1, 0, 1]),
      leakyRelu: slope((x) => g.leakyRelu(x, 0.5), [-1, 0, 1]),
      maximum: slope((x) => g.maximum(x, 1), [0, 1, 2]),
      maximumOfNumber: slope((x) => g.maximum(1, x), [0, 1, 2]),
      minimum: slope((x) => g.minimum(x, 1), [0, 1, 2]),
      maximumOfItself: slope((x) => g.maximum(x, x), [3, -3]),
      max: slope((x) => g.max(x, [1]), [1, 5, 5, 0, 2, 2, 2, 2], [2, 4]),
      maxPool1d: slope((x) => g.maxPool1d(x, 3), [1, 5, 5, 2, 2, 2], [1, 1, 6]),
      stopGradient: slope((x) => g.mul(g.stopGradient(x), x), [3, 4]),
      scaleGradient: slope((x) => g.mul(g.scaleGradient(x, 3), x), [3, 4]),
    }));
    expect(result).toEqual({
      abs: [-1, 0, 3],
      relu: [0, 0, 3],
      leakyRelu: [0.5, 1, 3],
      maximum: [0, 2, 3],
      maximumOfNumber: [0, 0, 3],
      minimum: [1, 2, 0],
      maximumOfItself: [1, 2],
      max: [0, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0.5],
      maxPool1d: [0, 1, 0, 2, 0, 0],
      stopGradient: [3, 8],
      scaleGradient: [12, 32],
    });
  });
});

describe("large arguments", () => {
  it("saturate instead of overflowing, in the value and in the gradient", async () => {
    const x = [-1e4, -200, -90, 90, 200, 1e4];
    const result = await values(() => ({
      tanh: g.tanh(tensor(x)),
      sigmoid: g.sigmoid(tensor(x)),
      softplus: g.softplus(tensor(x)),
      tanhSlope: slope(g.tanh, x),
      sigmoidSlope: slope(g.sigmoid, x),
      softplusSlope: slope(g.softplus, x),
      logSumExp: g.logSumExp(tensor([1e4, 1e4, -1e4, -1e4], [2, 2]), 1),
    }));
    expect(result.tanh).toEqual([-1, -1, -1, 1, 1, 1]);
    expect(result.sigmoid!.map((v) => Math.round(v * 1e6) / 1e6)).toEqual([0, 0, 0, 1, 1, 1]);
    expect(result.softplus!.map(Math.round)).toEqual([0, 0, 0, 90, 200, 1e4]);
    expect(result.tanhSlope).toEqual([0, 0, 0, 0, 0, 0]);
    for (const v of result.sigmoidSlope!) expect(Math.abs(v)).toBeLessThan(1e-30);
    expect(result.softplusSlope!.map((v) => Math.round(v * 1e5) / 1e5)).toEqual([0, 0, 0, 4, 5, 6]);
    expect(result.logSumExp).toEqual([Math.fround(1e4 + Math.LN2), Math.fround(-1e4 + Math.LN2)]);
  });
});

describe("isNonFinite", () => {
  it("finds NaN and both infinities, whatever brings them about, and nothing else", async () => {
    const list = [0, -0, 1, -3.4e38, 3.4e38, 1e-38, NaN, Infinity, -Infinity];
    const flags = [0, 0, 0, 0, 0, 0, 1, 1, 1];
    const given = { x: list, log: [0, -1, 1], minus: [-3e38, 1] };
    const result = await values(() => {
      const [x, log, minus] = [input("x", [9]), input("log", [3]), input("minus", [2])];
      return {
        flags: g.isNonFinite(x),
        views: g.isNonFinite(g.reshape(x, [3, 3])),
        strided: g.isNonFinite(g.transpose(g.reshape(x, [3, 3]))),
        sums: g.sum(g.isNonFinite(x)),
        ofALog: g.isNonFinite(g.log(log)),
        ofAnOverflow: g.isNonFinite(g.add(minus, minus)),
        // What the training does: one number for many gradients.
        together: g.add(g.sum(g.isNonFinite(g.log(log))), g.sum(g.isNonFinite(minus))),
      };
    }, given);
    expect(result).toEqual({
      ...{ flags, views: flags, strided: [0, 0, 1, 0, 0, 1, 0, 0, 1], sums: [3], ofALog: [1, 1, 0], ofAnOverflow: [1, 0], together: [2] },
    });
  });

  it("is not misled by what lies between the tensors of a pack", async () => {
    const store = new g.Store("packed");
    for (const n of [3, 1, 70]) store.variable(`v${n}`, [n], (v) => v.fill(n));
    const result = await values(() => {
      // Elements past the end of each gradient are computed from nothing: 0 / 0 and log 0.
      const parts = store.entries.map(({ tensor: v }) => g.div(g.log(g.square(v)), v));
      const packed = g.pack(store, parts);
      return {
        bad: g.sum(g.isNonFinite(packed)),
        rest: g.sub(g.sum(packed), g.add(g.add(g.sum(parts[0]!), g.sum(parts[1]!)), g.sum(parts[2]!))),
      };
    });
    expect(result.bad).toEqual([0]);
    expect(Math.abs(result.rest![0]!)).toBeLessThan(1e-5);
  });
});

describe("whole numbers", () => {
  it("keep their bits through copies, and come out as numbers", async () => {
    const index = [0, 1, 2, 4_000_000, 5, 6];
    const result = await values(
      () => {
        const i = input("i", [2, 3], "u32");
        return {
          same: i,
          view: g.transpose(i),
          slice: g.slice(i, 1, 1, 3),
          concat: g.concat([g.slice(i, 0, 1, 2), i], 0),
          pad: g.pad(i, 0, 0, 1),
          gathered: g.gather(tensor([10, 20, 30, 40, 50, 60, 70], [7, 1]), g.reshape(g.slice(i, 1, 1, 3), [4])),
        };
      },
      { i: index },
    );
    expect(result).toEqual({
      same: index,
      view: [0, 4_000_000, 1, 5, 2, 6],
      slice: [1, 2, 5, 6],
      concat: [4_000_000, 5, 6, ...index],
      pad: [...index, 0, 0, 0],
      gathered: [20, 30, 60, 70],
    });
  });
});

describe("pixels", () => {
  it("are the bytes of NHWC as numbers in [-1, 1], NCHW", async () => {
    const shape = [2, 3, 2, 6];
    // More bytes than a workgroup takes would be another launch size; all 256 values come by the second case.
    for (const s of [shape, [1, 2, 64, 8]]) {
      const [n, c, h, w] = s as [number, number, number, number];
      const bytes = Uint8Array.from({ length: n * c * h * w }, (_, i) => (i * 37) % 256);
      const { y } = await values(() => ({ y: g.pixels(input("words", [g.pixelWords(s)], "u32"), s) }), {
        words: new Uint32Array(bytes.buffer),
      });
      y!.forEach((value, i) => {
        const [row, channel, place] = [Math.floor(i / (c * h * w)), Math.floor(i / (h * w)) % c, i % (h * w)];
        expect(Math.abs(value - (bytes[(row * h * w + place) * c + channel]! / 127.5 - 1))).toBeLessThan(2 ** -22);
      });
    }
  });

  it("fill whole words, of the right number", () => {
    expect(() => g.pixelWords([1, 3, 3, 3])).toThrow(/no \[N, C, H, W\] of a multiple of four bytes/);
    expect(() => g.pixels(input("words", [5], "u32"), [1, 3, 4, 4])).toThrow(/wants u32 \[12\], not/);
    expect(() => g.pixels(input("words", [12]), [1, 3, 4, 4])).toThrow(/wants u32/);
  });
});
