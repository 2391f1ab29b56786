/** Features of images are read from bytes; where the bytes come from is for others to know. */
import { expect, it } from "vitest";
import type { Dataset } from "../../../src/data/dataset.js";
import { writeNpy } from "../../../src/formats/npy.js";
import { writeSafetensors } from "../../../src/formats/safetensors.js";
import { fillFeatures, readImageFeatures } from "../../../src/train/text/image-features.js";

const dataset = { name: "birds", images: 2 } as Dataset;
const values = Float32Array.from({ length: 12 }, (_, i) => i / 4);

it("has a row an image, or several views of each", async () => {
  const rows = await readImageFeatures(writeNpy([2, 6], values), "f.npy", dataset);
  expect(rows).toEqual({ size: 6, views: 1, values, file: "f.npy" });
  const views = await readImageFeatures(writeNpy([2, 2, 3], values), "F.NPY", dataset);
  expect([views.size, views.views]).toEqual([3, 2]);
  expect([...fillFeatures(views, [1, 0], (row) => row)]).toEqual([...values.subarray(6, 9), ...values.subarray(3, 6)]);
});

it("is the only tensor of a file, or the one of that name", async () => {
  const features = { dtype: "F32", shape: [2, 6], data: values } as const;
  const other = { dtype: "F32", shape: [1], data: Float32Array.of(5) } as const;
  const read = async (...tensors: Parameters<typeof writeSafetensors>[0][]) =>
    readImageFeatures(await writeSafetensors(tensors.flatMap((some) => [...some])), "f.safetensors", dataset);
  expect((await read([["anything", features]])).values).toEqual(values);
  expect((await read([["a", other]], [["features", features]])).values).toEqual(values);
  await expect(read([["a", other]], [["b", features]])).rejects.toThrow('f.safetensors holds 2 tensors and none named "features"');
});

it("is refused in one line where it does not fit", async () => {
  const refused = (bytes: Uint8Array, name: string, message: string) =>
    expect(readImageFeatures(bytes, name, dataset)).rejects.toThrow(message);
  await refused(writeNpy([3, 4], values), "f.npy", "f.npy: the features are [3, 4]; for birds they must be [2, size] or [2, views, size]");
  await refused(writeNpy([2, 2], Float32Array.of(1, 2, NaN, 4)), "f.npy", "f.npy: the features of image 1 are not finite");
  await refused(new Uint8Array(9), "f.mat", "f.mat: features of images are read from .npy and .safetensors files");
  await refused(new Uint8Array(9), "f.npy", "f.npy is no sound");
});
