/** Images without classes: what is drawn from them, which are held out, and how they are packed. */
import { describe, expect, it } from "vitest";
import { PackedDataset, type PreparedData } from "../../src/data/packed.js";
import { decodePacked, encodePacked } from "../../src/data/packed-form.js";
import { JointSampler, PairSampler } from "../../src/data/sampler.js";
import { isHeldOutByName } from "../../src/data/split.js";
import { tinyPrepared } from "./tiny-dataset.js";

/** So many images, each a class of its own; the last fifth is held out. */
function prepared(count: number, captionsOf?: (image: number) => string[]): PreparedData {
  const data = tinyPrepared({ classes: count, imagesPerClass: 1, ...(captionsOf && { captionsOf }) });
  return { ...data, classes: data.images.map(({ name }) => name), classless: true };
}
const unclassed = (...args: Parameters<typeof prepared>) => new PackedDataset(prepared(...args));

describe("PairSampler", () => {
  it("draws all images equally often, each with one that has none of its captions", () => {
    const dataset = unclassed(50, (i) => [`Sentence ${i % 10}`, ...(i % 3 === 0 ? [`sentence ${(i + 1) % 10}`] : [])]);
    const sampler = new PairSampler(dataset, { batch: 64, seed: 0 });
    const counts = new Map<number, number>();
    const partners = new Map<number, Set<number>>();
    let [shared, heldOut, others] = [false, false, false];
    for (let step = 0; step < 100; step++) {
      const { images, wrong, wrongCaptions } = sampler.batch(step);
      images.forEach((image, row) => {
        const own = dataset.captionsOf(image).map((caption) => caption.toLowerCase());
        heldOut ||= image >= 40 || wrong[row]! >= 40;
        shared ||= dataset.captionsOf(wrong[row]!).some((caption) => own.includes(caption.toLowerCase()));
        others ||= dataset.imageOfCaption(wrongCaptions[4 * row]!) !== wrong[row];
        counts.set(image, (counts.get(image) ?? 0) + 1);
        partners.set(image, (partners.get(image) ?? new Set()).add(wrong[row]!));
      });
    }
    expect([shared, heldOut, others]).toEqual([false, false, false]);
    expect(counts.size).toBe(40);
    for (const count of counts.values()) expect(Math.abs(count - 160)).toBeLessThan(60);
    for (const partner of partners.values()) expect(partner.size).toBeGreaterThan(25);
  });

  it("finds the one image that differs among many", () => {
    const dataset = unclassed(200, (i) => [i === 7 ? "another" : "the same"]);
    const { images, wrong } = new PairSampler(dataset, { batch: 32, seed: 1 }).batch(3);
    images.forEach((image, row) => expect(wrong[row] === 7).toBe(image !== 7));
  });

  it("refuses captions that all are the same, unless nothing is to mismatch", () => {
    const dataset = unclassed(10, (i) => (i === 2 ? ["A flower", "a rose"] : ["a flower"]));
    expect(() => new PairSampler(dataset, { batch: 4, seed: 0 })).toThrow("image_0 shares a caption with every other training image");
    expect(new PairSampler(dataset, { batch: 4, seed: 0, mismatch: false }).batch(0).images).toHaveLength(4);
    expect(() => new PairSampler(unclassed(1), { batch: 4, seed: 0 })).toThrow("the train split has 1 image, and a batch needs 2");
  });
});

describe("JointSampler", () => {
  it("takes different images, none with a caption of another where there are enough", () => {
    const dataset = unclassed(50, (i) => [`sentence ${i % 20}`, `only ${i}`]);
    const sampler = new JointSampler(dataset, { batch: 12, seed: 0 });
    const seen = new Set<number>();
    for (let step = 0; step < 60; step++) {
      const { images, captions } = sampler.batch(step);
      expect(new Set(images).size).toBe(12);
      expect(new Set(Array.from(images, (image) => image % 20)).size).toBeGreaterThanOrEqual(11);
      captions.forEach((caption, row) => expect(dataset.imageOfCaption(caption)).toBe(images[row]));
      for (const image of images) seen.add(image);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });
});

describe("isHeldOutByName", () => {
  const names = Array.from({ length: 4000 }, (_, i) => `photo ${i}`);
  it("holds out about the share, the same images and more for a larger one", () => {
    const of = (share: number) => names.filter((name) => isHeldOutByName(name, share));
    expect(of(0)).toEqual([]);
    expect(Math.abs(of(0.1).length - 400)).toBeLessThan(80);
    const more = new Set(of(0.2));
    expect(of(0.1).every((name) => more.has(name))).toBe(true);
  });

  it("is what it was: a run's held-out images must stay so", () => {
    expect(names.slice(0, 40).filter((name) => isHeldOutByName(name, 0.1))).toEqual(["photo 9", "photo 22"]);
  });
});

it("is packed and read back; one whose images are not classes of their own is refused", async () => {
  const joined = (parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
  const read = await decodePacked(joined(await encodePacked(prepared(5), "key")));
  expect(read.classless).toBe(true);
  expect(read.imagesOfSplit("test")).toEqual([4]);
  const data = tinyPrepared({ classes: 5, imagesPerClass: 1 });
  expect((await decodePacked(joined(await encodePacked(data, "key")))).classless).toBe(false);
  const wrong = { ...tinyPrepared({ classes: 5, imagesPerClass: 2 }), classless: true };
  await expect(decodePacked(joined(await encodePacked(wrong, "key")))).rejects.toThrow("list of classes");
});
