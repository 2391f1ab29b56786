/** Training, its samples and its style encoder read the images that they need from the packed file: the same bits as from memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { Dataset } from "../../../src/data/dataset.js";
import { makePetals } from "../../../src/data/petals.js";
import { PackedDataset } from "../../../src/data/packed.js";
import type { Picture } from "../../../src/pictures/image-grid.js";
import { Sha256 } from "../../../src/formats/sha256.js";
import { readPacked, writePacked } from "../../../src/node/datasets/packed-file.js";
import { withoutHooks } from "../../../src/train/run/events.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import { trainGan } from "../../../src/train/gan/session.js";
import { trainStyle } from "../../../src/train/style/session.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-by-place-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Keeps the digests of the models, checkpoints and pictures that are written. */
class Digests extends MemoryStore {
  readonly all: Record<string, string> = {};

  override write(name: string, contents: Uint8Array | string): Promise<void> {
    if (typeof contents !== "string") this.all[name] = new Sha256().update(contents).hex();
    return super.write(name, contents);
  }
}

async function trained(dataset: Dataset): Promise<Record<string, string>> {
  const store = new Digests();
  const encodePicture = ({ pixels }: Picture): Uint8Array => Uint8Array.from(pixels);
  const given = { preset: "tiny", steps: 3, batch: 4, textSteps: 2, seed: 2, sampleEvery: 2 } as const;
  await trainGan({ given, store, dataset, encodePicture }, withoutHooks());
  await trainStyle({ given: { steps: 2, batch: 4 }, store, dataset, encodePicture, resume: false }, withoutHooks());
  return store.all;
}

it("has the same bits from the packed file as from memory", async () => {
  const petals = await makePetals({ size: 16, imagesPerClass: 3 });
  const file = join(folder, "petals.packed");
  await writePacked(file, petals, "key");
  const fromFile = await trained((await readPacked(file, "key", 0))!);
  expect(fromFile).toEqual(await trained(new PackedDataset(petals)));
  const names = Object.keys(fromFile).join(" ");
  for (const one of [/model\.safetensors/, /samples\//, /style\/.*png/]) expect(names).toMatch(one);
});
