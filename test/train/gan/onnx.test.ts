/** A generator as ONNX: the written graph, computed in float64 and by onnxruntime, draws what the generator draws. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DrawingModel } from "../../../src/drawing/drawing-model.js";
import { Generator } from "../../../src/models/generator.js";
import { normal } from "../../../src/models/initializers.js";
import { UPSAMPLINGS } from "../../../src/models/upsampling.js";
import type { Runtime } from "../../../src/node/evaluate/onnx-features.js";
import { RandomStream } from "../../../src/random/philox.js";
import { encodeOnnx } from "../../../src/train/gan/onnx.js";
import { normalise } from "../../../src/train/text/captions.js";
import { device } from "../../device.js";
import { readOnnx, runOnnx } from "../../formats/onnx-reader.js";
import { ndarray } from "../../reference/index.js";

const SIZES = { imageSize: 16, width: 4, noiseSize: 3, textSize: 5, textProjection: 4 } as const;
const N = 3;

const folder = mkdtempSync(join(tmpdir(), "petalgrad-onnx-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A model with weights and statistics far from their first values, and texts with a centre and a scale that show. */
function model(options: { upsampling?: (typeof UPSAMPLINGS)[number]; residual: boolean }) {
  const random = new RandomStream(9);
  const far = normal(random, 0, 0.25);
  const initial = { convolution: far, normScale: normal(random, 1, 0.2), linear: () => far };
  const generator = new Generator({ ...SIZES, ...options }, initial);
  // Means on both sides of 0, else no ReLU would let anything through.
  const value = (name: string) => (name.endsWith("running_mean") ? 0.3 * random.normal() : 0.2 + random.uniform());
  generator.statistics.write(
    new Map(generator.statistics.entries.map(({ name, tensor }) => [name, new Float32Array(tensor.size).map(() => value(name))])),
  );
  return { generator, normalisation: { center: new Float32Array(5).map(() => random.normal()), scale: 1.7 }, examples: [] };
}

const some = (count: number, seed: number): Float32Array => {
  const random = new RandomStream(seed);
  return new Float32Array(count).map(() => random.normal());
};
const NOISE = some(N * SIZES.noiseSize, 1);
const TEXT = some(N * SIZES.textSize, 2);

async function drawn(given: ReturnType<typeof model>): Promise<Float32Array> {
  const drawing = new DrawingModel(await device(), given);
  const images = await drawing.paint(NOISE, normalise(TEXT.slice(), given.normalisation));
  drawing.destroy();
  // Not black, white or grey all over, which a wrong graph could hit too.
  expect(images.filter((v) => Math.abs(v) > 0.05 && Math.abs(v) < 0.95).length).toBeGreaterThan(0.3 * images.length);
  return images;
}

const computed = (file: Uint8Array): Float64Array =>
  runOnnx(file, { noise: ndarray([N, SIZES.noiseSize], NOISE), text: ndarray([N, SIZES.textSize], TEXT) })[0]!.data;
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe.each(UPSAMPLINGS)("a generator with %s upsampling", (upsampling) => {
  it.each([true, false])("and residual blocks %s draws the same by its graph", async (residual) => {
    const given = model({ upsampling, residual });
    const file = await encodeOnnx(given);
    const images = computed(file);
    expect(images.length).toBe(N * 3 * 16 * 16);
    expect(furthest(images, await drawn(given))).toBeLessThan(1e-4);
  });
});

it("is of operator set 17, any number of images, with words on its inputs", async () => {
  const { irVersion, opsets, inputs, outputs, nodes } = readOnnx(await encodeOnnx(model({ residual: true })));
  expect({ irVersion, opsets }).toEqual({ irVersion: 8, opsets: [{ domain: "", version: 17 }] });
  expect(inputs.map(({ name, type, shape }) => ({ name, type, shape }))).toEqual([
    { name: "noise", type: 1, shape: ["N", 3] },
    { name: "text", type: 1, shape: ["N", 5] },
  ]);
  expect(outputs.map(({ name, type, shape }) => ({ name, type, shape }))).toEqual([{ name: "image", type: 1, shape: ["N", 3, 16, 16] }]);
  expect(inputs[1]!.doc).toContain("not normalised");
  expect(nodes.filter(({ type }) => type === "Cast")).toEqual([]);
});

it("of halves is half as large, computes in f32 and draws within a grey level", async () => {
  const given = model({ upsampling: "smooth", residual: true });
  const [file, small] = [await encodeOnnx(given), await encodeOnnx(given, "f16")];
  const weights = 4 * given.generator.size;
  expect(file.length - small.length).toBeGreaterThan(0.4 * weights);
  const difference = furthest(computed(small), computed(file));
  expect(difference).toBeGreaterThan(0);
  expect(difference).toBeLessThan(2 / 255);
});

/** onnxruntime-node has 290 MB, so it is not installed with the rest. */
function installed(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve("onnxruntime-node");
  } catch {
    return undefined;
  }
}

describe.skipIf(!installed())(`onnxruntime${installed() ? "" : " (skipped: npm install --no-save onnxruntime-node)"}`, () => {
  it.each([
    { upsampling: "transposed", residual: true },
    { upsampling: "smooth", residual: true },
    { upsampling: "bilinear", residual: false },
  ] as const)("draws what the generator draws: $upsampling, residual $residual", async (options) => {
    const { InferenceSession, Tensor } = createRequire(import.meta.url)("onnxruntime-node") as Runtime;
    const given = model(options);
    for (const precision of ["f32", "f16"] as const) {
      const path = join(folder, `${options.upsampling}-${precision}.onnx`);
      writeFileSync(path, await encodeOnnx(given, precision));
      const session = await InferenceSession.create(path);
      const feeds = (rows: number) => ({
        noise: new Tensor("float32", NOISE.subarray(0, rows * SIZES.noiseSize), [rows, SIZES.noiseSize]),
        text: new Tensor("float32", TEXT.subarray(0, rows * SIZES.textSize), [rows, SIZES.textSize]),
      });
      const { image } = await session.run(feeds(N));
      expect(image!.dims).toEqual([N, 3, 16, 16]);
      const difference = furthest(image!.data, await drawn(given));
      expect(difference).toBeLessThan(precision === "f32" ? 1e-4 : 2 / 255);
      // Another number of rows by the same file.
      const { image: first } = await session.run(feeds(1));
      expect(furthest(first!.data, Array.from(image!.data).slice(0, 3 * 16 * 16))).toBeLessThan(1e-5);
    }
  });
});
