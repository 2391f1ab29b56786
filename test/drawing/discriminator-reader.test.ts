/** What a discriminator says of drawn images, against the network itself and against differences of its logits. */
import { describe, expect, it } from "vitest";
import { DiscriminatorReader } from "../../src/drawing/discriminator-reader.js";
import { DrawingModel } from "../../src/drawing/drawing-model.js";
import { UserError } from "../../src/errors.js";
import { compile } from "../../src/index.js";
import { Discriminator, type DiscriminatorOptions } from "../../src/models/discriminator.js";
import { Generator } from "../../src/models/generator.js";
import { normal } from "../../src/models/initializers.js";
import { RandomStream } from "../../src/random/philox.js";
import { input } from "../../src/tensor/tensor.js";
import { device } from "../device.js";

const OPTIONS: DiscriminatorOptions = {
  imageSize: 8,
  width: 4,
  residual: false,
  missingLeakyRelu: "restore",
  textSize: 3,
  textProjection: 2,
  textBatchNorm: true,
  minibatchDeviation: false,
};
const [PIXELS, TEXT] = [3 * 8 * 8, 3];

/** Weights and statistics far from their first values, so that evaluation differs from training and the logits from 0. */
function discriminator(options: Partial<DiscriminatorOptions> = {}): Discriminator {
  const random = new RandomStream(5);
  const far = normal(random, 0, 0.3);
  const network = new Discriminator({ ...OPTIONS, ...options }, { convolution: far, normScale: normal(random, 1, 0.2), linear: () => far });
  const values = new Map(
    network.statistics.entries.map(({ name, tensor }) => [name, new Float32Array(tensor.size).map(() => 0.5 + random.uniform())]),
  );
  network.statistics.write(values);
  return network;
}

const some = (count: number, size: number, seed: number): Float32Array => {
  const random = new RandomStream(seed);
  return new Float32Array(count * size).map(() => 2 * random.uniform() - 1);
};

/** Logits straight from the network, all rows as one batch. */
async function logits(network: Discriminator, images: Float32Array, text: Float32Array): Promise<Float32Array> {
  const n = text.length / TEXT;
  const program = await compile(await device(), () => ({
    logits: network.call(input("images", [n, 3, 8, 8]), input("text", [n, TEXT]), "evaluate"),
  }));
  const result = await program.run({ images, text });
  program.destroy();
  return result.logits;
}

const near = (values: Float32Array, expected: ArrayLike<number>, tolerance: number): void => {
  expect(values.length).toBe(expected.length);
  values.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(tolerance));
};

describe("probabilities", () => {
  it("are the sigmoid of the network's logits in evaluation mode, for more rows than a run takes", async () => {
    const network = discriminator();
    const [images, text] = [some(19, PIXELS, 1), some(19, TEXT, 2)];
    const reader = new DiscriminatorReader(await device(), network);
    const direct = await logits(network, images, text);
    // Not all on one side, else a constant would do.
    expect(Math.max(...direct) - Math.min(...direct)).toBeGreaterThan(0.2);
    const expected = direct.map((l) => 1 / (1 + Math.exp(-l)));
    near(await reader.probabilities(images, text), expected, 1e-6);
    // The same of one alone: nothing of the batch goes into it.
    near(await reader.probabilities(images.subarray(PIXELS, 2 * PIXELS), text.subarray(TEXT, 2 * TEXT)), [expected[1]!], 1e-6);
    expect((await reader.probabilities(new Float32Array(0), new Float32Array(0))).length).toBe(0);
    reader.destroy();
  });

  it("with minibatch deviation look at the images of a call together, in parts as equal as may be", async () => {
    const network = discriminator({ minibatchDeviation: true });
    const reader = new DiscriminatorReader(await device(), network);
    const [images, text] = [some(17, PIXELS, 1), some(17, TEXT, 2)];
    const [first, rest] = [
      await logits(network, images.subarray(0, 8 * PIXELS), text.subarray(0, 8 * TEXT)),
      await logits(network, images.subarray(8 * PIXELS), text.subarray(8 * TEXT)),
    ];
    const expected = [...first, ...rest].map((l) => 1 / (1 + Math.exp(-l)));
    near(await reader.probabilities(images, text), expected, 1e-6);
    // Alone it is another question.
    const alone = await reader.probabilities(images.subarray(0, PIXELS), text.subarray(0, TEXT));
    expect(Math.abs(alone[0]! - expected[0]!)).toBeGreaterThan(1e-3);
    reader.destroy();
  });
});

describe.each([false, true])("gradients, minibatch deviation %s", (minibatchDeviation) => {
  it("are those of the logits by the pixels", async () => {
    const network = discriminator({ minibatchDeviation });
    const reader = new DiscriminatorReader(await device(), network);
    const [images, text] = [some(3, PIXELS, 1), some(3, TEXT, 2)];
    const gradients = await reader.gradients(images, text);
    expect(gradients.length).toBe(images.length);
    const total = async (moved: Float32Array) => (await logits(network, moved, text)).reduce((a, b) => a + b, 0);
    // Along the gradient itself the logits grow by its length, and by less the less it is the true one.
    const length = Math.hypot(...gradients);
    expect(length).toBeGreaterThan(0.01);
    const step = 2 ** -6 / length;
    const along = async (sign: number) => total(images.map((v, i) => v + sign * step * gradients[i]!));
    const slope = ((await along(1)) - (await along(-1))) / (2 * step * length);
    expect(slope / length).toBeGreaterThan(0.98);
    expect(slope / length).toBeLessThan(1.02);
    reader.destroy();
  });
});

it("a drawing model asks its discriminator, and says where there is none", async () => {
  const random = new RandomStream(1);
  const far = normal(random, 0, 0.3);
  const generator = new Generator(
    { imageSize: 8, width: 4, noiseSize: 2, textSize: TEXT, textProjection: 2, residual: false },
    { convolution: far, normScale: far, linear: () => far },
  );
  const normalisation = { center: new Float32Array(TEXT), scale: 1 };
  const model = { generator, normalisation, examples: [] };
  const [images, text] = [some(2, PIXELS, 1), some(2, TEXT, 2)];
  const bare = new DrawingModel(await device(), model, "m.safetensors");
  await expect(bare.judge(images, text)).rejects.toThrow(UserError);
  await expect(bare.judgeGradient(images, text)).rejects.toThrow(/^m\.safetensors has no discriminator: /);
  const network = discriminator();
  const drawing = new DrawingModel(await device(), { ...model, discriminator: network }, "m.safetensors");
  near(
    await drawing.judge(images, text),
    (await logits(network, images, text)).map((l) => 1 / (1 + Math.exp(-l))),
    1e-6,
  );
  expect((await drawing.judgeGradient(images, text)).length).toBe(images.length);
  drawing.destroy();
});
