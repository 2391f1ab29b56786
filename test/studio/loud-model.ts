/** A model for tests of what is seen. */
import { readFileSync } from "node:fs";
import { Discriminator } from "../../src/models/discriminator.js";
import { Generator } from "../../src/models/generator.js";
import { normal } from "../../src/models/initializers.js";
import { RandomStream } from "../../src/random/philox.js";
import { encodeGan, readGan } from "../../src/train/gan/model-file.js";

/** An untrained model with a discriminator, its weights large enough that sentences and noises show. */
export async function loudModel(): Promise<Uint8Array> {
  const file = await readGan(readFileSync("test/fixtures/earlier/model-399d622.safetensors"), "model");
  const { imageSize, textSize, textProjection, noiseSize } = file.generator.options;
  const random = new RandomStream(4);
  const far = normal(random, 0, 0.2);
  const initial = { convolution: far, normScale: normal(random, 1, 0.2), linear: () => far };
  const sizes = { imageSize, width: 4, residual: false, textSize, textProjection } as const;
  const generator = new Generator({ ...sizes, noiseSize }, initial);
  const discriminator = new Discriminator(
    { ...sizes, missingLeakyRelu: "restore", textBatchNorm: true, minibatchDeviation: false },
    initial,
  );
  return encodeGan({ ...file, generator, discriminator });
}
