/** Runs on disk as subjects of an evaluation. */
import { expect, it } from "vitest";
import { PackedDataset } from "../../../src/data/packed.js";
import { makePetals } from "../../../src/data/petals.js";
import { openRun } from "../../../src/node/evaluate/runs.js";
import type { TrainHooks } from "../../../src/train/run/events.js";
import { device } from "../../device.js";

const RUN = "test/fixtures/earlier/run";

it("a run whose encoder does not read captions to their end says so", async () => {
  const petals = await makePetals({ size: 16, imagesPerClass: 1 });
  const warnings = async (captions: readonly string[]) => {
    const dataset = new PackedDataset({ ...petals, images: petals.images.map((image) => ({ ...image, captions })) });
    const said: string[] = [];
    const onEvent: TrainHooks["onEvent"] = (event) => void (event.kind === "warning" && said.push(event.text));
    await openRun(await device(), RUN, dataset, { onEvent, signal: new AbortController().signal });
    return said;
  };
  const most = "a".repeat(201);
  const images = petals.images.length;
  expect(await warnings([most, `${most}b`, "petals"])).toEqual([
    `${RUN}: ${images} of ${3 * images} captions are longer than the 201 characters that the encoder reads, and are cut there`,
  ]);
  expect(await warnings([most])).toEqual([]);
});
