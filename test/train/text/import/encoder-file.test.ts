/** Text encoders' files from others and for others: in, out, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNpy } from "../../../../src/formats/npy.js";
import { toFloats } from "../../../../src/formats/number-array.js";
import { CaptionEncoder } from "../../../../src/train/text/captions.js";
import { exportEmbeddings } from "../../../../src/node/datasets/embeddings/export-embeddings.js";
import { openEmbeddings } from "../../../../src/node/datasets/embeddings/given-embeddings.js";
import { exportStateDict, importTextEncoder } from "../../../../src/train/text/import/import-encoder.js";
import { encodeTextEncoder, readTextEncoder, readTextModel } from "../../../../src/train/text/encoder-file.js";
import { readSafetensors, writeSafetensors } from "../../../../src/formats/safetensors.js";
import { isNormalised } from "../../../../src/train/text/text-model.js";
import { writeTorch7 } from "../../../formats/torch7-writer.js";
import { tinyDataset } from "../../../data/tiny-dataset.js";
import { device } from "../../../device.js";
import { fixture } from "../../../oracle/fixture.js";
import { checkpoint, type EncoderFacts, torchEncoder } from "./nngraph.js";
import { readPath } from "../../../../src/node/files/read-bytes.js";

let folder: string;
const inside = (name: string) => join(folder, name);
const put = (name: string, bytes: Uint8Array): string => {
  writeFileSync(inside(name), bytes);
  return inside(name);
};
let torch: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-encoder-"));
  const { facts, under } = await fixture<EncoderFacts>("text-encoder-gru");
  torch = put("gru.t7", writeTorch7(checkpoint(torchEncoder(facts, under("parameter")).encoder)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a text encoder of the authors'", () => {
  it("becomes petalgrad's own file, and a state dict that is imported again", async () => {
    const imported = await readPath(torch, importTextEncoder);
    expect(imported).toMatchObject({ image: undefined, similarity: "dot", alphabet: { kind: "original" } });
    expect(imported.encoder.options).toMatchObject({
      form: "char-cnn-rnn",
      cell: "gru",
      state: "mean",
      width: 4,
      embedding: 7,
      length: 201,
    });
    expect(isNormalised(imported)).toBe(false);
    const own = put("own.safetensors", await encodeTextEncoder(imported));
    const read = await readPath(own, readTextEncoder);
    expect(await read.encoder.parameters.read()).toEqual(await imported.encoder.parameters.read());
    const dict = put("dict.safetensors", await exportStateDict(await readPath(own, readTextModel)));
    const { tensors, metadata } = await readSafetensors(new Uint8Array(await exportStateDict(await readPath(own, readTextModel))));
    expect([...tensors.keys()]).toEqual(
      expect.arrayContaining(["conv1.weight", "rnn.i2h.weight", "rnn.h2h_reset.bias", "emb_proj.weight"]),
    );
    expect(metadata.get("format")).toBe("pt");
    expect(await (await readPath(dict, importTextEncoder)).encoder.parameters.read()).toEqual(await imported.encoder.parameters.read());
  });

  it("embeds a data set into an array that train --embeddings takes", async () => {
    const imported = await readPath(torch, importTextEncoder);
    // The second captions are all the same, but for the one of image 4.
    const dataset = tinyDataset({ captionsOf: (i) => [`image ${i}`, i === 4 ? "number 4" : "another"] });
    const progress: number[][] = [];
    const { bytes, shape } = await exportEmbeddings(await device(), dataset, imported, "x.npy", (...done) => progress.push(done));
    expect(shape).toEqual([dataset.captions, 7]);
    expect(progress.at(-1)).toEqual([17, 17]);
    const captions = new CaptionEncoder(await device(), imported.encoder, imported.alphabet);
    const expected = await captions.encode(["number 4"]);
    const values = toFloats(readNpy(bytes).data as Float32Array);
    const row = dataset.firstCaption(4) + 1;
    expect([...values.subarray(7 * row, 7 * row + 7)]).toEqual([...expected]);
    const named = await exportEmbeddings(await device(), dataset, imported, "x.safetensors", () => {});
    const opened = await openEmbeddings(put("e.safetensors", named.bytes));
    expect(opened.values).toEqual(values);
  });

  it("what is none is refused in one line", async () => {
    const refused = (path: string, message: string) => expect(readPath(path, importTextEncoder)).rejects.toThrow(message);
    await refused(inside("none.t7"), "cannot be read");
    await refused(put("x.pth", new Uint8Array(9)), "save its state dict as safetensors");
    await refused(put("x.bin", new Uint8Array(9)), "text encoders are imported from .t7 (Torch7) and .safetensors");
    await refused(put("cut.t7", writeTorch7("x").slice(0, -1)), "cut.t7 is no sound binary Torch7 file: it ends within a string");
    await refused(inside("own.safetensors"), "is petalgrad's own already: give it to --text-encoder as it is");
    const { tensors } = await readSafetensors(await exportStateDict(await readPath(inside("own.safetensors"), readTextModel)));
    const other = [...tensors].map(([name, tensor]) => {
      if (name !== "conv1.weight") return [name, tensor] as const;
      return [name, { dtype: "F32", shape: [6, 30, 4], data: new Float32Array(720) } as const] as const;
    });
    await refused(
      put("other.safetensors", await writeSafetensors(other)),
      "takes an alphabet of 30 characters; only the original one of 70 is known",
    );
  });
});
