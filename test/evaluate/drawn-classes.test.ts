/** Classes learnt from drawn images: which images are asked about, and what is made of drawn ones. */
import { describe, expect, it } from "vitest";
import { PackedDataset } from "../../src/data/packed.js";
import { realImages } from "../../src/evaluate/pictures.js";
import { drawnLesson, realLesson, drawnClassesAccuracy, drawnCaptions, drawnClassesTask } from "../../src/evaluate/drawn-classes.js";
import { tinyPrepared } from "../data/tiny-dataset.js";
import { patches } from "./patches.js";
import { device } from "../device.js";

const quick = { steps: 120, batch: 16, learningRate: 5e-3, width: 8, shift: 1, seed: 3 };
const never = new AbortController().signal;

describe("classes learnt from drawn images", () => {
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
    const drawn = realImages(dataset, [...task.learnt]);
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
