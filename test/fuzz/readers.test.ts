/**
 * 300 seeded mutations of sound files a reader: each ends in a value or in a typed error of one line that names the file, within bounds of time
 * and memory. A file with a hash is damaged beneath it: the nonsense is a stranger's, and the hash is right.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { zipSync } from "fflate";
import { encodePacked } from "../../src/data/packed-form.js";
import { readPacked } from "../../src/node/datasets/packed-file.js";
import { parquetSource } from "../../src/data/files/parquet.js";
import { concatenate } from "../../src/data/layouts/rows.js";
import { ParquetWriter } from "../../src/node/datasets/export/parquet-writer.js";
import { readNpy, readNpz } from "../../src/formats/npy.js";
import { readTorch7 } from "../../src/formats/torch7.js";
import { parseTuning } from "../../src/gpu/tuning-file.js";
import { openEmbeddings } from "../../src/node/datasets/embeddings/given-embeddings.js";
import { exportStateDict, importTextEncoder } from "../../src/train/text/import/import-encoder.js";
import { readGenerator } from "../../src/train/gan/model-file.js";
import { readPath } from "../../src/node/files/read-bytes.js";
import { readTextEncoder, readTextModel } from "../../src/train/text/encoder-file.js";
import { resolveOptions } from "../../src/train/gan/resolve-options.js";
import { newRunFolder } from "../../src/node/files/run-folder.js";
import { GAN_RUN } from "../../src/train/gan/run-kind.js";
import { Run } from "../../src/train/run/run.js";
import type { SafeTensor } from "../../src/formats/safetensors.js";
import { readStyle } from "../../src/train/style/file.js";
import { petalsAttributes } from "../../src/data/petals-classes.js";
import { tinyPrepared } from "../data/tiny-dataset.js";
import { pythonFile } from "../formats/python-files.js";
import { lua, torchObject, torchTensor, writeTorch7 } from "../formats/torch7-writer.js";
import { altered, tinyModels, tinyParts } from "../train/gan/tiny-model.js";
import { damaged, nonsense, pick, type Random } from "./mutations.js";
import { survives } from "./survives.js";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "petalgrad-fuzz-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

/** Metadata or tensors of a model's file made nonsense, under a right hash. */
function unsound(random: Random, metadata: Map<string, string>, tensors: Map<string, SafeTensor>): void {
  if (random() < 0.7) {
    const key = pick(
      random,
      [...metadata.keys()].filter((name) => name !== "format"),
    );
    const value = metadata.get(key)!;
    if (random() < 0.1) metadata.delete(key);
    else if (random() < 0.1) metadata.set(key, value.slice(0, Math.floor(random() * value.length)));
    else if (key === "generator.kind") metadata.set(key, "?");
    else metadata.set(key, JSON.stringify(nonsense(random, JSON.parse(value))));
    return;
  }
  const [name, tensor] = pick(random, [...tensors]);
  const { shape, data } = tensor;
  const way = Math.floor(random() * 5);
  if (way === 0) tensors.delete(name);
  else if (way === 1) tensors.set(name, { dtype: "F32", shape: [...shape].reverse(), data: data as Float32Array });
  else if (way === 2) tensors.set(name, { dtype: "F32", shape: [2 ** 40, 0], data: new Float32Array(0) });
  else if (way === 3) tensors.set(name, { dtype: "I64", shape, data: new BigInt64Array(data.length) });
  else
    tensors.set(name, { dtype: "F32", shape, data: Float32Array.from(data as Float32Array, (v, i) => (i === data.length - 1 ? NaN : v)) });
}

describe("a model's file", () => {
  it("with nonsense under its hash", async () => {
    const files = { ...(await tinyModels()), parts: await tinyParts() };
    const readers = { gan: readGenerator, text: readTextEncoder, style: readStyle, parts: readGenerator };
    await survives(
      async (random, i) => {
        const kind = (["gan", "text", "style", "parts"] as const)[i % 4]!;
        const bytes = await altered(files[kind], (metadata, tensors) => unsound(random, metadata, tensors));
        return [kind, put("m.safetensors", bytes)] as const;
      },
      ([kind, path]) => readPath<unknown>(path, readers[kind]),
    );
  });

  it("with damage", async () => {
    const { gan } = await tinyModels();
    // Without the hash, damage is read as if it were meant.
    const bare = Uint8Array.from(gan);
    const at = Buffer.from(bare).indexOf('"sha256":"');
    bare.set(Buffer.from('"sha255"'), at);
    await survives(
      (random) => put("m.safetensors", damaged(random, bare)),
      (path) => readPath(path, readGenerator),
    );
  });
});

it("a state dict", async () => {
  const { text } = await tinyModels();
  const dict = await exportStateDict(await readTextModel(text, "t.safetensors"));
  const bare = Uint8Array.from(dict);
  bare.set(Buffer.from('"sha255"'), Buffer.from(bare).indexOf('"sha256":"'));
  await survives(
    async (random, i) =>
      put("s.safetensors", i % 2 ? damaged(random, bare) : await altered(dict, (metadata, tensors) => unsound(random, metadata, tensors))),
    (path) => readPath(path, importTextEncoder),
  );
});

it("a pickle of embeddings", async () => {
  const names = pythonFile("names-list.pickle");
  put("filenames.pickle", names);
  const files = [0, 1, 2, 3, 4, 5].flatMap((protocol) => [`value-${protocol}.pickle`, `numpy-${protocol}.pickle`]).map(pythonFile);
  const embeddings = [2, 5].map((protocol) => pythonFile(`embeddings-${protocol}.pickle`));
  await survives((random, i) => put("embeddings.pickle", damaged(random, pick(random, i % 2 ? files : embeddings))), openEmbeddings);
});

it("an .npy file", async () => {
  const files = ["float32", "float64-fortran", "text", "half", "scalar", "names"].map((name) => pythonFile(`${name}.npy`));
  await survives(
    (random) => damaged(random, pick(random, files)),
    (bytes) => readNpy(bytes, "x.npy"),
  );
});

it("an .npz file", async () => {
  const files = [...["two.npz", "deflated.npz", "names.npz"].map(pythonFile)];
  await survives(
    (random, i) => {
      // Half of them have a damaged array in a sound archive.
      if (i % 2) return damaged(random, pick(random, files));
      return zipSync({
        "embeddings.npy": damaged(random, pythonFile("float32.npy")),
        "filenames.npy": damaged(random, pythonFile("names.npy")),
      });
    },
    (bytes) => readNpz(bytes, "x.npz"),
  );
});

it("a Parquet file", async () => {
  const writer = new ParquetWriter();
  const rows = Array.from({ length: 5 }, (_, i) => ({
    fileName: `${i}.png`,
    image: new Uint8Array(50).fill(i),
    captions: Array.from({ length: i }, (_, k) => `caption ${k} of ${i}`),
  }));
  const sound = concatenate([...rows.map((row) => writer.add(row)), writer.end()]);
  await survives(
    (random) => damaged(random, sound),
    async (bytes) => {
      const read = (position: number, length: number) => Promise.resolve(bytes.subarray(position, position + length));
      const open = () => Promise.resolve({ access: { size: bytes.length, read }, close: () => Promise.resolve() });
      const source = parquetSource("x.parquet", () => Promise.resolve(bytes.length), open);
      for await (const _ of source.read({ wanted: () => true, largest: 2 ** 20, onSkipped: () => undefined }));
    },
  );
});

it("a .t7 file", async () => {
  const tensor = torchTensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  const root = lua({
    txt: tensor,
    char: torchTensor([2], BigInt64Array.of(1n, 2n)),
    img: "a/b.jpg",
    net: torchObject("nn.Linear", { weight: tensor }),
  });
  const files = (["binary", "windows", "ascii"] as const).map((form) => writeTorch7(root, { form }));
  mkdirSync(join(folder, "t7", "c"), { recursive: true });
  await survives(
    (random) => put(join("t7", "c", "a.t7"), damaged(random, pick(random, files))),
    () => openEmbeddings(join(folder, "t7")),
  );
  await survives(
    (random) => damaged(random, pick(random, files)),
    (bytes) => readTorch7(bytes, "x.t7"),
  );
});

it("a run's config.json", async () => {
  const run = await Run.begin(newRunFolder(join(folder, "run"), "x"), GAN_RUN);
  await run.writeConfig(resolveOptions({ preset: "tiny" }, { software: true }), { version: "1" });
  const { readFileSync } = await import("node:fs");
  const text = readFileSync(run.inside("config.json"), "utf8");
  await survives(
    (random, i) =>
      put(join("run", "config.json"), i % 3 ? JSON.stringify(nonsense(random, JSON.parse(text))) : damaged(random, Buffer.from(text))),
    () => run.readConfig(),
  );
});

it("a cache of tuning", async () => {
  const text = JSON.stringify(
    { format: 1, adapters: { a: { p: { checksum: "0", choice: "x" }, q: { checksum: "1", choice: "y" } }, b: {} } },
    null,
    2,
  );
  await survives(
    (random, i) =>
      i % 2 ? JSON.stringify(nonsense(random, JSON.parse(text))) : Buffer.from(damaged(random, Buffer.from(text))).toString("utf8"),
    parseTuning,
  );
});

/** A packed file's parts put together again under right checksums. */
function packed(header: unknown, sections: readonly Uint8Array[], described: boolean): Uint8Array {
  const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  const fields = header as Record<string, unknown>;
  const [captions, attributes, pixels] = sections as [Uint8Array, Uint8Array, Uint8Array];
  if (described && typeof header === "object" && header !== null)
    for (const [name, section] of Object.entries({ captions, attributes, pixels }))
      fields[name] = { length: section.length, sha256: [sha(section).toString("hex")] };
  const text = Buffer.from(JSON.stringify(header) ?? "null");
  return Buffer.concat([
    Buffer.from("petalgrad data 1"),
    Buffer.from(Uint32Array.of(text.length).buffer),
    sha(text),
    text,
    captions,
    attributes,
    pixels,
  ]);
}

it("a packed data set", async () => {
  const data = {
    ...tinyPrepared({ captionsOf: (i) => [`caption ${i}`] }),
    attributes: Array.from({ length: 15 }, (_, i) => petalsAttributes(0, i, 0)),
  };
  const [, head, captions, attributes, pixels] = await encodePacked(data, "key");
  const header: unknown = JSON.parse(Buffer.from(head!).toString());
  const changed = (random: Random, section: Uint8Array) =>
    Buffer.from(JSON.stringify(nonsense(random, JSON.parse(Buffer.from(section).toString()))) ?? "");
  await survives(
    (random, i) => {
      const same = structuredClone(header);
      if (i % 5 === 0) return put("d.packed", packed(same, [changed(random, captions!), attributes!, pixels!], true));
      if (i % 5 === 1) return put("d.packed", packed(same, [captions!, changed(random, attributes!), pixels!], true));
      if (i % 5 === 2) return put("d.packed", damaged(random, packed(same, [captions!, attributes!, pixels!], true)));
      return put("d.packed", packed(nonsense(random, header), [captions!, attributes!, pixels!], false));
    },
    async (path) => {
      const set = await readPacked(path);
      for (let image = 0; image < set!.images; image++) set!.captionsOf(image).map((text) => text.length + set!.pixels(image).length);
    },
  );
});
