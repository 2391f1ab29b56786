/** Classifiers that are trained for a measure: they learn, by every head, and measures count right what they say. */
import { describe, expect, it } from "vitest";
import { petalsAttributes, petalsClasses } from "../../src/data/petals-classes.js";
import { attributesNamed, petalsCaptions } from "../../src/data/petals-captions.js";
import { PETAL_COLOURS, PETAL_COUNTS } from "../../src/data/petals-attributes.js";
import { PackedDataset } from "../../src/data/packed.js";
import { RandomStream } from "../../src/random/philox.js";
import { subset } from "../../src/data/subset.js";
import { predictions, trainClassifier } from "../../src/evaluate/classifier.js";
import { Observer } from "../../src/evaluate/observer.js";
import { realImages } from "../../src/evaluate/pictures.js";
import { attributesRight } from "../../src/evaluate/text-match.js";
import { drawnLesson, realLesson, drawnClassesAccuracy, drawnCaptions, drawnClassesTask } from "../../src/evaluate/drawn-classes.js";
import { tinyPrepared } from "../data/tiny-dataset.js";
import { patches } from "./patches.js";
import { device } from "../device.js";

const quick = { steps: 120, batch: 16, learningRate: 5e-3, width: 8, shift: 1, seed: 3 };
const never = new AbortController().signal;

describe("a classifier", () => {
  it("learns two things about an image, each under its head", async () => {
    const dataset = patches();
    const heads = [5, 2];
    const images = Array.from({ length: 80 }, (_, i) => i);
    const labels = (image: number) => [dataset.classOf(image) % 5, Math.floor(dataset.classOf(image) / 5)];
    const losses: number[] = [];
    const lesson = { dataset, images: images.filter((i) => i % 4 !== 3), heads, labels };
    const network = await trainClassifier(await device(), lesson, quick, (_, loss) => losses.push(loss), never);
    expect(losses).toHaveLength(120);
    // Nothing learnt yet: (ln 5 + ln 2) / 2 = 1.15.
    expect(losses[0]).toBeGreaterThan(0.8);
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    const observer = await Observer.create(await device(), network, 12);
    const asked = images.filter((i) => i % 4 === 3);
    const [part] = [...realImages(dataset, asked)];
    const { outputs, features } = await observer.observe(part!);
    expect(features).toHaveLength(asked.length * observer.featureSize);
    const share = (head: number) =>
      predictions(outputs, heads, head).filter((found, i) => found === labels(asked[i])[head]).length / asked.length;
    expect(share(0)).toBeGreaterThan(0.8);
    expect(share(1)).toBeGreaterThan(0.8);
    observer.destroy();
  });

  it("stops when asked to", async () => {
    const dataset = patches();
    const lesson = { dataset, images: [1, 2, 3], heads: [10], labels: (image: number) => [dataset.classOf(image)] };
    await expect(trainClassifier(await device(), lesson, quick, () => undefined, AbortSignal.abort())).rejects.toThrow();
  });

  it("says under each head which logit is largest", () => {
    const logits = Float32Array.of(0, 9, 1, 5, 4, /* */ 3, 2, 1, -2, -1);
    expect([...predictions(logits, [3, 2], 0)]).toEqual([1, 0]);
    expect([...predictions(logits, [3, 2], 1)]).toEqual([0, 1]);
  });
});

describe("zero-shot classification", () => {
  const dataset = patches();
  const task = drawnClassesTask(dataset)!;

  it("asks about the unseen classes, half of their images", () => {
    expect(task.classes).toEqual([8, 9]);
    expect(task.asked).toHaveLength(8);
    expect(new Set([...task.asked, ...task.learnt]).size).toBe(16);
    const captions = drawnCaptions(task, 5, 1);
    expect(captions.map((caption) => dataset.classOf(dataset.imageOfCaption(caption)))).toEqual([8, 8, 8, 8, 8, 9, 9, 9, 9, 9]);
    expect(drawnClassesTask(new PackedDataset(tinyPrepared({ classes: 4 })))).toBeUndefined();
  });

  it("turns drawn images into the bytes that a PNG of them holds", async () => {
    const drawn = [...realImages(dataset, [...task.learnt])];
    const lesson = await drawnLesson(task, drawn, 4);
    task.learnt.forEach((image, i) => expect(lesson.dataset.pixels(i)).toEqual(dataset.pixels(image)));
    expect(lesson.images.map((image) => lesson.labels(image))).toEqual([[0], [0], [0], [0], [1], [1], [1], [1]]);
  });

  it("is right after real images of the classes, and wrong after those of the other class", async () => {
    const right = await drawnClassesAccuracy(await device(), task, realLesson(task), quick, () => undefined, never);
    expect(right).toBe(1);
    const swapped = { ...realLesson(task), labels: (image: number) => [dataset.classOf(image) === 8 ? 1 : 0] };
    expect(await drawnClassesAccuracy(await device(), task, swapped, quick, () => undefined, never)).toBe(0);
  });
});

describe("the attributes that captions name", () => {
  it("are found in the grammar's own sentences as often as it says", () => {
    let [counts, centres, all] = [0, 0, 0];
    for (let classIndex = 0; classIndex < 130; classIndex++) {
      const named = petalsClasses()[classIndex];
      for (const caption of petalsCaptions(named, new RandomStream(5, classIndex))) {
        const says = attributesNamed(caption, named);
        all++;
        if (says.petalCount) counts++;
        if (says.centreColour) centres++;
      }
    }
    // The grammar names a count in half of its captions, a centre's colour in three of five.
    expect(counts / all).toBeGreaterThan(0.44);
    expect(counts / all).toBeLessThan(0.56);
    expect(centres / all).toBeGreaterThan(0.53);
    expect(centres / all).toBeLessThan(0.66);
  });

  it("are told from words that stand elsewhere", () => {
    const named = { ...petalsClasses()[0], petalCount: 5 as const, centreColour: "green" as const };
    expect(attributesNamed("red petals above broad green leaves", named)).toEqual({
      ...{ petalColour: true, petalCount: false, centreColour: false },
    });
    expect(attributesNamed("five red petals around a small light green center.", named)).toMatchObject({
      petalCount: true,
      centreColour: true,
    });
    expect(attributesNamed("petals that are red, five in number, and a green eye", named)).toMatchObject({
      petalCount: true,
      centreColour: true,
    });
  });

  it("count where a caption names them, and only there", () => {
    const { named, style } = petalsAttributes(0, 0, 0);
    const attributes = { named: { ...named, petalCount: 20 as const }, style };
    const prepared = tinyPrepared({ classes: 1, imagesPerClass: 2, captionsOf: (image) => [image === 1 ? "many petals" : "petals"] });
    const dataset = new PackedDataset({ ...prepared, attributes: [attributes, attributes] });
    // Logits of 8 colours, 6 counts, 5 centres: image 0 has the right colour, image 1 the right count.
    const logits = new Float32Array(2 * 19);
    const colour = PETAL_COLOURS.indexOf(named.petalColour);
    logits[colour] = 1;
    logits[19 + ((colour + 1) % 8)] = 1;
    logits[19 + 8 + PETAL_COUNTS.indexOf(20)] = 1;
    expect(attributesRight(dataset, logits, [0, 1])).toEqual({ petalColour: { value: 0.5 }, petalCount: { value: 1 } });
  });
});

describe("a part of a data set", () => {
  it("has the images that are kept, under their own numbers", () => {
    const dataset = patches();
    const part = subset(dataset, (image) => image % 4 === 0);
    expect(part.imagesOfClass(1)).toEqual([8, 12]);
    expect(part.imagesOfSplit("test")).toEqual([64, 68, 72, 76]);
    expect(part.pixels(12)).toEqual(dataset.pixels(12));
    expect(part.captionsOf(12)).toEqual(dataset.captionsOf(12));
    expect(part.classOf(12)).toBe(1);
  });
});
