/** What several ranks share, small: by shared-work.test.ts alone in its process, by shared-program.ts on ranks. Digests of all results. */
import { createHash } from "node:crypto";
import { DrawingModel } from "../../../src/drawing/drawing-model.js";
import { sample } from "../../../src/drawing/sample.js";
import { evaluate } from "../../../src/evaluate/evaluate.js";
import type { CaptionEmbeddings } from "../../../src/evaluate/subject.js";
import type { Device } from "../../../src/gpu/device.js";
import { Generator } from "../../../src/models/generator.js";
import { ganInitializers } from "../../../src/models/initializers.js";
import { StyleEncoder } from "../../../src/models/style-encoder.js";
import { exportEmbeddings } from "../../../src/node/datasets/embeddings/export-embeddings.js";
import { RandomStream } from "../../../src/random/philox.js";
import { readGan } from "../../../src/train/gan/model-file.js";
import { shareStore } from "../../../src/train/run/ranks.js";
import { sharedBy } from "../../../src/train/run/shared-work.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import type { World } from "../../../src/train/run/world.js";
import { PLAIN_TRAINING } from "../../../src/train/text/joint-training.js";
import { tinyDataset } from "../../data/tiny-dataset.js";
import { patches } from "../../evaluate/patches.js";
import { tinyModels } from "../../train/gan/tiny-model.js";

const digest = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const digestOf = ({ buffer, byteOffset, byteLength }: Float32Array): string => digest(new Uint8Array(buffer, byteOffset, byteLength));

export interface Digests {
  readonly many: string;
  readonly one: string;
  readonly embeddings: string;
  readonly report: string;
}

export async function digestsOf(device: Device, world: World): Promise<Digests> {
  const share = sharedBy(world);
  const model = await readGan((await tinyModels()).gan, "tiny");
  const draw = (texts: readonly string[], count: number) =>
    sample(new DrawingModel(device, model, "tiny", [], share), texts, { count, seed: 1 });
  // 67 sentences, two images each: two runs of the encoder, nine of the generator. And one sentence: less than there are ranks.
  const many = await draw(
    Array.from({ length: 67 }, (_, i) => `${i % 2 === 0 ? "red" : "pale blue"} petals ${"ab"[i % 2]}${i}`),
    2,
  );
  const one = await draw(["red petals"], 2);
  // 150 captions: three runs.
  const dataset = tinyDataset({ classes: 5, imagesPerClass: 15 });
  const { bytes } = await exportEmbeddings(device, dataset, model, "some.npy", () => undefined, share);
  return { many: digestOf(many), one: digestOf(one), embeddings: digest(bytes), report: digest(await reportOf(device, world)) };
}

/** An evaluation of generators that know nothing, by networks that know little: it trains them, draws, looks and learns from what is drawn. */
async function reportOf(device: Device, world: World): Promise<string> {
  const dataset = patches();
  const training = { steps: 2, batch: 8, learningRate: 1e-3, width: 4, shift: 1, seed: 3 };
  const networks = {
    classifier: training,
    reader: { ...training, renders: 0 },
    matching: {
      ...PLAIN_TRAINING,
      ...{ steps: 2, seed: 1, batch: 8, warmUp: 1, shift: 1, imageWidth: 4 },
      text: { width: 8, embedding: 8, cell: "rnn" as const },
    },
  };
  const initial = (seed: number) => ganInitializers(new RandomStream(seed));
  const generator = (seed: number) =>
    new Generator({ imageSize: dataset.size, width: 4, noiseSize: 3, textSize: 2, textProjection: 4, residual: false }, initial(seed));
  const captions: CaptionEmbeddings = {
    size: 2,
    need: () => Promise.resolve(),
    means: (rows, perRow) =>
      Float32Array.from({ length: (2 * rows.length) / perRow }, (_, i) => Math.sin(3 * rows[Math.floor(i / 2) * perRow]! + i)),
  };
  const encoder = new StyleEncoder(
    { imageSize: dataset.size, noiseSize: 3, width: 4, residual: false, missingLeakyRelu: "keep" },
    initial(4),
  );
  const generators = [["ema", generator(1)], ["raw", generator(2)]] as const; // prettier-ignore
  const report = await evaluate(
    { device, dataset, store: shareStore(world, new MemoryStore()), world },
    [{ name: "own", generators, captions, style: { encoder, kind: "raw" } }],
    // Three parts of images a split, the last of them short.
    { samples: 300, seed: 1, zeroShot: true, networks, drawnClasses: { training, perClass: 3 } },
    { onEvent: () => undefined, signal: new AbortController().signal },
  );
  return JSON.stringify(report);
}
