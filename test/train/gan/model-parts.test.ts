/** A model's file with more than its generator: the discriminator and the generator without averaging, whole or refused. */
import { expect, it } from "vitest";
import { UserError } from "../../../src/errors.js";
import { Discriminator } from "../../../src/models/discriminator.js";
import { Generator } from "../../../src/models/generator.js";
import { ganInitializers } from "../../../src/models/initializers.js";
import type { Network } from "../../../src/models/layers.js";
import { RandomStream } from "../../../src/random/philox.js";
import { Gan } from "../../../src/train/gan/gan.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { encodeGan, readGan, readGenerator } from "../../../src/train/gan/model-file.js";
import { networkDigest } from "../../../src/train/run/network-file.js";
import { altered, tinyModels } from "./tiny-model.js";

const SIZES = { imageSize: 16, width: 4, noiseSize: 3, textSize: 6, textProjection: 4, residual: true } as const;

/** The tiny model's file with both parts, and the networks that went into it. */
async function whole() {
  const { gan } = await tinyModels();
  const model = await readGan(gan, "tiny");
  const initial = ganInitializers(new RandomStream(11));
  const raw = new Generator(SIZES, initial);
  const { noiseSize: _, ...sizes } = SIZES;
  const discriminator = new Discriminator({ ...sizes, missingLeakyRelu: "keep", textBatchNorm: true, minibatchDeviation: true }, initial);
  return { gan, raw, discriminator, bytes: await encodeGan({ ...model, raw, discriminator }) };
}

const digest = (network: Network | undefined) => network && networkDigest(network);

async function refused(change: Parameters<typeof altered>[1], message: string): Promise<void> {
  const { bytes } = await whole();
  const read = readGenerator(await altered(bytes, change), "m.safetensors");
  await expect(read).rejects.toThrow(UserError);
  await expect(read).rejects.toThrow(message);
}

it("comes back with the weights that went in, and without a word", async () => {
  const { gan, raw, discriminator, bytes } = await whole();
  const read = await readGan(bytes, "m.safetensors");
  expect(await digest(read.raw)).toBe(await digest(raw));
  expect(await digest(read.discriminator)).toBe(await digest(discriminator));
  expect(read.discriminator!.options).toEqual({
    imageSize: 16,
    width: 4,
    residual: true,
    missingLeakyRelu: "keep",
    textSize: 6,
    textProjection: 4,
    textBatchNorm: true,
    minibatchDeviation: true,
  });
  const before = await readGan(gan, "tiny");
  expect(await digest(read.generator)).toBe(await digest(before.generator));
  expect(await digest(read.raw)).not.toBe(await digest(read.generator));
  expect(read.fileWarnings).toEqual([]);
});

it("holds of a run no more than what its networks are", () => {
  const run = resolveOptions({ preset: "tiny", dataset: "folder", dataDir: "/somebody/photographs" }, { software: true });
  const { generator, average, discriminator } = new Gan(run, new RandomStream(1));
  const both = { imageSize: 16, width: 8, textSize: 32, textProjection: 16, residual: true };
  for (const { options } of [generator, average])
    expect(options).toEqual({ ...both, noiseSize: 16, upsampling: "smooth", smoothLayers: 2 });
  expect(discriminator.options).toEqual({ ...both, missingLeakyRelu: "restore", textBatchNorm: true, minibatchDeviation: true });
  const { options } = new Gan({ ...run, upsampling: "transposed" }, new RandomStream(1)).generator;
  expect(options).toEqual({ ...both, noiseSize: 16 });
});

it("has neither where neither was written", async () => {
  const read = await readGan((await tinyModels()).gan, "m.safetensors");
  expect("discriminator" in read || "raw" in read).toBe(false);
});

it("half a part is an error, not none", async () => {
  await refused((metadata) => metadata.delete("discriminator.options"), "its metadata lack discriminator.options");
  await refused((_, tensors) => void tensors.delete("raw.norm1.running_var"), "the tensor raw.norm1.running_var is missing");
  await refused(
    (_, tensors) => [...tensors.keys()].filter((name) => name.startsWith("discriminator.")).forEach((name) => tensors.delete(name)),
    "the tensor discriminator.conv1.weight is missing",
  );
});

it("a discriminator of other images or texts than the generator's is refused", async () => {
  const options = { ...SIZES, missingLeakyRelu: "keep", textBatchNorm: true, minibatchDeviation: true };
  const set = (more: object) => (metadata: Map<string, string>) =>
    metadata.set("discriminator.options", JSON.stringify({ ...options, ...more }));
  await refused(set({ imageSize: 32 }), "its discriminator takes images of 32 and embeddings of 6, its generator draws 16 from 6");
  await refused(set({ textSize: 5 }), "embeddings of 5");
  await refused(set({ missingLeakyRelu: "lose" }), "missingLeakyRelu in discriminator.options must be one of keep, restore");
  await refused(set({ minibatchDeviation: false }), "discriminator.join.weight is F32");
});

it("names tensors that nothing reads, but not the style encoder's", async () => {
  const { bytes } = await whole();
  const more = await altered(bytes, (_, tensors) => {
    for (const name of ["generator.extra", "critic.conv1.weight", "style.conv1.weight"])
      tensors.set(name, { dtype: "F32", shape: [1], data: new Float32Array(1) });
  });
  const { fileWarnings } = await readGenerator(more, "m.safetensors");
  expect(fileWarnings).toEqual(["m.safetensors holds tensors that this version does not read: generator.extra and 1 more"]);
});
