/** Layers that double an image's side: what each equals, their gradients, what they begin with, and that even surfaces stay even. */
import { describe, expect, it } from "vitest";
import {
  compile,
  convTranspose2d,
  ganInitializers,
  Generator,
  input,
  Network,
  readGenerator,
  encodeGan,
  type Tensor,
} from "../../src/index.js";
import { smoothKernel, type Upsampling, upsamplingLayer, UPSAMPLINGS } from "../../src/models/upsampling.js";
import { RandomStream } from "../../src/random/philox.js";
import { device } from "../device.js";
import * as r from "../reference/index.js";
import { Operations } from "../tensor/check.js";
import { noise } from "../tensor/noise.js";

const operations = new Operations();

/** A transposed convolution's kernel [I, O, K, K] as a convolution's: [O, I, K, K], turned by 180°, times `factor`. */
const turned = (w: r.NdArray, factor: number): r.NdArray => {
  const [I, O, K] = w.shape as [number, number, number, number];
  return r.build([O, I, K, K], ([o, i, h, v]) => factor * r.at(w, i!, o!, K - 1 - h!, K - 1 - v!));
};

const side = (n: number) => 2 * n;
const nearest = (x: r.NdArray): r.NdArray => {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  return r.build([N, C, side(H), side(W)], ([n, c, h, w]) => r.at(x, n!, c!, Math.floor(h! / 2), Math.floor(w! / 2)));
};

/** Straight lines between pixels, which fall to zero outside: at half places from −½ to the last pixel and a half, [N, C, 2H + 1, 2W + 1]. */
const lines = (x: r.NdArray): r.NdArray => {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  const pixel = (n: number, c: number, h: number, w: number) => (h < 0 || w < 0 || h >= H || w >= W ? 0 : r.at(x, n, c, h, w));
  return r.build([N, C, 2 * H + 1, 2 * W + 1], ([n, c, p, q]) => {
    const [h, w] = [(p! - 1) / 2, (q! - 1) / 2];
    const around = [Math.floor(h), Math.ceil(h)].flatMap((i) => [Math.floor(w), Math.ceil(w)].map((j) => pixel(n!, c!, i, j)));
    return around.reduce((a, b) => a + b) / 4;
  });
};

describe("smooth layers against upsampling and convolution in float64", () => {
  const shapes: [string, number[], number, boolean][] = [
    ["one pixel", [1, 1, 1, 1], 1, false],
    ["a row of five", [2, 3, 1, 5], 2, false],
    ["odd sides", [1, 2, 3, 7], 3, false],
    ["channels last", [2, 4, 5, 4], 3, true],
  ];
  for (const [name, x, outputs, last] of shapes) {
    const order = last ? { x: { order: [0, 2, 3, 1] }, w: { order: [2, 3, 1, 0] } } : { x: {}, w: {} };
    const inputs = (kernel: number) => [
      { shape: x, ...order.x },
      { shape: [x[1]!, outputs, kernel, kernel], ...order.w },
    ];
    const build = (t: Tensor, w: Tensor) => convTranspose2d(t, smoothKernel(w), { stride: 2, padding: 1 });
    operations.check(`smooth, ${name}`, {
      inputs: inputs(3),
      build,
      reference: (t, w) => r.conv2d(nearest(t), turned(w, 0.5), [1, 1], [1, 1]),
      ...{ units: 8, second: name === "odd sides" },
    });
    operations.check(`bilinear, ${name}`, {
      inputs: inputs(2),
      build,
      reference: (t, w) => r.conv2d(lines(t), turned(w, 1), [1, 1], [0, 0]),
      units: 8,
    });
  }
});

/** What one layer makes of even images of random channels: [form][pixel], without the border. */
describe("a layer as it begins", () => {
  const SIDE = 8;
  const CHANNELS = 64;
  const run = async (x: Float32Array) => {
    const program = await compile(await device(), () => {
      const t = input("x", [1, CHANNELS, SIDE, SIDE]);
      const layer = (form: Upsampling) =>
        upsamplingLayer(form, new Network(form, ganInitializers(new RandomStream(5))), "up", CHANNELS, 256);
      return Object.fromEntries(UPSAMPLINGS.map((form) => [form, layer(form).call(t)])) as Record<Upsampling, Tensor>;
    });
    return program.run({ x });
  };
  const inside = (y: Float32Array) =>
    y.filter((_, i) => [i % (2 * SIDE), Math.floor(i / (2 * SIDE)) % (2 * SIDE)].every((place) => place >= 2 && place < 2 * SIDE - 2));
  const even = noise(CHANNELS, "even");
  const image = Float32Array.from({ length: CHANNELS * SIDE * SIDE }, (_, i) => even[Math.floor(i / (SIDE * SIDE))]!);

  it("has the transposed layer's variance, whichever its form", async () => {
    const values = await run(image);
    const variance = (form: Upsampling) => inside(values[form]!).reduce((sum, y) => sum + y ** 2, 0);
    // Of 256 channels with kernels of their own: the ratio's deviation is an eighth; without the forms' factors it is at most .57.
    for (const form of ["smooth", "bilinear"] as const)
      expect(Math.abs(Math.log(variance(form) / variance("transposed"))), form).toBeLessThan(0.3);
  });

  it("keeps even surfaces even unless it is transposed", async () => {
    const values = await run(image);
    /** Largest difference of neighbours in a row. */
    const unevenness = (form: Upsampling) => {
      const y = values[form]!;
      let most = 0;
      for (let i = 0; i < y.length; i++) {
        const [column, row] = [i % (2 * SIDE), Math.floor(i / (2 * SIDE)) % (2 * SIDE)];
        if (column >= 2 && column < 2 * SIDE - 3 && row >= 2 && row < 2 * SIDE - 2) most = Math.max(most, Math.abs(y[i + 1]! - y[i]!));
      }
      return most;
    };
    expect(unevenness("smooth")).toBeLessThan(1e-6);
    expect(unevenness("bilinear")).toBeLessThan(1e-6);
    expect(unevenness("transposed")).toBeGreaterThan(0.1);
  });
});

describe("a generator's last layers", () => {
  const options = { imageSize: 32, width: 4, noiseSize: 3, textSize: 6, textProjection: 4, residual: true };
  const sides = (more: object) => {
    const generator = new Generator({ ...options, ...more }, ganInitializers(new RandomStream(1)));
    return generator.parameters.entries.filter(({ name }) => name.startsWith("deconv")).map(({ tensor }) => tensor.shape[3]);
  };

  it.each([
    [{}, [4, 4, 4, 4]],
    [{ upsampling: "transposed", smoothLayers: 6 }, [4, 4, 4, 4]],
    [{ upsampling: "smooth" }, [4, 4, 3, 3]],
    [{ upsampling: "smooth", smoothLayers: 1 }, [4, 4, 4, 3]],
    [{ upsampling: "smooth", smoothLayers: 6 }, [4, 3, 3, 3]],
    [{ upsampling: "bilinear", smoothLayers: 2 }, [4, 4, 2, 2]],
  ])("%o have kernels of these sides", (more, expected) => {
    expect(sides(more)).toEqual(expected);
  });

  it("refuse a form that there is not", () => {
    expect(() => sides({ upsampling: "smoth" })).toThrow(
      'generator: upsampling must be "transposed" or "smooth" or "bilinear", not "smoth"',
    );
  });

  it("are told by the model's file, which says nothing of them where they are as they always were", async () => {
    const file = async (more: object) => {
      const generator = new Generator({ ...options, ...more }, ganInitializers(new RandomStream(1)));
      return encodeGan({ generator, examples: ["red"], normalisation: { center: new Float32Array(6), scale: 1 } });
    };
    const smooth = { upsampling: "smooth", smoothLayers: 1 } as const;
    const { generator } = await readGenerator(await file(smooth), "m");
    expect(generator.options).toEqual({ ...options, ...smooth });
    expect((await readGenerator(await file({}), "m")).generator.options).toEqual(options);
  });
});
