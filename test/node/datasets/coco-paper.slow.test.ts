/** The paper's MS-COCO run (section 5.5), small: from the archives to a trained GAN. */
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { type PairBatch, PairSampler } from "../../../src/data/sampler.js";
import { COCO_REMOTES, type CocoRemotes } from "../../../src/node/datasets/coco.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import { trainGan } from "../../../src/train/gan/session.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import { cocoArchives as archives } from "./coco-set.js";
import { PictureSets } from "./picture-set.js";

const sets = new PictureSets("coco-paper");

it("the paper's run on it goes its steps", async () => {
  sets.next();
  for (const [part, bytes] of Object.entries(archives("2014", 20))) sets.put(COCO_REMOTES.coco[part as keyof CocoRemotes].file, bytes);
  const dataset = await openDataset("coco", { dataDir: sets.folder, size: 16, cacheDir: join(sets.base, "cache") });
  const small = {
    imageSize: 16,
    generatorWidth: 4,
    discriminatorWidth: 4,
    batch: 4,
    steps: 3,
    textSteps: 2,
    textWidth: 8,
    textSize: 16,
  } as const;
  const given = { preset: "coco-paper", recipe: "authors", dataset: "coco", ...small } as const;
  const losses: number[] = [];
  const onEvent = (event: TrainEvent): void => {
    if (event.kind === "step" && event.stage === "GAN") losses.push(event.metrics["lossD"]!, event.metrics["lossG"]!);
  };
  const store = new MemoryStore();
  const batches = vi.spyOn(PairSampler.prototype, "batch");
  const { end } = await trainGan({ given, store, dataset }, { onEvent, signal: new AbortController().signal });
  expect(end).toBe("finished");
  expect(losses.length).toBeGreaterThan(0);
  expect(losses.every(Number.isFinite)).toBe(true);
  // Three different captions of five: with replacement, half of the rows would repeat one.
  expect(batches.mock.results.length).toBeGreaterThanOrEqual(3);
  for (const { value } of batches.mock.results)
    for (let row = 0; row < 4; row++) expect(new Set((value as PairBatch).captions.subarray(3 * row, 3 * row + 3)).size).toBe(3);
  const config = JSON.parse(new TextDecoder().decode((await store.read("config.json"))!)) as { options?: unknown };
  expect(JSON.stringify(config)).toMatch(/"variant":\s*"gan-cls"/);
});
