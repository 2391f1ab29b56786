/** Captions embedded when they are needed: the same bits in any company, kept for later runs. */
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RandomStream } from "../../../src/random/philox.js";
import { TextEncoder } from "../../../src/models/text-encoder.js";
import { FolderStore } from "../../../src/node/files/folder-store.js";
import { CaptionTable } from "../../../src/train/text/caption-table.js";
import type { TextModel } from "../../../src/train/text/captions.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import { encodeTextEncoder } from "../../../src/train/text/encoder-file.js";
import { tinyDataset } from "../../data/tiny-dataset.js";
import { device } from "../../device.js";

/** Captions of all windows' lengths; every third image repeats the text of image 0. */
const dataset = tinyDataset({
  classes: 10,
  imagesPerClass: 5,
  captionsOf: (image) => (image % 3 === 0 ? ["the same"] : [`image ${image}${" and more".repeat(image % 23)}`, `number ${image}`]),
});
const file = new Uint8Array([1, 2, 3]);
const all = Array.from({ length: dataset.captions }, (_, i) => i);
let folder: string;
let model: TextModel;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-captions-"));
  const encoder = new TextEncoder({ alphabet: dataset.alphabet.size, width: 16, embedding: 8, cell: "rnn" }, new RandomStream(5));
  model = { encoder, alphabet: dataset.alphabet, normalisation: { center: new Float32Array(8).fill(0.01), scale: 3 } };
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function open(cache: string, held?: number): Promise<{ table: CaptionTable; events: TrainEvent[] }> {
  const events: TrainEvent[] = [];
  const hooks = { onEvent: (event: TrainEvent) => void events.push(event) };
  const store = new FolderStore(join(folder, cache));
  return { table: await CaptionTable.open(await device(), dataset, model, file, store, hooks, undefined, held), events };
}

const rows = (table: CaptionTable, captions = all) => captions.map((i) => [...table.row(i)]);

describe("a table that is too large to be held", () => {
  it("has the bits of one that is, row by row and in means", async () => {
    const { table: whole } = await open("held");
    const { table, events } = await open("stored", 0);
    const batch = Uint32Array.from([3, 40, 0, 7, 7, 12]);
    await whole.need(all);
    await table.need(batch);
    expect(table.means(batch, 2)).toEqual(whole.means(batch, 2));
    await table.need(all);
    expect(rows(table)).toEqual(rows(whole));
    expect(await table.embeddings([9, 2])).toEqual(await whole.embeddings([9, 2]));
    expect(events).toEqual([]);
  });

  it("is kept for later runs as far as it was when it was kept", async () => {
    const { table } = await open("kept", 0);
    await table.need([1, 2]);
    await table.keep(() => undefined);
    await table.need([4]);
    expect(readdirSync(join(folder, "kept"))).toEqual([expect.stringMatching(/^captions-\w+\.rows$/)]);
    const { table: again } = await open("kept", 0);
    expect([...again.row(2)]).toEqual([...table.row(2)]);
    // A row that was written last may not have reached the disk.
    expect(again.has(Uint32Array.of(1, 2))).toBe(true);
    expect(again.has(Uint32Array.of(4))).toBe(false);
  });

  it("is begun anew where its file was cut short", async () => {
    const { table } = await open("cut", 0);
    await table.need([1, 2]);
    await table.keep(() => undefined);
    const [name = ""] = readdirSync(join(folder, "cut"));
    truncateSync(join(folder, "cut", name), 100);
    const { table: again } = await open("cut", 0);
    expect(again.has(Uint32Array.of(1))).toBe(false);
    await again.need([1]);
    const { table: whole } = await open("beside");
    await whole.need([1]);
    expect([...again.row(1)]).toEqual([...whole.row(1)]);
  });
});

describe("the table of captions", () => {
  it("has the same bits however its rows came to be", async () => {
    const whole = (await open("none")).table;
    await whole.need(all);
    const { table } = await open("none");
    const order = new RandomStream(7).shuffle([...all]);
    for (let at = 0, length = 1; at < order.length; at += length++) await table.need(order.slice(at, at + length));
    expect(rows(table)).toEqual(rows(whole));
    // Different texts are told apart, equal ones are not.
    expect(new Set(rows(whole).map(String)).size).toBe(new Set(all.map((i) => dataset.caption(i))).size);
  });

  it("holds what was asked for, and nothing else", async () => {
    const { table } = await open("none");
    await table.need([3, 4]);
    expect(table.has(Uint32Array.of(3, 4))).toBe(true);
    expect(table.has(Uint32Array.of(3, 5))).toBe(false);
    expect(() => table.row(5)).toThrow(/not asked for/);
    expect(() => table.means(Uint32Array.of(3, 5), 2)).toThrow(/not asked for/);
    const mean = table.row(3).map((v, d) => (v + table.row(4)[d]!) / 2);
    table.means(Uint32Array.of(3, 4), 2).forEach((v, d) => expect(v).toBeCloseTo(mean[d]!, 6));
  });

  it("makes the batches ahead known too, and asks for none while a batch is known", async () => {
    const { table } = await open("none");
    const asked: number[] = [];
    const batch = (i: number): Uint32Array => {
      asked.push(i);
      return Uint32Array.of((2 * i) % dataset.captions, (2 * i + 1) % dataset.captions);
    };
    await table.ready(batch);
    expect(table.has(Uint32Array.from(all))).toBe(true);
    expect(Math.max(...asked)).toBeGreaterThan(dataset.captions / 2);
    asked.length = 0;
    await table.ready(batch);
    expect(asked).toEqual([0]);
  });

  it("is kept for later runs as far as it has come, and made anew when damaged", async () => {
    const first = (await open("kept")).table;
    await first.need([0, 1, 7]);
    await first.keep(() => undefined);
    const { table } = await open("kept");
    expect(rows(table, [0, 1, 7])).toEqual(rows(first, [0, 1, 7]));
    expect(table.has(Uint32Array.of(2))).toBe(false);
    // The text of caption 0 is there: its other places need no encoder.
    await table.need(all);
    writeFileSync(join(folder, "kept", first.source!.name), "damaged");
    const { table: anew, events } = await open("kept");
    expect(events).toMatchObject([{ kind: "warning", text: expect.stringContaining("embedded anew") as string }]);
    await anew.need(all);
    expect(rows(anew)).toEqual(rows(table));
  });

  it("of given embeddings knows all, and keeps nothing", async () => {
    const vectors = Float32Array.from({ length: 2 * dataset.captions }, (_, i) => i);
    const table = CaptionTable.given(dataset, vectors, 2);
    await table.need(all);
    await table.keep(() => expect.unreachable());
    expect([...table.row(3)]).toEqual([6, 7]);
    expect([...table.means(Uint32Array.of(0, 2), 2)]).toEqual([2, 3]);
  });

  it("is another for other weights", async () => {
    const name = async () => {
      const bytes = await encodeTextEncoder({ ...model, image: undefined });
      return (await CaptionTable.open(await device(), dataset, model, bytes, undefined, { onEvent: () => undefined })).source!.name;
    };
    const before = await name();
    expect(await name()).toBe(before);
    const values = await model.encoder.parameters.read();
    values.get("conv1.bias")![0]! += 1e-3;
    model.encoder.parameters.write(values);
    expect(await name()).not.toBe(before);
  });
});
