/** Classifiers that are trained for a measure: they learn, by every head. */
import { describe, expect, it } from "vitest";
import { predictions, trainClassifier } from "../../src/evaluate/classifier.js";
import { Observer } from "../../src/evaluate/observer.js";
import { realImages } from "../../src/evaluate/pictures.js";
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
      predictions(outputs, heads, head).filter((found, i) => found === labels(asked[i]!)[head]).length / asked.length;
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
