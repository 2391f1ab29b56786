/** Looking into a model: what its layers are said to give is what the next ones are computed of. */
import { expect, it } from "vitest";
import { kernelsOf, type LayerValues, responsesOf } from "../../src/drawing/layers.js";
import { Discriminator } from "../../src/models/discriminator.js";
import { Generator } from "../../src/models/generator.js";
import { ganInitializers } from "../../src/models/initializers.js";
import { RandomStream } from "../../src/random/philox.js";
import { device } from "../device.js";

const SIZES = { imageSize: 16, width: 4, textSize: 3, textProjection: 2, residual: true } as const;

/** One output of conv 4x4, stride 2, padding 1: the sum over inputs and places of the kernel. */
function convolved({ values: x, shape }: LayerValues, w: LayerValues, out: number, y: number, column: number): number {
  const [inputs, height, width] = shape as [number, number, number];
  let sum = 0;
  for (let c = 0; c < inputs; c++)
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        const [row, col] = [2 * y - 1 + i, 2 * column - 1 + j];
        if (row < 0 || col < 0 || row >= height || col >= width) continue;
        sum += x[(c * height + row) * width + col]! * w.values[((out * inputs + c) * 4 + i) * 4 + j]!;
      }
  return sum;
}

it("the last response is what the image is made of, and the first what is made of the image", async () => {
  const random = new RandomStream(2);
  const generator = new Generator({ ...SIZES, noiseSize: 5 }, ganInitializers(random));
  const discriminator = new Discriminator(
    { ...SIZES, missingLeakyRelu: "restore", textBatchNorm: true, minibatchDeviation: false },
    ganInitializers(random),
  );
  const noise = Float32Array.from({ length: 5 }, () => random.normal());
  const seen = await responsesOf(await device(), { generator, discriminator }, noise, Float32Array.of(1, -1, 0.5));
  expect(seen.generator.map(({ layer, shape }) => [layer, ...shape])).toEqual([
    ["deconv1", 8, 4, 4],
    ["deconv2", 4, 8, 8],
  ]);
  expect(seen.discriminator.map(({ layer, shape }) => [layer, ...shape])).toEqual([
    ["conv1", 4, 8, 8],
    ["conv2", 8, 4, 4],
  ]);

  const [kernels, drawing] = [await kernelsOf(discriminator), await kernelsOf(generator)];
  const conv1 = kernels.find(({ layer }) => layer === "conv1")!;
  expect(conv1.shape).toEqual([4, 3, 4, 4]);
  const image = { layer: "image", shape: [3, 16, 16], values: seen.image };
  const first = seen.discriminator[0]!;
  for (const [out, y, x] of [
    [0, 0, 0],
    [1, 3, 4],
    [3, 7, 7],
  ] as const) {
    const value = convolved(image, conv1, out, y, x);
    expect(first.values[(out * 8 + y) * 8 + x]!).toBeCloseTo(value > 0 ? value : 0.2 * value, 5);
  }

  // The image's derivative with respect to nothing: a transposed convolution is the sum over the places whose convolution would read it.
  const [last, deconv3] = [seen.generator[1]!, drawing.find(({ layer }) => layer === "deconv3")!];
  expect(deconv3.shape).toEqual([4, 3, 4, 4]);
  for (const [out, row, column] of [
    [0, 0, 0],
    [2, 7, 8],
  ] as const) {
    let sum = 0;
    for (let c = 0; c < 4; c++)
      for (let y = 0; y < 8; y++)
        for (let x = 0; x < 8; x++) {
          const [i, j] = [row - 2 * y + 1, column - 2 * x + 1];
          if (i < 0 || j < 0 || i > 3 || j > 3) continue;
          sum += last.values[(c * 8 + y) * 8 + x]! * deconv3.values[((c * 3 + out) * 4 + i) * 4 + j]!;
        }
    expect(seen.image[(out * 16 + row) * 16 + column]!).toBeCloseTo(Math.tanh(sum), 5);
  }
});
