/** What is told while a data set is opened. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openWithProgress } from "../../../src/node/datasets/open-with-progress.js";
import type { TrainEvent } from "../../../src/train/run/events.js";

let cacheDir: string;
beforeAll(() => {
  cacheDir = mkdtempSync(join(tmpdir(), "petalgrad-open-"));
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

/** Opens petals of two images a class. */
async function opened(signal: AbortSignal, onEvent: (event: TrainEvent) => void = () => {}) {
  const events: TrainEvent[] = [];
  let works = 0;
  const hooks = { onEvent: (event: TrainEvent) => (events.push(event), onEvent(event)), signal };
  const dataset = await openWithProgress("petals", { size: 16, imagesPerClass: 2, cacheDir }, hooks, () => works++);
  return { dataset, events, works };
}

it("tells how far preparing has come, and nothing where it has been done", async () => {
  const first = await opened(new AbortController().signal);
  const { images } = first.dataset;
  expect(first.events.length).toBeGreaterThan(0);
  expect(first.works).toBe(first.events.length);
  expect(first.events.at(-1)).toEqual({ kind: "work", what: "preparing petals", unit: "images", done: images, total: images });
  const again = await opened(new AbortController().signal);
  expect([again.events, again.works]).toEqual([[], 0]);
  expect(again.dataset.pixels(3)).toEqual(first.dataset.pixels(3));
});

it("stops where it is asked to, and leaves nothing half made", async () => {
  rmSync(cacheDir, { recursive: true });
  const stop = new AbortController();
  await expect(opened(stop.signal, () => stop.abort(new Error("enough")))).rejects.toThrow("enough");
  expect((await opened(new AbortController().signal)).works).toBeGreaterThan(0);
});
