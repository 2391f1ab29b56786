/** Images without classes from end to end: a GAN, a text encoder chosen on held-out images, and the measures, which say what they lack. */
import { expect, it } from "vitest";
import { PackedDataset } from "../../src/data/packed.js";
import { makePetals } from "../../src/data/petals.js";
import { evaluate } from "../../src/evaluate/evaluate.js";
import { textTable } from "../../src/evaluate/report.js";
import { evaluateTextEncoders } from "../../src/evaluate/text-encoders.js";
import { encoderTable } from "../../src/evaluate/text-report.js";
import { ganInitializers } from "../../src/models/initializers.js";
import { Generator } from "../../src/models/generator.js";
import { RandomStream } from "../../src/random/philox.js";
import { trainGan } from "../../src/train/gan/session.js";
import type { TrainEvent } from "../../src/train/run/events.js";
import { MemoryStore } from "../../src/train/run/store.js";
import { readTextEncoder } from "../../src/train/text/encoder-file.js";
import { PLAIN_TRAINING } from "../../src/train/text/joint-training.js";
import { trainText } from "../../src/train/text/session.js";
import { device } from "../device.js";

/** Petals whose classes nobody knows; every fifth image is held out. */
async function photographs(): Promise<PackedDataset> {
  const { attributes: _, ...petals } = await makePetals({ size: 16, imagesPerClass: 1 });
  const images = petals.images.map((image, classIndex) => ({ ...image, classIndex, name: `photo ${classIndex}` }));
  const all = [...images.keys()];
  const split = { train: all.filter((i) => i % 5 !== 0), test: all.filter((i) => i % 5 === 0) };
  return new PackedDataset({ ...petals, name: "photographs", images, split, classes: images.map(({ name }) => name), classless: true });
}
const signal = new AbortController().signal;
const hooks = { onEvent: () => undefined, signal };

it("trains a GAN, whose sample grid names images", async () => {
  const given = { preset: "tiny", dataset: "photographs", steps: 2, batch: 4, textSteps: 2, textForm: "bag-of-words" } as const;
  let captions = "";
  const onEvent = (event: TrainEvent): void => void (event.kind === "sample" && (captions = event.captions));
  const { end } = await trainGan({ given, store: new MemoryStore(), dataset: await photographs() }, { signal, onEvent });
  expect(end).toBe("finished");
  expect(captions).toMatch(/\(training image photo \d+; [^]*\(held-out image photo \d*[05]; /);
});

it("trains a text encoder, chosen on held-out images, and measures it without classes", async () => {
  const dataset = await photographs();
  const store = new MemoryStore();
  const events: TrainEvent[] = [];
  const given = { dataset: "photographs", imageSize: 16, width: 8, size: 16, imageWidth: 4, batch: 8, steps: 4, validateEvery: 2 } as const;
  await trainText({ given, store, dataset }, { signal, onEvent: (event) => void events.push(event) });
  const tried = events.filter((event) => event.kind === "validation").map(({ measures }) => measures);
  expect(tried.map((measures) => Object.keys(measures))).toEqual([["recall1"], ["recall1"]]);
  expect(events.some((event) => event.kind === "message" && /\d+ images, \d+ held out/.test(event.text))).toBe(true);
  await expect(trainText({ given: { ...given, validation: 500 }, store: new MemoryStore(), dataset }, hooks)).rejects.toThrow(
    /with --validation 500 needs 502 training images at least, and there are \d+$/,
  );
  const model = await readTextEncoder((await store.read("text-encoder.safetensors"))!, "encoder");
  const report = await evaluateTextEncoders(await device(), dataset, [{ model, file: "encoder", name: "own" }], { seed: 1 }, hooks);
  expect(report.chance.zeroShot).toBeUndefined();
  expect(Object.keys(report.encoders[0]!)).not.toContain("zeroShot");
  expect(report.encoders[0]!.captionToImage![10]).toBeGreaterThan(0);
  expect(encoderTable(report)).toMatch(/held-out images, [^]*no classes: zero-shot classification and AP@50 are not measured/);
  expect(encoderTable(report)).not.toContain("top-1 ");
});

it("measures a generator by the text-image encoder's features, and says what is missing", async () => {
  const dataset = await photographs();
  const generator = new Generator(
    { imageSize: 16, width: 4, noiseSize: 3, textSize: 2, textProjection: 4, residual: false },
    ganInitializers(new RandomStream(1)),
  );
  const captions = {
    size: 2,
    need: () => Promise.resolve(),
    means: (rows: Uint32Array, perRow: number) => Float32Array.from({ length: (2 * rows.length) / perRow }, (_, i) => Math.sin(i)),
  };
  const training = { steps: 1, batch: 8, learningRate: 1e-3, width: 4, shift: 1, seed: 3 };
  const text = { width: 8, embedding: 8, cell: "rnn" } as const;
  const matching = { ...PLAIN_TRAINING, steps: 1, seed: 1, batch: 8, warmUp: 1, shift: 1, imageWidth: 4, text };
  const questions = {
    ...{ samples: 8, seed: 1, zeroShot: true },
    networks: { classifier: training, reader: { ...training, renders: 0 }, matching },
  };
  const told: string[] = [];
  const onEvent = (event: TrainEvent): void => void (event.kind === "message" && told.push(event.text));
  const laboratory = { device: await device(), dataset, store: new MemoryStore() };
  const report = await evaluate(laboratory, [{ name: "own", generators: [["raw", generator]], captions }], questions, { signal, onEvent });
  expect(told.find((text) => text.startsWith("trained once"))).toMatch(/^trained once for photographs: text-image encoder; /);
  const { values } = report.columns[2]!;
  for (const id of ["fid.train", "kid.test", "variety.test", "pixels.train"]) expect(values[id]!.value, id).toSatisfy(Number.isFinite);
  const ids = report.columns.flatMap((column) => Object.keys(column.values));
  expect(ids.filter((id) => id.startsWith("inception") || id === "zeroShot")).toEqual([]);
  expect(report.notes[0]).toMatch(/^No classes: zero-shot classification and the inception score are not measured/);
  expect(textTable(report)).toContain("FID-petalgrad, held-out images");
  expect(textTable(report)).not.toMatch(/(?:training|unseen) classes/);
});
