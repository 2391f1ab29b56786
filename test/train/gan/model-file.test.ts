/** A model's file from a stranger: its settings against its tensors, broken weights, and files of other tools. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.js";
import { Vocabulary } from "../../../src/data/vocabulary.js";
import { ImageEncoder } from "../../../src/models/image-encoder.js";
import { TextEncoder } from "../../../src/models/text-encoder.js";
import { RandomStream } from "../../../src/random/philox.js";
import { loadModel } from "../../../src/node/files/load-model.js";
import { readGan, readGenerator } from "../../../src/train/gan/model-file.js";
import { encodeTextEncoder, readTextEncoder } from "../../../src/train/text/encoder-file.js";
import { readSafetensors } from "../../../src/formats/safetensors.js";
import { readStyle } from "../../../src/train/style/file.js";
import { altered, tinyModels } from "./tiny-model.js";
import { readPath } from "../../../src/node/files/read-bytes.js";

let folder: string;
let files: Awaited<ReturnType<typeof tinyModels>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-model-"));
  files = await tinyModels();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (bytes: Uint8Array): string => {
  const path = join(folder, "m.safetensors");
  writeFileSync(path, bytes);
  return path;
};

async function refused(kind: keyof typeof files, change: Parameters<typeof altered>[1], message: string): Promise<void> {
  const path = put(await altered(files[kind], change));
  const read = { gan: readGenerator, text: readTextEncoder, style: readStyle }[kind];
  const error = await readPath<unknown>(path, read).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).toMatch(/^[^\n]*m\.safetensors[^\n]*$/);
}

it("is read where nothing is wrong", async () => {
  expect((await readPath(put(files.gan), readGenerator)).fileWarnings).toEqual([]);
  expect((await readPath(put(files.text), readTextEncoder)).similarity).toBe("cosine");
  expect((await readPath(put(files.style), readStyle)).generator).toBe("0123");
});

it("is read where its text encoder is a bag of words, which has no width: that of the default run on petals", async () => {
  const symbols = Vocabulary.fromCaptions(["red petals", "blue petals"], 1, 2);
  const encoder = new TextEncoder(
    { form: "bag-of-words", alphabet: symbols.size, width: 0, embedding: 6, length: 10 },
    new RandomStream(7),
  );
  const normalisation = { center: new Float32Array(6), scale: 1 };
  const image = new ImageEncoder({ imageSize: 16, width: 4, embedding: 6 }, new RandomStream(8));
  const read = await readPath(put(await encodeTextEncoder({ encoder, alphabet: symbols, normalisation, image })), readTextEncoder);
  expect(read.encoder.options).toMatchObject({ form: "bag-of-words", width: 0 });
});

describe("settings that are not a model's, under a right hash", () => {
  const generator = { imageSize: 16, width: 4, noiseSize: 3, textSize: 6, textProjection: 4, residual: true };
  const text = { alphabet: 70, width: 4, embedding: 6, form: "char-cnn-rnn", cell: "rnn", state: "mean", length: 201 };
  it.each<[keyof typeof files, string, unknown, string]>([
    [
      "gan",
      "generator.options",
      { ...generator, imageSize: 65536 },
      "imageSize in generator.options must be a whole number from 8 to 1024, not 65536",
    ],
    ["gan", "generator.options", { ...generator, imageSize: 512 }, "generator.deconv1.weight is F32 [7, 8, 4, 4], not F32 [7, 256, 4, 4]"],
    ["text", "text.options", { ...text, width: 0 }, "width in text.options must be a whole number from 1"],
    ["gan", "generator.options", { ...generator, imageSize: 24 }, "image size 24: must be 8, 16, 32"],
    [
      "gan",
      "generator.options",
      { ...generator, width: 1_000_000 },
      "generator.deconv1.weight is F32 [7, 8, 4, 4], not F32 [7, 2000000, 4, 4]",
    ],
    [
      "gan",
      "generator.options",
      { ...generator, width: "4" },
      'width in generator.options must be a whole number from 1 to 1048576, not "4"',
    ],
    ["gan", "generator.options", { ...generator, residual: 1 }, "residual in generator.options must be true or false"],
    [
      "gan",
      "generator.options",
      { ...generator, upsampling: "smoth" },
      "upsampling in generator.options must be one of transposed, smooth",
    ],
    [
      "gan",
      "generator.options",
      { ...generator, upsampling: "smooth" },
      "generator.deconv2.weight is F32 [8, 4, 4, 4], not F32 [8, 4, 3, 3]",
    ],
    ["gan", "generator.options", { ...generator, smoothLayers: 0 }, "smoothLayers in generator.options must be a whole number from 1"],
    ["gan", "generator.options", { ...generator, noiseSize: 5 }, "generator.deconv1.weight is"],
    ["gan", "generator.options", { ...generator, textSize: undefined }, "generator.options lack textSize"],
    ["gan", "generator.options", null, "generator.options are not those of a network"],
    ["gan", "generator.options", [generator], "generator.options are not those of a network"],
    ["gan", "examples", "red petals", "examples are no texts"],
    ["gan", "examples", [1], "examples are no texts"],
    ["gan", "text.scale", null, "text.scale is no number"],
    ["gan", "text.options", { ...text, length: 1e9 }, "length in text.options must be a whole number from 1 to 4000, not 1000000000"],
    ["gan", "text.options", { ...text, length: 5 }, "m.safetensors: text encoder: a document of 5 symbols is too short"],
    ["gan", "text.options", { ...text, form: "constructor" }, "form in text.options must be one of char-cnn-rnn"],
    ["gan", "text.options", { ...text, cell: "gru" }, "the tensor text.gru.update_input.weight is missing"],
    ["gan", "text.options", { ...text, embedding: 2 ** 20 }, "text.project.weight is F32 [6, 4], not F32 [1048576, 4]"],
    ["gan", "text.options", { ...text, alphabet: 71 }, "an alphabet of 70 for 71 channels"],
    ["gan", "text.alphabet", {}, "text.alphabet is not an alphabet"],
    ["gan", "text.alphabet", { kind: "words", words: ["a"], ngrams: 1e9 }, "text.alphabet is not a vocabulary"],
    ["text", "similarity", "euclid", 'similarity must be one of cosine, dot, not "euclid"'],
    ["text", "image.options", { imageSize: 16, width: 4, embedding: 7 }, "its texts have embeddings of 6, its images some of 7"],
    ["text", "image.options", { imageSize: 1024, width: 4, embedding: 6 }, "the tensor image.conv3.weight is missing"],
    ["text", "image.options", 3, "image.options are not those of a network"],
    [
      "style",
      "style.options",
      { imageSize: 16, width: 4, noiseSize: 2 ** 20, residual: true, missingLeakyRelu: "restore" },
      "style.style.weight is",
    ],
    [
      "style",
      "style.options",
      { imageSize: 16, width: 4, noiseSize: 3, residual: true, missingLeakyRelu: "no" },
      "missingLeakyRelu in style.options",
    ],
    ["style", "style.generator", 7, "style.generator is no digest"],
    ["style", "style.generator.kind", "toString", "style.generator.kind must be one of"],
  ])("%s: %s = %j", async (kind, key, value, message) => {
    await refused(kind, (metadata) => metadata.set(key, JSON.stringify(value)), message);
  });

  it("texts that are no JSON, and larger than any setting", async () => {
    await refused("gan", (metadata) => metadata.set("generator.options", "{"), "metadata's generator.options is damaged");
    await refused(
      "gan",
      (metadata) => metadata.set("format", "petalgrad 2"),
      'is of the format "petalgrad 2"; this version reads "petalgrad 1"',
    );
    // JSON can write a number that is read as infinite.
    await refused("gan", (metadata) => metadata.set("text.scale", "1e999"), "text.scale is no number");
    await refused("gan", (metadata) => metadata.set("examples", `[${"1,".repeat(5e6)}1]`), "metadata's examples is damaged");
  });

  it("an encoder whose embeddings the generator does not take", async () => {
    const half: Parameters<typeof altered>[1] = (metadata, tensors) => {
      metadata.set("text.options", JSON.stringify({ ...text, embedding: 3 }));
      tensors.set("text.project.weight", { dtype: "F32", shape: [3, 4], data: new Float32Array(12) });
      tensors.set("text.project.bias", { dtype: "F32", shape: [3], data: new Float32Array(3) });
      tensors.set("text.center", { dtype: "F32", shape: [3], data: new Float32Array(3) });
    };
    await refused("gan", half, "its text encoder gives embeddings of 3, its generator takes some of 6");
  });
});

it("takes the encoder of its embeddings where it has none, of their size, and no second one", async () => {
  const encoder = { bytes: files.text, name: "t.safetensors" };
  const without = await altered(files.gan, (metadata, tensors) => {
    for (const key of ["text.options", "text.alphabet"]) metadata.delete(key);
    for (const name of [...tensors.keys()]) if (name.startsWith("text.") && name !== "text.center") tensors.delete(name);
  });
  await expect(readGan(without, "m.safetensors")).rejects.toThrow("m.safetensors was trained on given embeddings and has no text encoder");
  expect((await readGan(without, "m.safetensors", encoder)).encoder.options.embedding).toBe(6);
  await expect(readGan(files.gan, "m.safetensors", encoder)).rejects.toThrow("m.safetensors has its own text encoder");
  const half = await altered(files.text, (metadata, tensors) => {
    metadata.set("text.options", JSON.stringify({ alphabet: 70, width: 4, embedding: 3 }));
    metadata.delete("image.options");
    for (const name of [...tensors.keys()]) if (name.startsWith("image.")) tensors.delete(name);
    tensors.set("text.project.weight", { dtype: "F32", shape: [3, 4], data: new Float32Array(12) });
    tensors.set("text.project.bias", { dtype: "F32", shape: [3], data: new Float32Array(3) });
    tensors.set("text.center", { dtype: "F32", shape: [3], data: new Float32Array(3) });
  });
  await expect(readGan(without, "m.safetensors", { ...encoder, bytes: half })).rejects.toThrow(
    "t.safetensors gives embeddings of 3, and m.safetensors was trained on some of 6",
  );
});

describe("weights that are none", () => {
  it.each<[string, number, string]>([
    ["generator.deconv2.weight", NaN, "generator.deconv2.weight holds values that are not finite"],
    ["text.conv1.bias", Infinity, "text.conv1.bias holds values that are not finite"],
    ["text.center", -Infinity, "text.center holds values that are not finite"],
    ["generator.norm1.running_var", -1, "generator.norm1.running_var holds variances below 0"],
  ])("%s with %d", async (name, value, message) => {
    await refused("gan", (_, tensors) => void ((tensors.get(name)!.data as Float32Array)[1] = value), message);
  });

  it("whole numbers, and none", async () => {
    const integers: Parameters<typeof altered>[1] = (_, tensors) =>
      tensors.set("text.project.bias", { dtype: "I32", shape: [6], data: new Int32Array(6) });
    await refused("gan", integers, "text.project.bias is I32 [6], not F32 [6]");
    await refused("gan", (_, tensors) => void tensors.delete("text.center"), "text.center is missing");
  });
});

it("a file that another tool wrote is drawn with a word, whatever the type of its floats", async () => {
  const { tensors, metadata } = await readSafetensors(files.gan);
  // F16 and F64 by turns, without a hash.
  let at = 0;
  const parts: Uint8Array[] = [];
  const header = [...tensors].map(([name, { shape, data }], i) => {
    const values = data as Float32Array;
    const bytes = i % 2 ? new Uint8Array(Float64Array.from(values).buffer) : halves(values);
    parts.push(bytes);
    return [name, { dtype: i % 2 ? "F64" : "F16", shape, data_offsets: [at, (at += bytes.length)] }] as const;
  });
  // And a tensor of a type that is not read.
  header.push(["generator.phases", { dtype: "C64", shape: [1], data_offsets: [at, at + 8] }] as never);
  parts.push(new Uint8Array(8));
  const text = Buffer.from(JSON.stringify({ __metadata__: Object.fromEntries(metadata), ...Object.fromEntries(header) }));
  const path = put(Buffer.concat([new Uint8Array(BigUint64Array.of(BigInt(text.length)).buffer), text, ...parts]));
  const model = await loadModel(path);
  expect(model.warnings).toEqual([
    `${path} has no SHA-256 of petalgrad's: another tool wrote it, and nothing tells whether it is whole`,
    `${path} holds tensors that this version does not read: generator.phases`,
  ]);
  const weights = (await model.generator.parameters.read()).get("deconv1.weight")!;
  const before = tensors.get("generator.deconv1.weight")!.data as Float32Array;
  weights.forEach((value, i) => expect(Math.abs(value - before[i]!)).toBeLessThan(1e-4));
});

/** Of numbers in the normal range of binary16, cut rather than rounded; smaller ones are 0. */
function halves(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(Float32Array.from(values, (v) => (Math.abs(v) < 2 ** -14 ? 0 : v)).buffer);
  const codes = Uint16Array.from(bits, (b) =>
    b & 0x7fffffff ? ((b >> 16) & 0x8000) | ((((b >> 23) & 255) - 112) << 10) | ((b >> 13) & 1023) : 0,
  );
  return new Uint8Array(codes.buffer);
}
