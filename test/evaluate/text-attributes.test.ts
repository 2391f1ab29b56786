/** What a linear layer can tell from vectors, and what it finds of the attributes in captions. */
import { describe, expect, it } from "vitest";
import { PackedDataset } from "../../src/data/packed.js";
import { CENTRE_COLOURS, PETAL_COLOURS, PETAL_COUNTS } from "../../src/data/petals-attributes.js";
import { drawClass, drawStyle } from "../../src/data/petals-classes.js";
import { RandomStream } from "../../src/random/philox.js";
import { linearProbe } from "../../src/evaluate/linear-probe.js";
import { attributesByChance, attributesInText } from "../../src/evaluate/text-attributes.js";
import { tinyPrepared } from "../data/tiny-dataset.js";
import { device } from "../device.js";

const never = new AbortController().signal;

describe("a linear probe", () => {
  const points = (count: number, seed: number, labelOf: (x: number, y: number) => number) => {
    const random = new RandomStream(seed);
    const vectors = Float32Array.from({ length: 3 * count }, (_, i) => (i % 3 === 2 ? 1e-3 : 1) * random.normal());
    return { vectors, labels: Array.from({ length: count }, (_, i) => labelOf(vectors[3 * i]!, vectors[3 * i + 2]!)) };
  };
  const probe = async (labelOf: (x: number, y: number) => number, signal = never) =>
    linearProbe(await device(), points(500, 1, labelOf), points(500, 2, labelOf), { size: 3, classes: 2, seed: 0 }, signal);

  it("finds what a plane divides, also by an element that hardly varies", async () => {
    expect(await probe((x, y) => (x + 1000 * y > 0.5 ? 1 : 0))).toBeGreaterThan(0.97);
  });

  it("does not find what no plane divides", async () => {
    expect(await probe((x, y) => (x * y > 0 ? 1 : 0))).toBeLessThan(0.6);
  });

  it("stops when asked to", async () => {
    await expect(probe(() => 0, AbortSignal.abort())).rejects.toThrow();
  });
});

describe("attributes in text", () => {
  it("are found where embeddings hold them, in the captions that name them", async () => {
    const random = new RandomStream(3);
    const attributes = Array.from({ length: 300 }, () => ({ named: drawClass(random), style: drawStyle(random) }));
    // Every other caption names no count, and its embedding a wrong one: it must not be asked.
    const names = (image: number) => image % 2 === 0;
    const captionsOf = (image: number) => [names(image) ? `${WORDS[attributes[image]!.named.petalCount]} petals` : "petals"];
    const prepared = tinyPrepared({ classes: 5, imagesPerClass: 60, captionsOf });
    const dataset = new PackedDataset({ ...prepared, attributes });
    const size = PETAL_COLOURS.length + PETAL_COUNTS.length;
    const embed = (captions: readonly number[]) => {
      const values = new Float32Array(captions.length * size);
      captions.forEach((caption, row) => {
        const { petalColour, petalCount } = attributes[caption]!.named;
        const count = PETAL_COUNTS.indexOf(petalCount) + (names(caption) ? 0 : 1);
        values[row * size + PETAL_COLOURS.indexOf(petalColour)] = 1;
        values[row * size + PETAL_COLOURS.length + (count % PETAL_COUNTS.length)] = 1;
      });
      return Promise.resolve(values);
    };
    const captions = dataset.imagesOfSplit("test");
    const unseen = { captions, values: await embed(captions) };
    const found = await attributesInText(await device(), dataset, embed, unseen, 0, never);
    expect(found.petalColour).toBe(1);
    expect(found.petalCount).toBe(1);
    // Named in no caption.
    expect(found.centreColour).toBeUndefined();
    expect(attributesByChance()).toEqual({ petalColour: 1 / 8, petalCount: 1 / 6, centreColour: 1 / CENTRE_COLOURS.length });
  });
});

const WORDS = { 4: "four", 5: "five", 6: "six", 8: "eight", 12: "twelve", 20: "many" };
