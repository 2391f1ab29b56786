/** A run's folder as training leaves it, of untrained networks of the tiny preset: for tests of what works on a run. */
import { Alphabet } from "../../../src/data/alphabet.js";
import { RandomStream } from "../../../src/random/philox.js";
import type { Generator } from "../../../src/models/generator.js";
import { ImageEncoder } from "../../../src/models/image-encoder.js";
import { ganInitializers } from "../../../src/models/initializers.js";
import { StyleEncoder } from "../../../src/models/style-encoder.js";
import { TextEncoder } from "../../../src/models/text-encoder.js";
import { Gan } from "../../../src/train/gan/gan.js";
import { ganTensors } from "../../../src/train/gan/checkpoint.js";
import { encodeGan } from "../../../src/train/gan/model-file.js";
import { encodeTextEncoder } from "../../../src/train/text/encoder-file.js";
import { MODEL_NAME, TEXT_ENCODER_NAME } from "../../../src/train/run/names.js";
import type { GivenOptions, TrainOptions } from "../../../src/train/gan/options.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { newRunFolder } from "../../../src/node/files/run-folder.js";
import { GAN_RUN } from "../../../src/train/gan/run-kind.js";
import { Run } from "../../../src/train/run/run.js";

/** Weights large enough for noise and text to show in an image. */
async function enlarge(generator: Generator, factor: number): Promise<void> {
  const values = await generator.parameters.read();
  for (const [name, weights] of values) if (name.startsWith("deconv")) weights.forEach((w, i) => (weights[i] = factor * w));
  generator.parameters.write(values);
}

/** A style encoder as if trained a little: other images, other styles, which its first weights do not say. */
export async function tinyStyle({
  imageSize,
  noiseSize,
}: {
  readonly imageSize: number;
  readonly noiseSize: number;
}): Promise<StyleEncoder> {
  const random = new RandomStream(3);
  const style = new StyleEncoder({ imageSize, noiseSize, width: 8, residual: true, missingLeakyRelu: "restore" }, ganInitializers(random));
  const values = await style.parameters.read();
  for (const name of ["style.weight", "style.bias"]) values.get(name)!.forEach((_, i, all) => (all[i] = 0.05 * random.normal()));
  style.parameters.write(values);
  return style;
}

export async function tinyRun(path: string, given: GivenOptions = {}): Promise<Run<TrainOptions>> {
  const options = resolveOptions({ preset: "tiny", ...given }, { software: true });
  const run = await Run.begin(newRunFolder(path, "tiny"), GAN_RUN);
  const alphabet = Alphabet.original();
  const random = new RandomStream(options.seed, 1);
  const text = {
    encoder: new TextEncoder(
      { alphabet: alphabet.size, width: options.textWidth, embedding: options.textSize, cell: options.textCell },
      random,
    ),
    alphabet,
    normalisation: { center: new Float32Array(options.textSize).fill(0.01), scale: 20 },
  };
  const gan = new Gan(options, random);
  await enlarge(gan.generator, 8);
  if (gan.average !== gan.generator) await enlarge(gan.average, 7);
  await run.writeConfig(options, {});
  await run.saveCheckpoint(1, await ganTensors(gan), {});
  const image = new ImageEncoder({ imageSize: options.imageSize, width: 4, embedding: options.textSize }, random);
  await run.writeFile(TEXT_ENCODER_NAME, await encodeTextEncoder({ ...text, image }));
  const kind = options.ema > 0 ? "ema" : "raw";
  await run.writeFile(MODEL_NAME, await encodeGan({ ...text, generator: gan.average, kind, examples: ["red petals"] }));
  return run;
}
