/** A whole model of a few hundred weights, without a device: for tests of its file. */
import { Alphabet } from "../../../src/data/alphabet.js";
import { RandomStream } from "../../../src/random/philox.js";
import { Discriminator } from "../../../src/models/discriminator.js";
import { Generator } from "../../../src/models/generator.js";
import { ImageEncoder } from "../../../src/models/image-encoder.js";
import { ganInitializers } from "../../../src/models/initializers.js";
import { StyleEncoder } from "../../../src/models/style-encoder.js";
import { TextEncoder } from "../../../src/models/text-encoder.js";
import { encodeGan, readGan } from "../../../src/train/gan/model-file.js";
import { encodeTextEncoder } from "../../../src/train/text/encoder-file.js";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../../../src/formats/safetensors.js";
import { encodeStyle, readStyle, stylePart } from "../../../src/train/style/file.js";

const random = () => new RandomStream(7);

const text = () => ({
  encoder: new TextEncoder({ alphabet: 70, width: 4, embedding: 6 }, random()),
  alphabet: Alphabet.original(),
  normalisation: { center: new Float32Array(6).fill(0.1), scale: 2 },
});

export async function tinyModels(): Promise<{ readonly gan: Uint8Array; readonly text: Uint8Array; readonly style: Uint8Array }> {
  const generator = new Generator(
    { imageSize: 16, width: 4, noiseSize: 3, textSize: 6, textProjection: 4, residual: true },
    ganInitializers(random()),
  );
  const options = { imageSize: 16, width: 4, noiseSize: 3, residual: true, missingLeakyRelu: "restore" } as const;
  const style = new StyleEncoder(options, ganInitializers(random()));
  const image = new ImageEncoder({ imageSize: 16, width: 4, embedding: 6 }, random());
  return {
    gan: await encodeGan({ ...text(), generator, kind: "ema", examples: ["red petals", "a blue one"] }),
    text: await encodeTextEncoder({ ...text(), image }),
    style: await encodeStyle({ style, generator: "0123", kind: "ema" }),
  };
}

/** The model's file with all that it may hold: discriminator, raw generator, style encoder. */
export async function tinyParts(): Promise<Uint8Array> {
  const files = await tinyModels();
  const model = await readGan(files.gan, "tiny");
  const options = { imageSize: 16, width: 4, textSize: 6, textProjection: 4, residual: true, missingLeakyRelu: "keep" } as const;
  const initial = ganInitializers(random());
  const discriminator = new Discriminator({ ...options, textBatchNorm: true, minibatchDeviation: true }, initial);
  const part = await stylePart(await readStyle(files.style, "tiny"));
  return encodeGan({ ...model, discriminator, raw: new Generator(model.generator.options, initial) }, { part });
}

/** The file with other metadata and tensors, and a right hash over them. */
export async function altered(
  file: Uint8Array,
  change: (metadata: Map<string, string>, tensors: Map<string, SafeTensor>) => void,
): Promise<Uint8Array> {
  // Tensors share the bytes they were read from.
  const read = await readSafetensors(file.slice());
  const [metadata, tensors] = [new Map(read.metadata), new Map(read.tensors)];
  change(metadata, tensors);
  return writeSafetensors(tensors, Object.fromEntries(metadata));
}
