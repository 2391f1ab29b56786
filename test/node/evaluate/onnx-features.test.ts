/** Features of a network that the user brings: how images reach it, and what is said where something is missing. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { OnnxFeatures, type Runtime, type RuntimeTensor } from "../../../src/node/evaluate/onnx-features.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-features-"));
const file = join(folder, "inception.onnx");
writeFileSync(file, "");
afterAll(() => rmSync(folder, { recursive: true }));

/** A runtime whose network gives each image's first pixels' channels as its first three features, the rest zero, and them as logits. */
function runtime({ features = 2048, logits = true } = {}) {
  const seen: { dims: readonly number[] }[] = [];
  class FakeTensor implements RuntimeTensor {
    constructor(
      readonly type: string,
      readonly data: ArrayLike<number>,
      readonly dims: readonly number[],
    ) {}
  }
  const run = ({ x }: Readonly<Record<string, RuntimeTensor>>) => {
    seen.push(x!);
    const rows = x!.dims[0]!;
    const out = (width: number) => {
      const data = new Float32Array(rows * width);
      for (let row = 0; row < rows; row++) for (let c = 0; c < 3; c++) data[row * width + c] = x!.data[(row * 3 + c) * 299 * 299]!;
      return new FakeTensor("float32", data, [rows, width]);
    };
    return Promise.resolve({ f: out(features), ...(logits && { l: out(4) }) });
  };
  const session = { inputNames: ["x"], outputNames: logits ? ["l", "f"] : ["f"], run };
  const fake: Runtime = { InferenceSession: { create: () => Promise.resolve(session) }, Tensor: FakeTensor };
  return { load: () => Promise.resolve(fake), seen };
}

describe("a network of the user's", () => {
  it("gets images of 299 by 299 in batches, and gives features and logits in order", async () => {
    const { load, seen } = runtime();
    const model = await OnnxFeatures.open(file, load);
    const images = Float32Array.from({ length: 20 * 3 * 4 }, (_, i) => Math.floor(i / 4) / 100);
    const { features, outputs } = await model.observe(images, 2);
    expect(seen.map(({ dims }) => dims)).toEqual([[1, 3, 299, 299], [16, 3, 299, 299], [4, 3, 299, 299]]); // prettier-ignore
    expect([features.length, outputs.length]).toEqual([20 * 2048, 20 * 4]);
    expect(features[19 * 2048 + 2]).toBeCloseTo(0.59, 6);
    expect(outputs[19 * 4 + 1]).toBeCloseTo(0.58, 6);
  });

  it("needs no logits, but features of the right length", async () => {
    const model = await OnnxFeatures.open(file, runtime({ logits: false }).load);
    expect((await model.observe(new Float32Array(12), 2)).outputs).toHaveLength(0);
    await expect(OnnxFeatures.open(file, runtime({ features: 1000 }).load)).rejects.toThrow(
      `--features ${file} gives [1, 4], [1, 1000]; features [N, 2048] are wanted`,
    );
  });

  it("is asked for by name where it, or the package that runs it, is missing", async () => {
    await expect(OnnxFeatures.open(join(folder, "none.onnx"))).rejects.toThrow("none.onnx: no such file");
    const broken = () =>
      Promise.resolve({ ...({} as Runtime), InferenceSession: { create: () => Promise.reject(new Error("bad\nfile")) } });
    await expect(OnnxFeatures.open(file, broken)).rejects.toThrow(`--features ${file} cannot be loaded: bad`);
    const installed = existsSync(join("node_modules", "onnxruntime-node"));
    if (!installed) await expect(OnnxFeatures.open(file)).rejects.toThrow("needs the package onnxruntime-node, which is not installed");
  });
});
