/** A weight that is NaN, in whichever layer of a network, shows in the loss: no activation, maximum or storage hides it. */
import { expect, it } from "vitest";
import { RandomStream } from "../../../src/random/philox.js";
import { bceWithLogits, infoNce } from "../../../src/index.js";
import type { Network } from "../../../src/models/layers.js";
import { TextEncoder, type TextEncoderOptions } from "../../../src/models/text-encoder.js";
import { compile } from "../../../src/tensor/compile.js";
import { STORAGES } from "../../../src/tensor/storage.js";
import { input } from "../../../src/tensor/tensor.js";
import { Gan } from "../../../src/train/gan/gan.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { device } from "../../device.js";
import { noise } from "../../tensor/noise.js";

const available = (await device()).gpu.features.has("shader-f16");

/** The variables of which one value in the middle may be NaN without the loss saying so. */
async function hidden(network: Network, loss: () => Promise<number | undefined>): Promise<string[]> {
  const values = await network.parameters.read();
  const names: string[] = [];
  for (const [name, whole] of values) {
    const damaged = whole.slice();
    damaged[whole.length >> 1] = NaN;
    network.parameters.write(new Map([...values, [name, damaged]]));
    if (!Number.isNaN(await loss())) names.push(name);
  }
  network.parameters.write(values);
  return names;
}

it.each(STORAGES.filter((storage) => storage === "f32" || available))("of the GAN, stored in %s", async (storage) => {
  const options = resolveOptions({ preset: "tiny", variant: "gan" }, { software: true });
  const { generator, discriminator } = new Gan(options, new RandomStream(1, 1));
  const { batch, noiseSize, textSize } = options;
  const build = () => {
    const text = input("text", [batch, textSize]);
    const images = generator.call(input("noise", [batch, noiseSize]), text, "train");
    return { loss: bceWithLogits(discriminator.call(images, text, "train"), 1) };
  };
  const program = await compile(await device(), build, { storage });
  const inputs = { text: noise(batch * textSize, "text"), noise: noise(batch * noiseSize, "noise") };
  const run = async () => (await program.run(inputs)).loss[0];
  for (const network of [generator, discriminator]) {
    expect(await run()).toBeLessThan(99);
    expect(await hidden(network, run)).toEqual([]);
  }
  program.destroy();
});

it.each([{ form: "char-cnn-rnn" }, { form: "char-cnn-rnn", cell: "gru" }, { form: "word-cnn-rnn", cell: "lstm" }, { form: "char-cnn" }] satisfies Partial<TextEncoderOptions>[])(
  "of a text encoder %o",
  async (form) => {
    const encoder = new TextEncoder({ alphabet: 9, width: 8, embedding: 6, ...form }, new RandomStream(2, 2));
    const { columns } = encoder.windows[0]!;
    const program = await compile(await device(), () => ({
      loss: infoNce(input("images", [4, 6]), encoder.call(input("index", [4, columns], "u32")), 3),
    }));
    const index = Uint32Array.from({ length: 4 * columns }, (_, i) => (1 + (i * i + i)) % 10);
    const run = async () => (await program.run({ images: noise(24, "images"), index })).loss[0];
    expect(await run()).toBeLessThan(99);
    expect(await hidden(encoder, run)).toEqual([]);
    program.destroy();
  },
); // prettier-ignore
